"""A test identity provider: signs with signxml, which shares no code with what checks the signatures."""

from __future__ import annotations

import base64
import datetime
import threading
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import msgspec
import pytest
import xmlsec
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import NameOID
from lxml import etree
from signxml import XMLSigner, methods
from tiled_saml.login import SAMLLogin
from tiled_saml.options import SAMLOptions

from tiledkernel.access.logins import Departure

PROVIDER, SERVER = "https://idp.example.org/metadata", "https://tiled.example.org"
SIGN_ON = "https://idp.example.org/sso?tenant=1"
ADDRESS = "https://tiled.example.org/api/v1/auth/provider/lab/code"
UID = "urn:oid:0.9.2342.19200300.100.1.1"
BEARER = "urn:oasis:names:tc:SAML:2.0:cm:bearer"
SUCCESS = "urn:oasis:names:tc:SAML:2.0:status:Success"
PERSISTENT = "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent"
DS = "http://www.w3.org/2000/09/xmldsig#"
NAMESPACES = {
    "samlp": "urn:oasis:names:tc:SAML:2.0:protocol",
    "saml": "urn:oasis:names:tc:SAML:2.0:assertion",
    "ds": DS,
}
SHA256 = {"signature_algorithm": "rsa-sha256", "digest_algorithm": "sha256"}

ANSWER = """\
<samlp:Response xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion"
    ID="{response_id}" Version="2.0" IssueInstant="{now}"{answers}{destination}>
  <saml:Issuer>{issuer}</saml:Issuer>{response_signature}
  <samlp:Status><samlp:StatusCode Value="{status}"/></samlp:Status>
  <saml:Assertion ID="{assertion_id}" Version="2.0" IssueInstant="{now}">
    <saml:Issuer>{issuer}</saml:Issuer>{assertion_signature}
    <saml:Subject>
      <saml:NameID Format="{name_id_format}">{name_id}</saml:NameID>
      <saml:SubjectConfirmation Method="{method}"><saml:SubjectConfirmationData{confirmed}/></saml:SubjectConfirmation>
    </saml:Subject>
    <saml:Conditions NotBefore="{begins}" NotOnOrAfter="{ends}">{audience}</saml:Conditions>
    <saml:AuthnStatement AuthnInstant="{now}" SessionIndex="_session">
      <saml:AuthnContext>
        <saml:AuthnContextClassRef>urn:oasis:names:tc:SAML:2.0:ac:classes:Password</saml:AuthnContextClassRef>
      </saml:AuthnContext>
    </saml:AuthnStatement>{attributes}
  </saml:Assertion>
</samlp:Response>
"""


@dataclass(frozen=True)
class Story:
    """What a provider says; what is None is left out. Times are in seconds from now."""

    request: str | None
    confirmed_request: str | None
    address: str | None = ADDRESS
    recipient: str | None = ADDRESS
    audiences: tuple[str, ...] = (SERVER,)
    issuer: str = PROVIDER
    status: str = SUCCESS
    name_id: str = "alice@example.org"
    name_id_format: str = PERSISTENT
    attributes: tuple[tuple[str, str, tuple[str, ...]], ...] = ((UID, "uid", ("alice",)),)
    method: str = BEARER
    begins: float = -60
    ends: float = 300
    confirmed_until: float | None = 300
    signed: tuple[str, ...] = ("assertion",)
    algorithms: dict[str, str] = field(default_factory=lambda: SHA256)

    def tell(self) -> etree._Element:
        """The answer, with places for signatures."""
        place = f'<ds:Signature xmlns:ds="{DS}" Id="placeholder"/>'
        statements = "".join(
            f'<saml:Attribute Name="{name}" FriendlyName="{friendly}">'
            + "".join(f"<saml:AttributeValue>{value}</saml:AttributeValue>" for value in values)
            + "</saml:Attribute>"
            for name, friendly, values in self.attributes
        )
        text = ANSWER.format(
            response_id="_response",
            assertion_id="_assertion",
            now=moment(0),
            issuer=self.issuer,
            status=self.status,
            answers=given("InResponseTo", self.request),
            destination=given("Destination", self.address),
            name_id=self.name_id,
            name_id_format=self.name_id_format,
            method=self.method,
            confirmed=given("InResponseTo", self.confirmed_request)
            + given("Recipient", self.recipient)
            + given("NotOnOrAfter", None if self.confirmed_until is None else moment(self.confirmed_until)),
            begins=moment(self.begins),
            ends=moment(self.ends),
            audience="".join(
                f"<saml:AudienceRestriction><saml:Audience>{each}</saml:Audience></saml:AudienceRestriction>"
                for each in self.audiences
            ),
            attributes=f"<saml:AttributeStatement>{statements}</saml:AttributeStatement>" if statements else "",
            response_signature=place if "response" in self.signed else "",
            assertion_signature=place if "assertion" in self.signed else "",
        )
        return etree.fromstring(text)


def given(name: str, value: str | None) -> str:
    return "" if value is None else f' {name}="{value}"'


def moment(seconds: float) -> str:
    time = datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=seconds)
    return time.strftime("%Y-%m-%dT%H:%M:%SZ")


class Provider:
    """Knows a key, and says whatever a test wants it to say."""

    def __init__(self) -> None:
        self.key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Identity provider of the tests")])
        now = datetime.datetime.now(datetime.UTC)
        certificate = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(self.key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(hours=1))
            .not_valid_after(now + datetime.timedelta(days=1))
            .sign(self.key, hashes.SHA256())
        )
        self.certificate = certificate.public_bytes(serialization.Encoding.PEM).decode()

    def story(self, departure: Departure, **changes: Any) -> Story:
        """What it says to a browser that comes with a request."""
        request = self.requested(departure).get("ID")
        return replace(Story(request, request), **changes)

    def signed(self, story: Story) -> etree._Element:
        """That, signed as the story wants it."""
        document = story.tell()
        if "assertion" in story.signed:
            assertion = document.find("saml:Assertion", NAMESPACES)
            document.replace(assertion, self._sign(assertion, story.algorithms))
        if "response" in story.signed:
            document = self._sign(document, story.algorithms)
        return etree.fromstring(etree.tostring(document))

    def _sign(self, element: etree._Element, algorithms: dict[str, str]) -> etree._Element:
        signer = _Signer(
            method=methods.enveloped, c14n_algorithm="http://www.w3.org/2001/10/xml-exc-c14n#", **algorithms
        )
        return signer.sign(element, key=self.key, cert=self.certificate, reference_uri=element.get("ID"))

    def answer(self, departure: Departure, **changes: Any) -> dict[str, str]:
        """The fields of the form with which the browser comes back."""
        return self.form(self.signed(self.story(departure, **changes)), departure)

    def form(self, document: etree._Element | bytes, departure: Departure) -> dict[str, str]:
        """The fields with which a browser comes back with this document."""
        text = document if isinstance(document, bytes) else etree.tostring(document)
        state = parse_qs(urlsplit(departure.url).query)["RelayState"][0]
        return {"SAMLResponse": base64.b64encode(text).decode(), "RelayState": state}

    def requested(self, departure: Departure) -> etree._Element:
        """The request that the browser takes along."""
        (encoded,) = parse_qs(urlsplit(departure.url).query)["SAMLRequest"]
        return etree.fromstring(zlib.decompress(base64.b64decode(encoded), -15))

    @property
    def private_key(self) -> str:
        """The key, as a configuration has it."""
        return self.key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
        ).decode()

    def check_query(self, query: str) -> None:
        """InvalidSignature unless the query of a redirection is signed with this key."""
        parts = dict(part.split("=", 1) for part in query.split("&"))
        signed = "&".join(f"{name}={parts[name]}" for name in ("SAMLRequest", "RelayState", "SigAlg"))
        signature = base64.b64decode(unquote(parts["Signature"]))
        self.key.public_key().verify(signature, signed.encode(), padding.PKCS1v15(), hashes.SHA256())

    def encrypted(self, document: etree._Element, certificate: str) -> etree._Element:
        """The answer with its assertion encrypted for whoever has this certificate."""
        assertion = document.find("saml:Assertion", NAMESPACES)
        box = etree.SubElement(document, f"{{{NAMESPACES['saml']}}}EncryptedAssertion")
        manager = xmlsec.KeysManager()
        manager.add_key(xmlsec.Key.from_memory(certificate, xmlsec.KeyFormat.CERT_PEM))
        data = xmlsec.template.encrypted_data_create(
            box, xmlsec.Transform.AES256_GCM, type=xmlsec.EncryptionType.ELEMENT, ns="xenc"
        )
        xmlsec.template.encrypted_data_ensure_cipher_value(data)
        info = xmlsec.template.encrypted_data_ensure_key_info(data, ns="ds")
        key = xmlsec.template.add_encrypted_key(info, xmlsec.Transform.RSA_OAEP)
        xmlsec.template.encrypted_data_ensure_cipher_value(key)
        context = xmlsec.EncryptionContext(manager)
        context.key = xmlsec.Key.generate(xmlsec.KeyData.AES, 256, xmlsec.KeyDataType.SESSION)
        box.append(context.encrypt_xml(data, assertion))
        document.append(box)
        return document


class _Signer(XMLSigner):
    """It signs with SHA-1, too, as old providers do."""

    def check_deprecated_methods(self) -> None:
        pass


class Website:
    """The provider's pages on loopback: whoever comes with a request is sent back with an answer, as its only user."""

    def __init__(self, provider: Provider) -> None:
        self.provider = provider
        self.changes: dict[str, Any] = {}
        website = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                body = website.page(f"http://{self.headers['host']}{self.path}").encode()
                self.send_response(200)
                self.send_header("content-type", "text/html")
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Nothing: a test says what is wrong."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/sso"
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()

    def page(self, url: str) -> str:
        """A form that sends itself, as SAML has it."""
        departure = Departure(url=url)
        address = self.provider.requested(departure).get("AssertionConsumerServiceURL")
        story = {"address": address, "recipient": address, **self.changes}
        fields = self.provider.answer(departure, **story)
        hidden = "".join(f'<input type="hidden" name="{name}" value="{value}">' for name, value in fields.items())
        return f'<form method="post" action="{address}">{hidden}</form><script>document.forms[0].submit()</script>'

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@pytest.fixture(scope="session")
def website(provider: Provider) -> Iterator[Website]:
    """The pages of the identity provider."""
    website = Website(provider)
    yield website
    website.close()


@pytest.fixture(scope="session")
def provider() -> Provider:
    """An identity provider."""
    return Provider()


@pytest.fixture(scope="session")
def stranger() -> Provider:
    """Somebody else, who would like to be it."""
    return Provider()


@pytest.fixture
def settings(provider: Provider) -> dict[str, Any]:
    """What a configuration has to say at least."""
    return {
        "sp": {"entityId": SERVER},
        "idp": {"entityId": PROVIDER, "singleSignOnService": {"url": SIGN_ON}, "x509cert": provider.certificate},
    }


@pytest.fixture
def login(settings: dict[str, Any]) -> Callable[..., SAMLLogin]:
    """`login(**options)`: into the provider, by the user's `uid`."""

    def make(**options: Any) -> SAMLLogin:
        given = {"saml_settings": settings, "attribute_name": UID, **options}
        return SAMLLogin(msgspec.convert(given, SAMLOptions))

    return make
