"""The person who starts a server learns how to use it, and nobody else learns a secret."""

from __future__ import annotations

import pytest

from tiledkernel.cli.announce import announce, base_url


def test_a_generated_key_is_in_an_address_on_its_own_line(capsys):
    announce("http://127.0.0.1:8000", generated_key="abc", public=False)
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "http://127.0.0.1:8000?api_key=abc" in [line.strip() for line in shown.err.splitlines()]


def test_nothing_is_said_about_a_given_key(capsys):
    announce("http://127.0.0.1:8000", generated_key=None, public=False)
    assert capsys.readouterr().err == ""


def test_a_public_server_says_so(capsys):
    announce("http://127.0.0.1:8000", generated_key=None, public=True)
    assert "anyone who can connect to it may read everything" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("host", "shown"),
    [
        ("127.0.0.1", "127.0.0.1"),
        ("0.0.0.0", "127.0.0.1"),
        ("::", "[::1]"),
        ("::1", "[::1]"),
        ("a.example", "a.example"),
    ],
)
def test_the_address_can_be_opened(host, shown):
    assert base_url(host, 80, secure=False) == f"http://{shown}:80"


def test_the_address_has_the_scheme_and_the_prefix():
    assert base_url("a.example", 443, secure=True, root_path="/x") == "https://a.example:443/x"
