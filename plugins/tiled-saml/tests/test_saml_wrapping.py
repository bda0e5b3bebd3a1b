"""Signature wrapping: what the provider signed is there, and something else is to be read.

The kinds of J. Somorovsky et al., On Breaking SAML: Be Whoever You Want to Be (2012).
"""

from __future__ import annotations

import copy

import pytest
from lxml import etree

from tiledkernel.errors import Unauthorized

ADDRESS = "https://tiled.example.org/api/v1/auth/provider/lab/code"
NAMES = {
    "samlp": "urn:oasis:names:tc:SAML:2.0:protocol",
    "saml": "urn:oasis:names:tc:SAML:2.0:assertion",
    "ds": "http://www.w3.org/2000/09/xmldsig#",
}
EXTENSIONS = f"{{{NAMES['samlp']}}}Extensions"
OBJECT = f"{{{NAMES['ds']}}}Object"


def before(document, original, evil):
    original.addprevious(evil)
    return document


def behind(document, original, evil):
    original.addnext(evil)
    return document


def before_with_the_same_name(document, original, evil):
    evil.set("ID", original.get("ID"))
    return before(document, original, evil)


def behind_with_the_same_name(document, original, evil):
    evil.set("ID", original.get("ID"))
    return behind(document, original, evil)


def around(document, original, evil):
    document.replace(original, evil)
    evil.append(original)
    return document


def inside(document, original, evil):
    original.append(evil)
    return document


def around_with_the_signature_outside(document, original, evil):
    signature = document.find(".//ds:Signature", NAMES)
    document.replace(original, evil)
    evil.insert(1, signature)
    evil.append(original)
    return document


def in_an_object_of_the_signature(document, original, evil):
    signature = document.find(".//ds:Signature", NAMES)
    document.replace(original, evil)
    evil.insert(1, signature)
    etree.SubElement(signature, OBJECT).append(original)
    return document


def in_an_object_with_the_name_of_the_original(document, original, evil):
    evil.set("ID", original.get("ID"))
    return in_an_object_of_the_signature(document, original, evil)


def in_an_object_of_a_signature_of_the_message(document, original, evil):
    signature = document.find(".//ds:Signature", NAMES)
    document.replace(original, evil)
    document.insert(1, signature)
    etree.SubElement(signature, OBJECT).append(original)
    return document


def in_extensions(document, original, evil):
    document.replace(original, evil)
    extensions = etree.Element(EXTENSIONS)
    extensions.append(original)
    document.insert(1, extensions)
    return document


def a_message_in_a_message(document, original, evil):
    outer = copy.deepcopy(document)
    outer.set("ID", "_outer")
    outer.replace(outer.find("saml:Assertion", NAMES), evil)
    extensions = etree.Element(EXTENSIONS)
    extensions.append(document)
    outer.insert(1, extensions)
    return outer


def a_message_in_a_message_of_the_same_name(document, original, evil):
    outer = a_message_in_a_message(document, original, evil)
    outer.set("ID", document.get("ID"))
    return outer


KINDS = [
    before,
    behind,
    before_with_the_same_name,
    behind_with_the_same_name,
    around,
    inside,
    around_with_the_signature_outside,
    in_an_object_of_the_signature,
    in_an_object_with_the_name_of_the_original,
    in_an_object_of_a_signature_of_the_message,
    in_extensions,
    a_message_in_a_message,
    a_message_in_a_message_of_the_same_name,
]


@pytest.fixture(params=[("assertion",), ("response",), ("assertion", "response")], ids="+".join)
def signed(request):
    """What the provider signs, and has to."""
    return request.param


@pytest.fixture
def there(login, settings, signed):
    """A login at a provider that signs this."""
    wanted = {"wantAssertionsSigned": "assertion" in signed, "wantMessagesSigned": "response" in signed}
    return login(saml_settings=settings | {"security": wanted})


@pytest.mark.parametrize("wrap", KINDS, ids=lambda wrap: wrap.__name__)
def test_what_is_signed_is_what_is_read(there, provider, signed, wrap):
    departure = there.depart(ADDRESS, "s")
    document = provider.signed(provider.story(departure, signed=signed))
    original = document.find("saml:Assertion", NAMES)
    evil = copy.deepcopy(original)
    evil.set("ID", "_evil")
    evil.find(".//saml:AttributeValue", NAMES).text = "admin"
    if (signature := evil.find("ds:Signature", NAMES)) is not None:
        evil.remove(signature)
    forged = etree.fromstring(etree.tostring(wrap(document, original, evil)))
    assert b"admin" in etree.tostring(forged)
    with pytest.raises(Unauthorized):
        there.arrive(ADDRESS, provider.form(forged, departure), departure.remember)


def test_what_is_not_wrapped_is_read(there, provider, signed):
    departure = there.depart(ADDRESS, "s")
    document = provider.signed(provider.story(departure, signed=signed))
    assert there.arrive(ADDRESS, provider.form(document, departure), departure.remember).id == "alice"
