"""Users of the machine, asked for through its real PAM library and modules."""

from __future__ import annotations

import logging
import sys
from concurrent.futures import ThreadPoolExecutor

import msgspec
import pamela
import pytest
from tiled_passwords.pam import PAMLogin, PAMOptions

from tiledkernel.access.logins import PasswordLogin
from tiledkernel.errors import ConfigurationError, NotReady

ACCEPT_ALL = ("auth required pam_permit.so", "account required pam_permit.so")


def test_the_right_password_is_that_of_the_user(service):
    login = service()
    assert isinstance(login, PasswordLogin)
    assert login.authenticate("alice", "secret") == "alice"


@pytest.mark.parametrize(("username", "password"), [("alice", "wrong"), ("bob", "secret"), ("alice", "secre")])
def test_a_wrong_password_is_nobody(service, username, password):
    assert service().authenticate(username, password) is None


def test_many_may_log_in_at_once(service):
    login = service()
    passwords = ["secret", "wrong"] * 12
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda password: login.authenticate("alice", password), passwords))
    assert found == ["alice", None] * 12


@pytest.mark.parametrize("code", ["acct_expired", "new_authtok_reqd", "perm_denied", "user_unknown", "authtok_expired"])
def test_an_account_that_may_not_be_used_is_nobody(service, code):
    login = service("auth required pam_permit.so", f"account required pam_debug.so acct={code}")
    assert login.authenticate("alice", "secret") is None


@pytest.mark.parametrize("code", ["auth_err", "cred_insufficient", "user_unknown", "maxtries", "perm_denied"])
def test_a_refusal_is_nobody(service, code):
    login = service(f"auth required pam_debug.so auth={code}", "account required pam_permit.so")
    assert login.authenticate("alice", "secret") is None


@pytest.mark.parametrize("code", ["authinfo_unavail", "system_err", "service_err", "buf_err", "abort"])
def test_a_machine_that_cannot_tell_says_so(service, caplog, code):
    """A directory that is down must not look like a wrong password."""
    login = service(f"auth required pam_debug.so auth={code}", "account required pam_permit.so")
    with pytest.raises(NotReady, match="cannot check passwords just now"):
        login.authenticate("alice", "secret")
    (record,) = caplog.records
    assert record.levelno == logging.ERROR
    assert record.getMessage().startswith("PAM service 'facility' cannot be asked: ")
    assert "secret" not in caplog.text


def test_rules_that_name_no_module_are_a_fault_and_no_permission(service):
    with pytest.raises(NotReady):
        service("auth required pam_there_is_none.so", *ACCEPT_ALL[1:]).authenticate("alice", "secret")


def test_a_service_without_rules_lets_nobody_in(service):
    assert service("# nothing").authenticate("alice", "secret") is None


@pytest.mark.parametrize(
    "username",
    ["", " ", "-alice", "alice bob", "alice\n", "al\0ice", "../alice", "..", "a/b", "a:b", "a;id", "a" * 256, "\ud800"],
)
def test_what_is_no_name_is_not_asked_for(service, username):
    """Even a service that permits everyone is not reached."""
    assert service(*ACCEPT_ALL).authenticate(username, "x") is None


@pytest.mark.parametrize("username", ["alice", "a.b-c_d", "alice@example.org", "LAB\\alice", "host$", "josé", "7of9"])
def test_names_of_users_realms_and_domains_are_asked_for(service, username):
    assert service(*ACCEPT_ALL).authenticate(username, "x") == username


def test_an_empty_password_is_not_tried(service):
    """A service may let accounts without a password in; this server does not."""
    assert service(*ACCEPT_ALL).authenticate("alice", "") is None


def test_a_password_does_not_end_at_a_zero_byte(service):
    assert service().authenticate("alice", "secret\0more") is None


def test_a_password_that_is_no_text_is_nobody(service):
    assert service(*ACCEPT_ALL).authenticate("alice", "\ud800") is None


def test_the_name_is_the_one_that_the_machine_has(service, monkeypatch):
    """Where a directory takes 'ALICE' for 'alice', there is one account and not two."""
    login = service(*ACCEPT_ALL)
    check = pamela.PAM_ACCT_MGMT

    def canonical(handle, flags):
        handle.set_item(pamela.PAM_USER, "alice")
        return check(handle, flags)

    monkeypatch.setattr(pamela, "PAM_ACCT_MGMT", canonical)
    assert login.authenticate("ALICE", "x") == "alice"


def test_every_attempt_is_closed_with_how_it_went(service, monkeypatch):
    closed = []
    end = pamela.PAM_END
    monkeypatch.setattr(pamela, "PAM_END", lambda handle, code: closed.append(code) or end(handle, code))
    login = service()
    login.authenticate("alice", "secret")
    login.authenticate("alice", "wrong")
    assert closed == [0, 7]


def test_the_machine_itself_does_not_know_somebody_who_is_not_there():
    """Nothing replaced: the service of every login on this machine."""
    assert PAMLogin(PAMOptions(service="other")).authenticate("nobody-has-this-name", "wrong") is None


def test_without_its_library_the_start_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "pamela", None)
    with pytest.raises(ConfigurationError, match=r'pip install "tiled-passwords\[pam\]"'):
        PAMLogin(PAMOptions())


def test_on_a_machine_without_pam_the_start_says_so(monkeypatch):
    monkeypatch.delitem(sys.modules, "pamela")
    monkeypatch.setattr("ctypes.util.find_library", lambda name: f"/nowhere/lib{name}.so")
    with pytest.raises(ConfigurationError, match=r"this machine has no PAM library \(libpam\)"):
        PAMLogin(PAMOptions())


@pytest.mark.parametrize("wrong", ["", "../login", "a/b", "login\n", "LOGIN", "-x"])
def test_a_service_is_the_name_of_a_file(wrong):
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"service": wrong}, PAMOptions)


def test_the_usual_service_is_that_of_logins():
    assert PAMOptions().service == "login"
