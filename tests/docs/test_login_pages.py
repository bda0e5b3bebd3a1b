"""docs/passwords.md, ldap.md and saml.md list the keys that there are, and what they show can be built."""

from __future__ import annotations

import datetime
import json
import re
from pathlib import Path

import msgspec
import pytest
import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from tiled_ldap.options import LDAPOptions
from tiled_passwords.dictionary import DictionaryOptions
from tiled_passwords.dummy import DummyOptions
from tiled_passwords.pam import PAMOptions
from tiled_saml.options import SAMLOptions

from tiledkernel import references
from tiledkernel.composition import Composition
from tiledkernel.plugins import discover

from .tables import section

DOCS = Path(__file__).parents[2] / "docs"
TABLES = [
    ("passwords.md", "Users in the configuration", DictionaryOptions),
    ("passwords.md", "Users of the machine", PAMOptions),
    ("passwords.md", "Everybody", DummyOptions),
    ("ldap.md", "Keys", LDAPOptions),
    ("saml.md", "Keys", SAMLOptions),
]
METADATA = """\
<md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" xmlns:ds="http://www.w3.org/2000/09/xmldsig#"
    entityID="https://idp.example.org/metadata">
  <md:IDPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol">
    <md:KeyDescriptor use="signing"><ds:KeyInfo><ds:X509Data><ds:X509Certificate>{certificate}</ds:X509Certificate>
    </ds:X509Data></ds:KeyInfo></md:KeyDescriptor>
    <md:SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect"
      Location="https://idp.example.org/sso"/>
  </md:IDPSSODescriptor>
</md:EntityDescriptor>
"""


def page(name: str) -> str:
    return (DOCS / name).read_text(encoding="utf-8")


def default(field: msgspec.structs.FieldInfo) -> str:
    """The default of a key as the pages write it."""
    if field.required:
        return "needed"
    return "" if field.default in (None, "") else f"`{json.dumps(field.default)}`"


@pytest.mark.parametrize(("name", "heading", "options"), TABLES, ids=lambda value: getattr(value, "__name__", value))
def test_a_page_has_every_key_with_its_default(name, heading, options) -> None:
    table = section(page(name), heading).partition("| key |")[2].partition("\n\n")[0]
    listed = re.findall(r"^\| `(\w+)` \| (.*?) ?\| .+ \|$", table, re.MULTILINE)
    assert sorted(listed) == sorted((field.name, default(field)) for field in msgspec.structs.fields(options))


def shown() -> list[tuple[str, dict]]:
    """The logins of all configurations on these pages."""
    found = []
    for name in ("passwords.md", "ldap.md", "saml.md"):
        for text in re.findall(r"^```yaml\n(.*?)^```$", page(name), re.MULTILINE | re.DOTALL):
            found.extend((name, provider) for provider in yaml.safe_load(text)["authentication"]["providers"])
    return found


@pytest.fixture
def certificate() -> str:
    """That of an identity provider."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name, now = x509.Name([]), datetime.datetime.now(datetime.UTC)
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    made = made.serial_number(1).not_valid_before(now).not_valid_after(now + datetime.timedelta(days=1))
    lines = made.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode().splitlines()
    return "".join(lines[1:-1])


@pytest.mark.parametrize(("name", "provider"), shown())
def test_what_a_page_shows_can_be_built(name, provider, certificate, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("idp-metadata.xml").write_text(METADATA.format(certificate=certificate))
    Path("example.pem").write_text(f"-----BEGIN CERTIFICATE-----\n{certificate}\n-----END CERTIFICATE-----\n")
    written = (
        json.dumps(provider.get("args", {})).replace("/etc/ssl/certs/", "").replace("$IDP_CERTIFICATE", certificate)
    )
    record = Composition(discover()).authenticators[provider["authenticator"]]
    options = msgspec.json.decode(written, type=references.load(record.options))
    assert references.load(record.build)(options) is not None


def test_the_defaults_of_saml_are_those_of_the_page() -> None:
    from tiled_saml.settings import _SECURITY

    table = section(page("saml.md"), "Keys").partition("Under `saml_settings.security`")[2]
    listed = re.findall(r"^\| `(\w+)` \| `(\w+)` \|", table, re.MULTILINE)
    assert dict(listed) == {key: json.dumps(value) for key, value in _SECURITY.items()}


def test_other_names_are_the_ones_of_the_records() -> None:
    records = Composition(discover()).authenticators
    listed = re.findall(r"^\| `(\w+)` \|.*\| `tiled\.authenticators:(\w+)` \|$", page("passwords.md"), re.MULTILINE)
    assert listed == [(name, records[name].also[0]) for name in ("dictionary", "pam", "dummy")]
