"""Servers that are down, slow, or not who they say they are: nobody is let in, and no password is told."""

from __future__ import annotations

import logging
import socket
import threading
import time
from collections.abc import Callable, Iterator

import pytest
from tiled_ldap import directory as servers

from tiledkernel.errors import NotReady

TEMPLATE = "uid={username},ou=people,dc=example,dc=org"
SECRET = b"secret"

# LDAPMessage 1: ExtendedResponse with protocolError, as a server answers that has no StartTLS.
NO_STARTTLS = bytes.fromhex("300c02010178070a010204000400")


class Listener:
    """Listens, notes what it is told, and answers with `answer`, or never."""

    def __init__(self, answer: bytes | None) -> None:
        self.heard = b""
        self._answer = answer
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        open_ = []
        while True:
            try:
                caller, _ = self._socket.accept()
            except OSError:
                break
            open_.append(caller)
            self.heard += caller.recv(4096)
            if self._answer is not None:
                caller.sendall(self._answer)
                while more := caller.recv(4096):
                    self.heard += more
        for caller in open_:
            caller.close()

    def close(self) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join()


@pytest.fixture
def listener() -> Iterator[Callable[..., Listener]]:
    """`listener(answer=None)`: something that is no directory."""
    made: list[Listener] = []

    def make(answer: bytes | None = None) -> Listener:
        made.append(Listener(answer))
        return made[-1]

    yield make
    for each in made:
        each.close()


def refused(login) -> None:
    with pytest.raises(NotReady, match="cannot be asked just now") as caught:
        login.authenticate("alice", "secret")
    assert "secret" not in str(caught.value)
    assert int(caught.value.headers["retry-after"]) > 0


@pytest.mark.parametrize(
    "how",
    [
        {"use_tls": True},
        {"use_tls": False},
        {"use_ssl": True, "use_tls": False},
        {"use_ssl": True},
    ],
    ids=["StartTLS", "plain", "TLS", "both"],
)
def test_every_way_to_connect_works(login, directory, how):
    port = directory.ldaps if how.get("use_ssl") else directory.ldap
    found = login(server_address="127.0.0.1", server_port=port, **how)
    assert found.authenticate("alice", "secret").id == "alice"
    assert found.authenticate("alice", "wrong") is None


def test_an_address_may_say_that_it_is_encrypted(login, directory):
    assert login(server_address=directory.encrypted_url).authenticate("alice", "secret").id == "alice"


@pytest.mark.parametrize("encrypted", [False, True])
def test_a_certificate_that_nobody_trusts_is_refused(login, directory, encrypted, caplog):
    address = directory.encrypted_url if encrypted else directory.url
    refused(login(server_address=address, ca_certs_file=None))
    assert "certificate verify failed" in caplog.text


@pytest.mark.parametrize("encrypted", [False, True])
def test_a_certificate_for_another_name_is_refused(login, directory, encrypted, caplog, monkeypatch):
    resolve = socket.getaddrinfo
    monkeypatch.setattr(socket, "getaddrinfo", lambda _host, *rest: resolve("127.0.0.1", *rest))
    address = (directory.encrypted_url if encrypted else directory.url).replace("127.0.0.1", "directory.test")
    refused(login(server_address=address))
    assert "Hostname mismatch" in caplog.text


def test_a_certificate_is_not_looked_at_only_if_that_is_wanted(login, caplog):
    found = login(ca_certs_file=None, verify_certificates=False)
    assert "anyone between can read passwords" in caplog.text
    assert found.authenticate("alice", "secret").id == "alice"


def test_passwords_that_travel_as_they_are_are_warned_of(login_to, nowhere, caplog):
    login_to(server_address=nowhere, bind_dn_template=TEMPLATE, use_tls=False)
    (record,) = caplog.records
    assert record.levelno == logging.WARNING
    assert record.getMessage().startswith("passwords travel to the directory as they are")


def test_without_encryption_nothing_is_told(login_to, listener):
    """A server without StartTLS, or somebody between who takes it away, hears no name and no password."""
    server = listener(NO_STARTTLS)
    refused(login_to(server_address=f"ldap://127.0.0.1:{server.port}", bind_dn_template=TEMPLATE))
    assert server.heard
    assert SECRET not in server.heard
    assert b"alice" not in server.heard


@pytest.mark.parametrize("answer", [b"\x00" * 64, b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\x30\x84\xff\xff\xff\xff"])
def test_what_is_no_directory_is_a_failure(login_to, listener, answer):
    server = listener(answer)
    refused(
        login_to(
            server_address=f"ldap://127.0.0.1:{server.port}",
            bind_dn_template=TEMPLATE,
            receive_timeout=1,
        )
    )


@pytest.mark.parametrize("how", [{}, {"use_ssl": True}, {"use_tls": False}], ids=["StartTLS", "TLS", "plain"])
def test_a_server_that_never_answers_is_not_waited_for(login_to, listener, how):
    server = listener()
    begin = time.monotonic()
    refused(
        login_to(
            server_address="127.0.0.1", server_port=server.port, bind_dn_template=TEMPLATE, receive_timeout=1, **how
        )
    )
    assert time.monotonic() - begin < 5


def test_a_directory_that_is_down_is_no_wrong_password(login_to, nowhere, caplog):
    refused(login_to(server_address=nowhere, bind_dn_template=TEMPLATE))
    assert "does not answer" in caplog.text
    assert "secret" not in caplog.text


def test_the_next_server_is_asked(login, directory, nowhere):
    found = login(server_address=[nowhere, directory.url])
    assert found.authenticate("alice", "secret").id == "alice"
    assert found.authenticate("alice", "wrong") is None


def test_a_server_that_failed_comes_last_for_a_while(login, directory, nowhere, monkeypatch, caplog):
    found = login(server_address=[nowhere, directory.url])
    found.authenticate("alice", "secret")
    caplog.clear()
    found.authenticate("alice", "secret")
    assert "does not answer" not in caplog.text
    monkeypatch.setattr(servers, "_REST", 0.0)
    found.authenticate("alice", "secret")
    assert "does not answer" in caplog.text


def test_a_wrong_password_is_not_tried_at_the_next_server(login, directory, listener):
    """Or every mistake would count twice where servers lock accounts."""
    other = listener()
    found = login(server_address=[directory.url, f"ldap://127.0.0.1:{other.port}"])
    assert found.authenticate("alice", "wrong") is None
    assert not other.heard


def test_a_wrong_password_of_the_searcher_is_no_mistake_of_the_user(login, caplog):
    found = login(
        lookup_dn=True,
        user_search_base="dc=example,dc=org",
        user_attribute="uid",
        lookup_dn_search_user="cn=reader,dc=example,dc=org",
        lookup_dn_search_password="wrong-secret",
    )
    refused(found)
    assert "refuses lookup_dn_search_user" in caplog.text
    assert "wrong-secret" not in caplog.text
