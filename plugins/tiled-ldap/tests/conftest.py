"""Directories to log in to: one on ldaptor, and Debian's slapd where that is installed; both with `people.ldif`."""

from __future__ import annotations

import datetime
import ipaddress
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import msgspec
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from tiled_ldap.login import LDAPLogin
from tiled_ldap.options import LDAPOptions

HERE = Path(__file__).parent
LDIF = HERE / "people.ldif"
SLAPD = shutil.which("slapd", path="/usr/sbin:/usr/local/sbin:/usr/libexec:/usr/bin")
KINDS = ["ldaptor", *(["slapd"] if SLAPD else [])]
PATIENCE = 20.0

SLAPD_CONF = """
include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/nis.schema
include /etc/ldap/schema/inetorgperson.schema
modulepath /usr/lib/ldap
moduleload back_mdb
pidfile {folder}/slapd.pid
TLSCertificateFile {certificate}
TLSCertificateKeyFile {key}
allow bind_anon_cred bind_anon_dn
database mdb
suffix "dc=example,dc=org"
directory {folder}/db
access to attrs=userPassword by anonymous auth by * none
access to * by * read
"""


class Certificates(NamedTuple):
    """Files: who signs, and what the server shows."""

    authority: Path
    certificate: Path
    key: Path


class Directory(NamedTuple):
    """A running server."""

    kind: str
    ldap: int
    ldaps: int
    authority: Path

    @property
    def url(self) -> str:
        return f"ldap://127.0.0.1:{self.ldap}"

    @property
    def encrypted_url(self) -> str:
        return f"ldaps://127.0.0.1:{self.ldaps}"


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    """For 127.0.0.1, and not for localhost."""
    folder = tmp_path_factory.mktemp("certificates")
    files = Certificates(folder / "authority.pem", folder / "certificate.pem", folder / "key.pem")
    authority_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    authority = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Authority of the tests")])
    address = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    signed = {
        files.authority: (
            _certificate(authority, authority, authority_key)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .add_extension(_key_usage(signs=True), critical=True)
        ),
        files.certificate: (
            _certificate(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")]), authority, key)
            .add_extension(address, critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key()), critical=False
            )
        ),
    }
    for file, builder in signed.items():
        file.write_bytes(builder.sign(authority_key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
    files.key.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return files


def _certificate(subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


def _key_usage(*, signs: bool) -> x509.KeyUsage:
    others = ("content_commitment", "key_encipherment", "data_encipherment", "key_agreement")
    rest = dict.fromkeys((*others, "encipher_only", "decipher_only"), False)
    return x509.KeyUsage(digital_signature=True, key_cert_sign=signs, crl_sign=signs, **rest)


@pytest.fixture(scope="session", params=KINDS)
def directory(
    request: pytest.FixtureRequest, certificates: Certificates, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Directory]:
    """A running directory, one after the other of those that this machine has."""
    run = _slapd if request.param == "slapd" else _ldaptor
    with run(tmp_path_factory.mktemp(request.param), certificates) as (ldap, ldaps):
        yield Directory(request.param, ldap, ldaps, certificates.authority)


@contextmanager
def _ldaptor(folder: Path, certificates: Certificates) -> Iterator[tuple[int, int]]:
    with _running(
        [sys.executable, HERE / "ldaptor_directory.py", LDIF, certificates.certificate, certificates.key], folder
    ) as process:
        assert process.stdout is not None
        ldap, ldaps = process.stdout.readline().split()
        yield int(ldap), int(ldaps)


@contextmanager
def _slapd(folder: Path, certificates: Certificates) -> Iterator[tuple[int, int]]:
    (folder / "db").mkdir()
    configuration = folder / "slapd.conf"
    configuration.write_text(
        SLAPD_CONF.format(folder=folder, certificate=certificates.certificate, key=certificates.key)
    )
    # Before `slapd` itself, which would fill the database by another program of the same name.
    subprocess.run([SLAPD, "-Tadd", "-f", configuration, "-l", LDIF], check=True, capture_output=True)
    ports = free_port(), free_port()
    urls = f"ldap://127.0.0.1:{ports[0]} ldaps://127.0.0.1:{ports[1]}"
    with _running([SLAPD, "-d", "0", "-f", configuration, "-h", urls], folder) as process:
        for port in ports:
            _wait_for(port, process)
        yield ports


@contextmanager
def _running(command: list, folder: Path) -> Iterator[subprocess.Popen[str]]:
    with (
        (folder / "errors").open("w") as errors,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, text=True, cwd=folder) as process,
    ):
        try:
            yield process
        finally:
            process.terminate()


def _wait_for(port: int, process: subprocess.Popen[str]) -> None:
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        assert process.poll() is None
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    raise TimeoutError(port)


def free_port() -> int:
    """A port on which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture(scope="session")
def nowhere() -> str:
    """An address at which nothing answers."""
    return f"ldap://127.0.0.1:{free_port()}"


@pytest.fixture
def login_to() -> Callable[..., LDAPLogin]:
    """`login_to(**options)`: a login with these options, as a configuration has them."""
    return lambda **options: LDAPLogin(msgspec.convert(options, LDAPOptions))


@pytest.fixture
def login(directory: Directory, login_to: Callable[..., LDAPLogin]) -> Callable[..., LDAPLogin]:
    """`login(**options)`: into the running directory, encrypted; people bind by their `uid`."""

    def make(**options: object) -> LDAPLogin:
        usual: dict[str, object] = {"server_address": directory.url, "ca_certs_file": str(directory.authority)}
        if "lookup_dn" not in options:
            usual["bind_dn_template"] = "uid={username},ou=people,dc=example,dc=org"
        return login_to(**{**usual, **options})

    return make
