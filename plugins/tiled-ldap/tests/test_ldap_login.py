"""Logging in with the passwords of a directory."""

from __future__ import annotations

import pytest

from tiledkernel.access.logins import PasswordLogin

LOOKUP = {
    "lookup_dn": True,
    "user_search_base": "dc=example,dc=org",
    "user_attribute": "uid",
    "lookup_dn_search_user": "cn=reader,dc=example,dc=org",
    "lookup_dn_search_password": "reader-secret",
}
ANY_NAME = ".*"
SCIENTISTS = "cn=scientists,ou=groups,dc=example,dc=org"
BUILDERS = "cn=builders,ou=groups,dc=example,dc=org"
VISITORS = "cn=visitors,ou=groups,dc=example,dc=org"


def test_the_right_password_is_that_of_the_user(login):
    found = login()
    assert isinstance(found, PasswordLogin)
    assert found.authenticate("alice", "secret").id == "alice"


@pytest.mark.parametrize(
    ("username", "password"),
    [
        ("alice", "wrong"),
        ("alice", "bob-secret"),
        ("alice", " secret"),
        ("alice", "secret\0"),
        ("alice", "\u00ad"),
        ("alice", "\u0007"),
        ("alice", "\ud800"),
        ("alice", "x" * 100_000),
        ("locked", "anything"),
        ("nobody", "secret"),
        ("carol", "carol-secret"),
    ],
)
def test_anything_else_is_nobody(login, username, password):
    assert login().authenticate(username, password) is None


@pytest.mark.parametrize("password", ["", "\0"])
def test_an_empty_password_is_not_sent(login, password):
    """A directory would take it for somebody who does not say who they are, and answer that all is well."""
    nowhere = login(server_address="ldap://127.0.0.1:1")
    assert nowhere.authenticate("alice", password) is None


@pytest.mark.parametrize("username", ["", "Alice", "alice ", "alice\n", "al*", "alice)(uid=b", "alice,ou=people", "-a"])
def test_names_that_no_user_may_have_are_not_asked_for(login, username):
    nowhere = login(server_address="ldap://127.0.0.1:1")
    assert nowhere.authenticate(username, "secret") is None


def test_several_templates_are_tried_in_turn(login):
    templates = [f"uid={{username}},ou={ou},dc=example,dc=org" for ou in ("nowhere", "people", "guests")]
    both = login(bind_dn_template=templates)
    assert both.authenticate("alice", "secret").id == "alice"
    assert both.authenticate("carol", "carol-secret").id == "carol"
    assert both.authenticate("carol", "secret") is None


@pytest.mark.parametrize(
    "username",
    [
        "alice,ou=people",
        "alice,ou=people,dc=example,dc=org#",
        "alice+cn=Alice Liddell",
        "bob,ou=people,dc=example,dc=org",
        'alice"',
        "\\61lice",
        "alice\\",
        "{username}",
        "ali;ce",
        "<alice>",
        " alice",
        "#616c696365",
    ],
)
def test_a_name_cannot_become_another_entry(login, username):
    """Even where the configuration lets every name through, it is one value in the name of one entry."""
    templates = ["uid={username},ou=people,dc=example,dc=org", "uid={username},dc=example,dc=org"]
    found = login(valid_username_regex=ANY_NAME, bind_dn_template=templates)
    for password in ("secret", "bob-secret"):
        identity = found.authenticate(username, password)
        # A directory does not count spaces around a value; nothing else may be the same.
        assert identity is None or username.strip() == "alice"


@pytest.mark.parametrize(
    "username",
    [
        "*",
        "al*",
        "alice)(uid=*",
        "*)(uid=alice",
        "alice)(|(uid=*",
        "\\61lice",
        "\\2a",
        "alice\\",
        "(uid=alice)",
        "!alice",
    ],
)
def test_a_name_cannot_become_another_filter(login, username):
    found = login(**LOOKUP, valid_username_regex=ANY_NAME)
    for password in ("secret", "bob-secret", "carol-secret"):
        assert found.authenticate(username, password) is None


def test_an_entry_is_found_wherever_it_is(login):
    found = login(**LOOKUP)
    assert found.authenticate("alice", "secret").id == "alice"
    assert found.authenticate("carol", "carol-secret").id == "carol"
    assert found.authenticate("charles", "charles-secret").id == "charles"
    assert found.authenticate("carol", "secret") is None
    assert found.authenticate("nobody", "secret") is None


def test_an_entry_is_found_as_nobody_where_the_directory_allows_it(login):
    anonymous = {key: value for key, value in LOOKUP.items() if not key.startswith("lookup_dn_search")}
    assert login(**anonymous).authenticate("alice", "secret").id == "alice"


def test_the_id_is_as_the_directory_writes_it(login):
    """There are not two users because somebody typed a capital letter."""
    found = login(**LOOKUP, valid_username_regex=ANY_NAME)
    assert found.authenticate("ALICE", "secret").id == "alice"


def test_the_id_is_another_attribute_of_the_entry(login):
    by_mail = {**LOOKUP, "user_attribute": "mail", "lookup_dn_user_dn_attribute": "uid"}
    found = login(**by_mail, valid_username_regex=r"^[a-z.@]+$")
    assert found.authenticate("a.liddell@example.org", "secret").id == "alice"


def test_the_id_is_what_was_typed_if_that_is_wanted(login):
    by_mail = {**LOOKUP, "user_attribute": "mail", "lookup_dn_user_dn_attribute": "uid"}
    found = login(**by_mail, valid_username_regex=r"^[a-z.@]+$", use_lookup_dn_username=False)
    assert found.authenticate("alice@example.org", "secret").id == "alice@example.org"


def test_a_looked_up_name_goes_into_the_template(login):
    found = login(
        **LOOKUP,
        lookup_dn_user_dn_attribute="cn",
        bind_dn_template="cn={username},ou=people,dc=example,dc=org",
    )
    assert found.authenticate("charles", "charles-secret").id == "Dodgson, Charles"


def test_a_name_that_two_entries_have_is_nobody(login, caplog):
    found = login(**{**LOOKUP, "user_attribute": "mail"}, valid_username_regex=ANY_NAME)
    assert found.authenticate("twins@example.org", "twin1-secret") is None
    assert "more than one entry has the name 'twins@example.org'" in caplog.text


def test_an_id_that_two_entries_would_have_is_nobodys(login, caplog):
    """Or one of two people of the same name would have what belongs to the other."""
    found = login(**LOOKUP, lookup_dn_user_dn_attribute="cn")
    assert found.authenticate("twin1", "twin1-secret") is None
    assert "its 'cn' is not one name that no other entry has" in caplog.text


def test_an_attribute_with_several_values_is_no_id(login, caplog):
    found = login(**LOOKUP, lookup_dn_user_dn_attribute="mail")
    assert found.authenticate("alice", "secret") is None
    assert found.authenticate("bob", "bob-secret").id == "bob@example.org"


@pytest.mark.parametrize(
    ("username", "password", "groups", "expected"),
    [
        ("alice", "secret", [SCIENTISTS], True),
        ("alice", "secret", [BUILDERS, SCIENTISTS], True),
        ("alice", "secret", [BUILDERS], False),
        ("alice", "secret", ["cn=nowhere,dc=example,dc=org"], False),
        ("bob", "bob-secret", [BUILDERS], True),
        ("bob", "bob-secret", [SCIENTISTS, VISITORS], False),
        ("carol", "carol-secret", [VISITORS], True),
        ("carol", "wrong", [VISITORS], False),
        ("alice", "secret", [], True),
    ],
)
def test_members_of_groups_may_come_in(login, username, password, groups, expected):
    """By `member`, by `uniqueMember` and by `memberUid`."""
    found = login(**LOOKUP, allowed_groups=groups)
    assert (found.authenticate(username, password) is not None) is expected


def test_members_of_groups_are_known_without_looking_them_up(login):
    found = login(allowed_groups=[SCIENTISTS])
    assert found.authenticate("alice", "secret").id == "alice"
    assert found.authenticate("bob", "bob-secret") is None


def test_a_condition_has_to_be_met_by_the_entry(login):
    found = login(
        search_filter="(&({userattr}={username})(employeeType=staff))",
        user_search_base="dc=example,dc=org",
        user_attribute="uid",
        attributes=["mail"],
    )
    assert found.authenticate("alice", "secret").id == "alice"
    assert found.authenticate("bob", "bob-secret") is None


def test_a_condition_that_two_entries_meet_says_nothing(login):
    found = login(
        search_filter="(|(uid={username})(uid=alice))", user_search_base="dc=example,dc=org", user_attribute="uid"
    )
    assert found.authenticate("bob", "bob-secret") is None


def test_attributes_are_remembered_in_the_session(login):
    found = login(**LOOKUP, auth_state_attributes=["mail", "sn", "telephoneNumber"])
    identity = found.authenticate("alice", "secret")
    assert {key: sorted(values) for key, values in identity.state.items()} == {
        "mail": ["a.liddell@example.org", "alice@example.org"],
        "sn": ["Liddell"],
        "telephoneNumber": [],
    }


def test_a_password_is_never_remembered(login):
    found = login(**LOOKUP, auth_state_attributes=["uid"])
    assert "secret" not in repr(found.authenticate("alice", "secret"))
    assert "reader-secret" not in repr(found) + repr(found._options)


@pytest.mark.parametrize("escape", [False, True])
def test_brackets_in_the_name_of_an_entry_may_be_written_in_another_way(login, escape):
    found = login(
        bind_dn_template=["cn={username} (old),dc=example,dc=org", "uid={username},ou=people,dc=example,dc=org"],
        escape_userdn=escape,
    )
    assert found.authenticate("alice", "secret").id == "alice"
