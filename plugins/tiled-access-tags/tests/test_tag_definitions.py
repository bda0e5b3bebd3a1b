"""A file of rules is refused with every mistake in it, each with its line; what it means is read off it."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from tiled_access_tags.definitions import definitions_in, read_definitions
from tiled_access_tags.rules import compile_rules

from tiledkernel.config.document import Document, InvalidConfiguration

from .conftest import RULES


def read(folder: Path, text: str):
    (folder / "tags.yml").write_text(text, encoding="utf-8")
    return read_definitions(folder / "tags.yml")


def mistakes(folder: Path, text: str) -> list[str]:
    """What is said about a file, without its name."""
    with pytest.raises(InvalidConfiguration) as caught:
        read(folder, text)
    return [str(problem).removeprefix(f"{folder / 'tags.yml'}:") for problem in caught.value.problems]


def test_rules_without_mistakes_are_read(tmp_path) -> None:
    definitions = read(tmp_path, RULES)
    assert definitions.groups == {"physics": ("alice", "bob")}
    assert definitions.parents("open") == ("public", "staff")


def test_all_mistakes_are_told_at_once_with_their_lines(tmp_path) -> None:
    text = """\
roles:
  reader: {scopes: [read:metadta, metrics]}
groups:
  physics: [alice, 12]
tags:
  a: {users: [{name: alice, role: raeder}]}
  b: {groups: [{name: phisics, role: reader}]}
  c: {auto_tags: [d]}
  user:x: {}
  public: {}
tag_owners:
  d: {users: [alice]}
  public: {}
  a: {groups: [chemistry]}
tag: {}
"""
    found = mistakes(tmp_path, text)
    assert [int(line.partition(":")[0]) for line in found] == [2, 2, 4, 6, 7, 8, 9, 10, 12, 13, 14, 15]
    for line, part in zip(
        found,
        [
            "roles.reader.scopes[0]: 'read:metadta': no such scope; did you mean 'read:metadata'?",
            "roles.reader.scopes[1]: 'metrics': this scope is not about nodes",
            "groups.physics[1]: 12: expected `str | object`, got `int` (a name, in quotes, if it is a number)",
            "tags.a.users[0].role: no role named 'raeder'; did you mean 'reader'?; known: reader",
            "tags.b.groups[0]: no group named 'phisics'; did you mean 'physics'?",
            "tags.c.auto_tags[0]: no tag named 'd'; known: a, b, c",
            "tags.user:x: tags that begin with 'user:' or 'service:' say who has written a node",
            "tags.public: 'public' is defined already",
            "tag_owners.d: no tag named 'd'",
            "tag_owners.public: 'public' belongs to administrators, and to nobody else",
            "tag_owners.a.groups[0]: no group named 'chemistry'; known: physics",
            "tag: unknown key; did you mean 'tags'?",
        ],
        strict=True,
    ):
        assert part in line


@pytest.mark.parametrize("what", ["{name: alice}", "{name: alice, role: r, scopes: []}"])
def test_a_grant_has_either_a_role_or_scopes(tmp_path, what) -> None:
    [found] = mistakes(tmp_path, f"roles: {{r: {{scopes: []}}}}\ntags: {{a: {{users: [{what}]}}}}\n")
    assert found == "2: tags.a.users[0]: expected either 'role' (one of: r) or 'scopes' (a list)"


@pytest.mark.parametrize(
    ("rules", "circle"),
    [
        ("a: {auto_tags: [a]}", ["a -> a"]),
        ("a: {auto_tags: [b]}, b: {auto_tags: [c]}, c: {auto_tags: [a]}", ["a -> b -> c -> a"]),
        ("a: {auto_tags: [b]}, b: {auto_tags: [a]}, c: {auto_tags: [c]}", ["a -> b -> a", "c -> c"]),
    ],
)
def test_tags_that_inherit_in_a_circle_are_a_mistake(tmp_path, rules, circle) -> None:
    found = mistakes(tmp_path, f"tags: {{{rules}}}\n")

    def turns(text: str) -> set[str]:
        names = text.split(" -> ")[:-1]
        return {" ".join(names[start:] + names[:start]) for start in range(len(names))}

    told = [turns(line.partition("in a circle: ")[2]) for line in found]
    assert sorted(told, key=min) == sorted(map(turns, circle), key=min)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "there are no rules in it"),
        ("- a\n", "expected a mapping of keys"),
        ("tags: {a: {}, a: {}}\n", "the key is given twice, first in line 1"),
        ("tags: {1: {}}\n", "keys are text; put it in quotes"),
        ("tags: [a]\n", "tags: ['a']: expected `object`, got `array`"),
        ("tags: {a: 3}\n", "tags.a: 3: expected a mapping of keys"),
        ("tags: {'': {}}\n", "'' can be no tag"),
        ('tags: {"a\\nb": {}}\n', "can be no tag: expected 1 to 255 printable characters"),
        ("groups: {g: alice}\n", "groups.g: 'alice': expected `array`, got `str` (a list of users)"),
        ("tags: {a: {users: [alice]}}\n", "tags.a.users[0]: 'alice': expected a mapping of keys"),
        ("tags: {a: {everyone: {}}}\n", "tags.a.everyone: expected either 'role'"),
        ("tags: {a: {\n", "this is not YAML"),
    ],
)
def test_a_mistake_is_told_with_what_was_expected(tmp_path, text, message) -> None:
    [found] = mistakes(tmp_path, text)
    assert message in found


def test_a_missing_file_is_told(tmp_path) -> None:
    with pytest.raises(InvalidConfiguration, match=r"nowhere\.yml: cannot be read: No such file"):
        read_definitions(tmp_path / "nowhere.yml")


def test_names_are_not_taken_from_the_environment(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("HOME_OF", "x")
    assert read(tmp_path, "groups: {g: ['${HOME_OF}']}\n").groups == {"g": ("${HOME_OF}",)}


def test_empty_entries_mean_nothing(tmp_path) -> None:
    definitions = read(tmp_path, "groups: {g: }\ntags: {a: }\ntag_owners: {a: }\n")
    assert definitions.groups == {"g": ()}
    assert compile_rules(definitions).tags == {"a", "public"}


def test_names_may_be_written_as_tiled_has_them(tmp_path) -> None:
    """Entries of lists may be mappings with a `name`, and `create` is what the scope `create:node` was called once."""
    rules = compile_rules(
        read(
            tmp_path,
            """
            roles: {facility_admin: {scopes: ["read:data", "create"]}}
            tags:
              data_A: {auto_tags: [{name: data_admin}, {name: public}]}
              data_admin: {users: [{name: cara, role: facility_admin}]}
            tag_owners: {data_admin: {users: [{name: cara}]}}
            """,
        )
    )
    assert rules.users["cara"]["data_A"] == {"read:data", "create:node"}
    assert rules.owned == {"cara": {"data_admin"}}


def test_a_long_line_of_inheritance_is_no_problem() -> None:
    tags = {f"t{number}": {"auto_tags": [f"t{number + 1}"]} for number in range(5000)}
    tags["t5000"] = {"users": [{"name": "alice", "scopes": ["read:data"]}]}  # type: ignore[dict-item]
    rules = compile_rules(definitions_in(Document(data={"tags": tags})))
    assert rules.users["alice"]["t0"] == {"read:data"}


def test_users_of_the_same_groups_share_a_table() -> None:
    """Thousands of members of a group that may use thousands of tags cost no more than one."""
    data = {
        "groups": {"staff": [f"user{number}" for number in range(1000)]},
        "tags": {f"t{n}": {"groups": [{"name": "staff", "scopes": ["read:data"]}]} for n in range(200)},
    }
    rules = compile_rules(definitions_in(Document(data=data)))
    assert len(rules.users["user7"]) == 200
    assert len({id(table) for table in rules.users.values()}) == 1


def test_thousands_of_tags_are_read_within_seconds(tmp_path) -> None:
    """One for each proposal, with a group of its own, and one mistake."""
    count = 2000
    groups = "".join(f"  p{number}: [u{number}, u{number + 1}, u{number + 2}]\n" for number in range(count))
    tags = "".join(f"  p{number}: {{groups: [{{name: p{number}, role: r}}]}}\n" for number in range(count))
    start = time.perf_counter()
    found = mistakes(tmp_path, f"groups:\n{groups}  last: [1]\ntags:\n{tags}roles: {{r: {{scopes: ['read:data']}}}}\n")
    assert found == [
        f"{count + 2}: groups.last[0]: 1: expected `str | object`, got `int` (a name, in quotes, if it is a number)"
    ]
    assert time.perf_counter() - start < 20
