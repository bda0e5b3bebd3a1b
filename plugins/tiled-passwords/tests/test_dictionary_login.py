"""Users and passwords that stand in a configuration."""

from __future__ import annotations

import logging

import msgspec
import pytest
from tiled_passwords import dictionary
from tiled_passwords.dictionary import DictionaryLogin, DictionaryOptions
from tiled_passwords.hashes import Cost, make_hash

from tiledkernel.access.logins import PasswordLogin
from tiledkernel.errors import ConfigurationError

CHEAP, CHEAPER = Cost(14, 8, 2), Cost(14, 8, 1)


def login(**users: str) -> DictionaryLogin:
    return DictionaryLogin(msgspec.convert({"users_to_passwords": users}, DictionaryOptions))


@pytest.fixture(params=["as it is", "hashed"])
def alice(request) -> DictionaryLogin:
    """A login that knows alice by 'secret', and bob by 'other'."""
    kept = (lambda text: make_hash(text, CHEAP)) if request.param == "hashed" else str
    return login(alice=kept("secret"), bob=kept("other"))


def test_it_is_a_login_with_a_password(alice):
    assert isinstance(alice, PasswordLogin)


def test_the_right_password_is_that_of_the_user(alice):
    assert alice.authenticate("alice", "secret") == "alice"
    assert alice.authenticate("bob", "other") == "bob"


@pytest.mark.parametrize(
    ("username", "password"),
    [
        ("alice", "other"),
        ("alice", ""),
        ("alice", "secret "),
        ("alice", "Secret"),
        ("alice", "secret\0"),
        ("alice", "s" * 1_000_000),
        ("alice", "\ud800"),
        ("Alice", "secret"),
        ("carol", "secret"),
        ("", ""),
        ("", "secret"),
        ("\ud800", "secret"),
    ],
)
def test_anything_else_is_nobody(alice, username, password):
    assert alice.authenticate(username, password) is None


def test_a_hash_is_not_its_own_password():
    value = make_hash("secret", CHEAP)
    assert login(alice=value).authenticate("alice", value) is None


@pytest.mark.parametrize("username", ["plain", "hashed", "cheaper", "nobody"])
def test_an_attempt_is_the_same_work_for_whoever_is_asked(monkeypatch, username):
    """Counted, since a clock cannot tell this reliably: the same digests at the same costs, right or wrong."""
    known = login(plain="secret", hashed=make_hash("secret", CHEAP), cheaper=make_hash("secret", CHEAPER))
    work = []
    compute = dictionary.digest
    monkeypatch.setattr(
        dictionary, "digest", lambda password, salt, cost: work.append(cost) or compute(password, salt, cost)
    )
    known.authenticate(username, "wrong")
    assert work == [CHEAPER, CHEAP]
    assert known.authenticate(username, "secret") == (None if username == "nobody" else username)
    assert work == [CHEAPER, CHEAP] * 2


def test_passwords_that_stand_there_as_they_are_are_warned_of(caplog):
    login(alice="secret", bob=make_hash("other", CHEAP))
    (record,) = caplog.records
    assert record.levelno == logging.WARNING
    assert record.getMessage().startswith("1 of 2 passwords stand in the configuration as they are")
    assert "secret" not in record.getMessage()


def test_hashes_are_not_warned_of(caplog):
    login(bob=make_hash("other", CHEAP))
    assert not caplog.records


def test_a_damaged_hash_stops_the_start_and_names_the_user():
    value = make_hash("secret", CHEAP)[:-5]
    with pytest.raises(ConfigurationError, match=r"^users_to_passwords\.bob: .* is no hash: ") as caught:
        login(alice="x", bob=value)
    assert value not in str(caught.value)


@pytest.mark.parametrize("wrong", [{"alice": ""}, {"": "secret"}, {"alice": 1}, {"alice": None}, ["alice"], None])
def test_what_is_no_table_of_passwords_is_no_configuration(wrong):
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"users_to_passwords": wrong}, DictionaryOptions)


def test_passwords_are_in_no_repr():
    options = DictionaryOptions(users_to_passwords={"alice": "secret"})
    assert "secret" not in repr(options)
    assert "secret" not in repr(vars(DictionaryLogin(options)))


def test_the_message_is_the_configured_one():
    options = DictionaryOptions(users_to_passwords={"a": "b"}, confirmation_message="Hello {id}.")
    assert DictionaryLogin(options).confirmation_message == "Hello {id}."
