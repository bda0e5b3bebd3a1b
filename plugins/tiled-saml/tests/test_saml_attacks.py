"""Answers that nobody may be let in by."""

from __future__ import annotations

import base64
import copy
import logging

import pytest
from lxml import etree
from onelogin.saml2.utils import OneLogin_Saml2_Utils

from tiledkernel.errors import Unauthorized

ADDRESS = "https://tiled.example.org/api/v1/auth/provider/lab/code"
UID = "urn:oid:0.9.2342.19200300.100.1.1"
NAMES = {
    "samlp": "urn:oasis:names:tc:SAML:2.0:protocol",
    "saml": "urn:oasis:names:tc:SAML:2.0:assertion",
    "ds": "http://www.w3.org/2000/09/xmldsig#",
}
SHA1 = {"signature_algorithm": "rsa-sha1", "digest_algorithm": "sha1"}


@pytest.fixture
def refused(login, caplog):
    """`refused(parameters, departure)`: nobody is let in; returns what the log says."""

    def check(parameters, remembered, there=None, address=ADDRESS):
        caplog.clear()
        with pytest.raises(Unauthorized) as caught:
            (there or login()).arrive(address, parameters, remembered)
        said = str(caught.value)
        assert "begin to log in again" in said
        logged = " ".join(record.getMessage() for record in caplog.records if record.levelno == logging.WARNING)
        assert not logged or logged.partition(": ")[2] not in said, (
            "what is wrong with it is not told to whoever sent it"
        )
        return logged

    return check


@pytest.fixture
def departure(login):
    """Somebody who has left for the provider."""
    return login().depart(ADDRESS, "s")


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"signed": ()}, "not signed"),
        ({"signed": ("response",)}, "not signed"),
        ({"algorithms": SHA1}, "rsa-sha1"),
        ({"algorithms": {"signature_algorithm": "rsa-sha256", "digest_algorithm": "sha1"}}, "sha1"),
        ({"ends": -3600}, "expired"),
        ({"begins": 3600}, "not yet valid"),
        ({"confirmed_until": -1}, "SubjectConfirmation"),
        ({"confirmed_until": None}, "nothing that is signed says"),
        ({"audiences": ("https://other.example.org",)}, "audience"),
        ({"audiences": ()}, "for whom it is"),
        ({"audiences": ("https://tiled.example.org", "https://other.example.org")}, "for somebody else"),
        ({"issuer": "https://other.example.org"}, "Invalid issuer"),
        ({"issuer": ""}, "whose answer it is"),
        ({"address": "https://other.example.org/code"}, "received at"),
        ({"address": ADDRESS + "/../evil"}, "belongs elsewhere"),
        ({"recipient": "https://other.example.org/code"}, "SubjectConfirmation"),
        ({"recipient": ADDRESS + "@other.example.org"}, "nothing that is signed says"),
        ({"recipient": None}, "nothing that is signed says"),
        ({"request": None, "confirmed_request": None}, "answers another request, or none"),
        ({"request": None}, "answers another request, or none"),
        ({"request": "_other"}, "does not match the ID"),
        ({"confirmed_request": None}, "nothing that is signed says"),
        ({"confirmed_request": "_other"}, "SubjectConfirmation"),
        ({"method": "urn:oasis:names:tc:SAML:2.0:cm:sender-vouches"}, "SubjectConfirmation"),
        ({"status": "urn:oasis:names:tc:SAML:2.0:status:Responder"}, "not Success"),
        ({"attributes": ()}, "AttributeStatement"),
        ({"attributes": (("other", "other", ("alice",)),)}, "there is no attribute"),
        ({"attributes": ((UID, "uid", ()),)}, "0 values"),
        ({"attributes": ((UID, "uid", ("", " ")),)}, "0 values"),
        ({"attributes": ((UID, "uid", ("alice", "bob")),)}, "2 values"),
        ({"attributes": ((UID, "uid", ("alice",)), (UID, "uid", ("bob",)))}, "2 values"),
        ({"attributes": ((UID, "uid", ("<b>bob</b>alice",)),)}, "no text"),
        ({"attributes": ((UID, "uid", ("alice<b/>",)),)}, "no text"),
    ],
)
def test_an_answer_that_does_not_vouch_for_anyone_is_refused(provider, refused, departure, changes, why):
    assert why in refused(provider.answer(departure, **changes), departure.remember)


def test_what_somebody_else_signed_is_refused(stranger, refused, departure):
    assert "Signature validation failed" in refused(stranger.answer(departure), departure.remember)


def test_a_certificate_that_comes_along_proves_nothing(provider, stranger, refused, departure):
    """The key of a stranger, under the certificate of the provider."""
    forged = stranger.signed(stranger.story(departure))
    forged.find(".//ds:X509Certificate", NAMES).text = "".join(provider.certificate.splitlines()[1:-1])
    assert "Signature validation failed" in refused(provider.form(forged, departure), departure.remember)


def test_sha1_is_taken_only_if_that_is_wanted(login, provider, settings):
    there = login(saml_settings=settings | {"security": {"rejectDeprecatedAlgorithm": False}})
    departure = there.depart(ADDRESS, "s")
    assert there.arrive(ADDRESS, provider.answer(departure, algorithms=SHA1), departure.remember).id == "alice"


def test_an_answer_is_good_once(login, provider, refused):
    there = login()
    departure = there.depart(ADDRESS, "s")
    answer = provider.answer(departure)
    assert there.arrive(ADDRESS, answer, departure.remember).id == "alice"
    assert "got its answer before" in refused(answer, departure.remember, there)


def test_an_answer_to_somebody_else_is_refused(login, provider, refused):
    """Whoever got hold of an answer cannot use it for a login of their own."""
    there = login()
    theirs, own = there.depart(ADDRESS, "s"), there.depart(ADDRESS, "s")
    assert "does not match the ID" in refused(provider.answer(theirs), own.remember, there)


def test_an_unsigned_part_cannot_be_made_to_fit(login, provider, refused):
    """Only the assertion is signed: what the message around it says can be changed by anyone."""
    there = login()
    theirs, own = there.depart(ADDRESS, "s"), there.depart(ADDRESS, "s")
    stolen = provider.signed(provider.story(theirs))
    stolen.set("InResponseTo", own.remember["request"])
    assert "SubjectConfirmation" in refused(provider.form(stolen, own), own.remember, there)


def test_an_answer_for_another_address_is_refused(login, provider, refused):
    other = "https://tiled.example.org/api/v1/auth/provider/other/code"
    there = login()
    departure = there.depart(other, "s")
    answer = provider.answer(departure, address=None, recipient=other)
    assert "SubjectConfirmation" in refused(answer, departure.remember, there)


def test_nothing_that_is_signed_can_be_changed(provider, refused, departure):
    signed = provider.signed(provider.story(departure))
    for path in (".//saml:AttributeValue", ".//saml:NameID", ".//saml:Audience", ".//ds:DigestValue"):
        forged = copy.deepcopy(signed)
        forged.find(path, NAMES).text = "bob"
        assert refused(provider.form(forged, departure), departure.remember), path


@pytest.mark.parametrize("signed_with_it", [True, False])
@pytest.mark.parametrize("where", ["name_id", "attributes"])
@pytest.mark.parametrize("text", ["alice<!-- -->.evil", "<!---->alice.evil", "al<!--a-->ice<!--b-->.evil"])
def test_a_comment_does_not_end_a_name(login, provider, where, text, signed_with_it):
    """`alice.evil` cannot become `alice` by a comment, whether it was there before the signature or came later."""
    there = login(attribute_name=None if where == "name_id" else UID)
    said = text if signed_with_it else "alice.evil"
    changes = {"name_id": said} if where == "name_id" else {"attributes": ((UID, "uid", (said,)),)}
    departure = there.depart(ADDRESS, "s")
    document = etree.tostring(provider.signed(provider.story(departure, **changes)))
    document = document.replace(b">alice.evil<", f">{text}<".encode())
    assert text.encode() in document
    assert there.arrive(ADDRESS, provider.form(document, departure), departure.remember).id == "alice.evil"


def test_an_instruction_does_not_end_a_name(provider, refused, departure):
    changes = {"attributes": ((UID, "uid", ("alice<?x y?>.evil",)),)}
    assert refused(provider.answer(departure, **changes), departure.remember)


def test_a_name_that_changes_is_no_id(login, provider, refused):
    there = login(attribute_name=None)
    departure = there.depart(ADDRESS, "s")
    transient = provider.answer(departure, name_id_format="urn:oasis:names:tc:SAML:2.0:nameid-format:transient")
    assert "transient" in refused(transient, departure.remember, there)


@pytest.mark.parametrize(
    ("path", "algorithm"),
    [
        (".//ds:Transform", "http://www.w3.org/TR/1999/REC-xslt-19991116"),
        (".//ds:Transform", "http://www.w3.org/TR/1999/REC-xpath-19991116"),
        (".//ds:CanonicalizationMethod", "http://www.w3.org/TR/1999/REC-xslt-19991116"),
        (".//ds:SignatureMethod", "http://www.w3.org/2001/04/xmldsig-more#hmac-sha256"),
        (".//ds:SignatureMethod", "http://www.w3.org/2000/09/xmldsig#hmac-sha1"),
        (".//ds:SignatureMethod", "none"),
        (".//ds:DigestMethod", "http://www.w3.org/2001/04/xmldsig-more#md5"),
    ],
)
def test_an_unusual_signature_is_not_computed(provider, refused, departure, monkeypatch, path, algorithm):
    forged = provider.signed(provider.story(departure))
    forged.find(path, NAMES).set("Algorithm", algorithm)

    def never(*_: object) -> bool:
        raise AssertionError("a signature was computed")

    monkeypatch.setattr(OneLogin_Saml2_Utils, "validate_sign", never)
    assert f"a signature uses {algorithm!r}" in refused(provider.form(forged, departure), departure.remember)


def test_a_signature_of_several_parts_is_refused(provider, refused, departure):
    forged = provider.signed(provider.story(departure))
    reference = forged.find(".//ds:Reference", NAMES)
    reference.addnext(copy.deepcopy(reference))
    assert "not of the element" in refused(provider.form(forged, departure), departure.remember)


@pytest.mark.parametrize("uri", ["", "#_response", "#_other", "http://127.0.0.1:1/x", "file:///etc/passwd", None])
def test_a_signature_of_something_else_is_refused(provider, refused, departure, uri):
    forged = provider.signed(provider.story(departure))
    reference = forged.find(".//ds:Reference", NAMES)
    reference.attrib.pop("URI")
    if uri is not None:
        reference.set("URI", uri)
    assert "not of the element" in refused(provider.form(forged, departure), departure.remember)


DOCTYPES = [
    '<!DOCTYPE r [<!ENTITY e "alice">]>',
    '<!DOCTYPE r [<!ENTITY e SYSTEM "file:///etc/hostname">]>',
    '<!DOCTYPE r SYSTEM "http://127.0.0.1:1/x.dtd">',
    '<!DOCTYPE r [<!ENTITY a "aaaaaaaaaa"><!ENTITY e "&a;&a;&a;&a;&a;&a;">]>',
]


@pytest.mark.parametrize("doctype", DOCTYPES)
def test_a_document_type_is_refused(provider, refused, departure, doctype):
    text = etree.tostring(provider.signed(provider.story(departure))).replace(b">alice<", b">&e;<")
    if "ENTITY e" not in doctype:
        text = text.replace(b"&e;", b"alice")
    assert refused(provider.form(doctype.encode() + text, departure), departure.remember)


GARBAGE = [
    "",
    "!",
    "é",
    "PHg+",
    base64.b64encode(b"<x/>").decode(),
    base64.b64encode(b"<samlp:Response xmlns:samlp='urn:oasis:names:tc:SAML:2.0:protocol'/>").decode(),
    base64.b64encode(b"\xff\xfe\x00").decode(),
    base64.b64encode(b"<a>" * 100_000).decode(),
    "A" * 1_000_000,
]


@pytest.mark.parametrize("garbage", GARBAGE, ids=lambda text: text[:8] or "nothing")
def test_what_is_no_answer_is_refused(refused, departure, garbage):
    refused({"SAMLResponse": garbage, "RelayState": "s"}, departure.remember)


def test_a_browser_that_comes_with_nothing_is_refused(refused, departure, provider):
    refused({"RelayState": "s"}, departure.remember)
    refused({}, departure.remember)
    refused(provider.answer(departure), {})
    refused(provider.answer(departure), {"request": ""})


@pytest.fixture
def sealed(login, provider, settings):
    """A login whose key is known, as the one half of it is to everyone; and that key."""
    own = settings["sp"] | {"x509cert": provider.certificate, "privateKey": provider.private_key}
    return login(saml_settings=settings | {"sp": own, "security": {"wantAssertionsEncrypted": True}})


@pytest.mark.parametrize("by", ["stranger", "provider"])
@pytest.mark.parametrize("signed", [("assertion",), ()], ids=lambda signed: "+".join(signed) or "unsigned")
def test_what_anyone_can_encrypt_vouches_for_nobody(sealed, provider, stranger, refused, by, signed):
    departure = sealed.depart(ADDRESS, "s")
    teller = {"stranger": stranger, "provider": provider}[by]
    document = teller.encrypted(teller.signed(teller.story(departure, signed=signed)), provider.certificate)
    if (by, signed) == ("provider", ("assertion",)):
        assert sealed.arrive(ADDRESS, provider.form(document, departure), departure.remember).id == "alice"
    else:
        assert refused(provider.form(document, departure), departure.remember, sealed)


def test_what_cannot_be_decrypted_is_refused(sealed, provider, stranger, refused):
    departure = sealed.depart(ADDRESS, "s")
    document = provider.encrypted(provider.signed(provider.story(departure)), stranger.certificate)
    refused(provider.form(document, departure), departure.remember, sealed)
    damaged = provider.encrypted(provider.signed(provider.story(departure)), provider.certificate)
    (*_, value) = damaged.iter("{http://www.w3.org/2001/04/xmlenc#}CipherValue")
    value.text = value.text[:40] + "AAAA" + value.text[44:]
    refused(provider.form(damaged, departure), departure.remember, sealed)
