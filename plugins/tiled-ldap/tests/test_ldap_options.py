"""Configurations of directories: what cannot work stops the start, and is explained."""

from __future__ import annotations

import msgspec
import pytest
from tiled_ldap.templates import FilterTemplate, NameTemplate, bracketless, escaped

from tiledkernel.errors import ConfigurationError

GOOD = {"server_address": "ldap://127.0.0.1:1", "bind_dn_template": "uid={username},dc=example,dc=org"}
LOOKUP = {"lookup_dn": True, "user_search_base": "dc=example,dc=org", "user_attribute": "uid"}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"bind_dn_template": None}, "bind_dn_template is missing"),
        ({"bind_dn_template": "uid=alice,dc=x"}, r"has to have the field \{username\}, and no other"),
        ({"bind_dn_template": "uid={user},dc=x"}, r"has to have the field \{username\}"),
        ({"bind_dn_template": "uid={username.x},dc=x"}, r"has to have the field \{username\}"),
        ({"bind_dn_template": "uid={username!r},dc=x"}, r"has to have the field \{username\}"),
        ({"bind_dn_template": "uid={username:>9},dc=x"}, r"has to have the field \{username\}"),
        ({"bind_dn_template": "uid={username,dc=x"}, "write a brace that is meant twice"),
        ({"bind_dn_template": "uid={username},,dc=x"}, "is not the name of an entry"),
        ({"lookup_dn": True}, "lookup_dn needs user_search_base and user_attribute"),
        ({"lookup_dn": True, "user_attribute": "uid"}, "lookup_dn needs user_search_base"),
        ({**LOOKUP, "lookup_dn_search_filter": "({login_attr}={login}"}, "is no filter"),
        ({**LOOKUP, "lookup_dn_search_filter": "(uid=alice)"}, r"the field \{login\}, and may have \{login_attr\}"),
        ({**LOOKUP, "lookup_dn_search_user": "cn=r,dc=x"}, "go together"),
        ({**LOOKUP, "lookup_dn_search_password": "x"}, "go together"),
        ({**LOOKUP, "user_search_base": "dc=example,,"}, "user_search_base: 'dc=example,,' is not the name"),
        ({"search_filter": "(uid={username})"}, "search_filter needs user_search_base"),
        ({"search_filter": "({userattr}={username})", "user_search_base": "dc=x"}, "so needs user_attribute"),
        ({"search_filter": "uid={username}", "user_search_base": "dc=x"}, "is no filter"),
        ({"allowed_groups": ["scientists"]}, "allowed_groups: 'scientists' is not the name of an entry"),
        ({"bind_dn_template": "{username}@x", "allowed_groups": ["cn=a,dc=x"]}, "needs user_search_base and user_attr"),
        ({"valid_username_regex": "["}, "valid_username_regex: '\\[' is no regular expression"),
        ({"ca_certs_file": "/nowhere/ca.pem"}, "ca_certs_file: '/nowhere/ca.pem' cannot be read"),
        ({"use_ssl": True}, r"use_ssl: 'ldap://127\.0\.0\.1:1' says that there is none; write ldaps://"),
        ({"server_address": "http://x"}, "server_address: 'http://x' is no address"),
    ],
)
def test_what_cannot_work_stops_the_start(login_to, changes, message):
    with pytest.raises(ConfigurationError, match=message):
        login_to(**{**GOOD, **changes})


@pytest.mark.parametrize(
    "wrong",
    [
        {"server_address": []},
        {"server_address": ""},
        {"server_port": 0},
        {"connect_timeout": 0},
        {"receive_timeout": 0},
        {"receive_timeout": 1.5},
        {"user_attribute": "uid=*)(x"},
        {"user_attribute": "uid\n"},
        {"auth_state_attributes": ["a)(b"]},
        {"tls_strategy": "never"},
    ],
)
def test_a_value_that_cannot_be_meant_is_refused(login_to, wrong):
    with pytest.raises(msgspec.ValidationError):
        login_to(**{**GOOD, **wrong})


def test_the_message_is_the_configured_one(login_to):
    assert login_to(**GOOD, confirmation_message="Hello {id}.").confirmation_message == "Hello {id}."


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("alice", "alice"),
        ("a.b_c-d@e", "a.b_c-d@e"),
        ("a,b", "a\\2cb"),
        ("a)(b*", "a\\29\\28b\\2a"),
        ("\\", "\\5c"),
        (" a ", "\\20a\\20"),
        ("\0", "\\00"),
        ("é", "\\c3\\a9"),
        ('#=+<>;"', "\\23\\3d\\2b\\3c\\3e\\3b\\22"),
    ],
)
def test_a_value_means_itself_in_names_and_filters(value, expected):
    assert escaped(value) == expected


def test_a_template_does_not_fill_what_it_was_filled_with():
    assert NameTemplate("uid={username},dc=x").fill("{username}") == "uid=\\7busername\\7d,dc=x"


def test_braces_that_are_meant_are_written_twice():
    assert FilterTemplate("f", "(&(a={{b}})(uid={login}))", "login").fill("x") == "(&(a={b})(uid=x))"


def test_only_brackets_and_stars_of_a_name_are_written_otherwise():
    assert bracketless("cn=Builder\\, Bob (1*),dc=x") == "cn=Builder\\, Bob \\281\\2a\\29,dc=x"


def test_a_name_brings_no_realm_of_its_own(login_to):
    """Where users bind as `name@example.org`, a name such as `alice@elsewhere` is nobody; nothing is asked."""
    login = login_to(**{**GOOD, "bind_dn_template": "{username}@example.org"}, valid_username_regex=".*")
    assert login.authenticate("alice@elsewhere.org", "secret") is None
    assert login.authenticate("ELSEWHERE\\alice", "secret") is None
