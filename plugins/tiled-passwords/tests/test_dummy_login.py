"""The login that believes everyone."""

from __future__ import annotations

import logging

import pytest
from tiled_passwords.dummy import DummyLogin, DummyOptions

from tiledkernel.access.logins import PasswordLogin


def test_everyone_is_who_they_say_they_are():
    login = DummyLogin(DummyOptions(confirmation_message="Hello {id}."))
    assert isinstance(login, PasswordLogin)
    assert login.confirmation_message == "Hello {id}."
    assert login.authenticate("alice", "") == "alice"
    assert login.authenticate("bob", "anything") == "bob"


@pytest.mark.parametrize("name", ["", " ", "\t\n"])
def test_somebody_without_a_name_is_nobody(name):
    assert DummyLogin(DummyOptions()).authenticate(name, "x") is None


def test_the_start_is_loud(caplog):
    DummyLogin(DummyOptions())
    (record,) = caplog.records
    assert record.levelno == logging.WARNING
    assert "ANYONE CAN LOG IN AS ANYBODY" in record.getMessage()
