"""`tiledkernel access`: what it says, and with which exit status."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from tiledkernel.cli.main import cli

from .conftest import RULES

SITE = """
import numpy as np
from tiledkernel.families.container.memory import MemoryContainer

inner = MemoryContainer({"image": np.ones(3)}, access_tags=["physics_data"])
tree = MemoryContainer(
    {"lab": MemoryContainer({"run": inner}, access_tags=["alice_reads"]), "free": {"x": np.ones(3)}},
)

class Generous:
    def allowed_scopes(self, node, viewer):
        return frozenset({"read:metadata"} if "physics_data" in node.access_tags else ())
    def filters(self, viewer, scopes):
        return None
    def init_node(self, viewer, access_tags):
        return frozenset()
"""
CONFIGURATION = """
trees: [{path: /, tree: "access_site:tree"}]
access_control: {access_policy: tags, args: {file: tags.yml}}
"""
GENEROUS = """
trees: [{path: /, tree: "access_site:tree"}]
access_control: {access_policy: "access_site:Generous"}
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where somebody works who has a configuration."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "access_site.py").write_text(SITE, encoding="utf-8")
    (tmp_path / "tags.yml").write_text(RULES, encoding="utf-8")
    (tmp_path / "config.yml").write_text(CONFIGURATION, encoding="utf-8")
    return tmp_path


@pytest.fixture
def run(folder: Path) -> Callable[..., Result]:
    """`run("check", "tags.yml")`: a command in this process."""
    return lambda *arguments: CliRunner().invoke(cli, ["access", *arguments])


def said(result: Result) -> str:
    assert (result.exit_code, result.stderr) == (0, ""), result.output
    return result.stdout


def expected(text: str) -> str:
    return textwrap.dedent(text).lstrip("\n")


# check


def test_check_counts_what_it_found(run) -> None:
    assert said(run("check", "tags.yml")) == "No errors found: 7 tags, 2 roles, 1 group, 3 users.\n"


def test_check_refuses_mistakes(run, folder) -> None:
    (folder / "tags.yml").write_text("tags:\n  a: {auto_tags: [b]}\n  b: {everyone: {role: r}}\n", encoding="utf-8")
    result = run("check", "tags.yml")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == "tags.yml:3: tags.b.everyone.role: no role named 'r'; known: none\nAborted.\n"


# diff


def differ(run, folder: Path, old: str, new: str) -> Result:
    (folder / "new.yml").write_text(RULES.replace(old, new), encoding="utf-8")
    return run("diff", "tags.yml", "new.yml")


def test_rules_that_mean_the_same_do_not_differ(run, folder) -> None:
    result = differ(run, folder, "{role: reader}", "{scopes: ['read:data', 'read:metadata']}")
    assert said(result) == "Nobody may do more or less than before.\n"


def test_a_user_who_leaves_a_group_loses_what_it_gave(run, folder) -> None:
    result = differ(run, folder, "[alice, bob]", "[alice, dora]")
    assert (result.exit_code, result.stderr) == (1, "")
    assert result.stdout == expected("""
        bob
          - physics_data: create:node, read:data, read:metadata, write:data, write:metadata
          - physics_data: its owner, who puts it on nodes and takes it off
        dora
          + physics_data: create:node, read:data, read:metadata, write:data, write:metadata
          + physics_data: its owner, who puts it on nodes and takes it off
    """)


def test_those_who_have_logged_in_may_keep_what_others_lose(run, folder) -> None:
    result = differ(run, folder, "auto_tags: [public, staff]", "auto_tags: [members, staff]")
    assert result.stdout == expected("""
        everybody, also without logging in
          - open: read:data, read:metadata
    """)


def test_what_everybody_gains_is_told_once(run, folder) -> None:
    result = differ(run, folder, "alice_reads:\n", "alice_reads:\n    auto_tags: [public]\n")
    assert result.stdout == expected("""
        everybody, also without logging in
          + alice_reads: read:data, read:metadata
    """)


def test_what_somebody_keeps_by_other_rules_is_no_change(run, folder) -> None:
    """cara may read what the staff may read, whether everybody may or not."""
    result = differ(run, folder, "auto_tags: [public, staff]", "auto_tags: [staff]")
    assert result.stdout == expected("""
        everybody, also without logging in
          - open: read:data, read:metadata
    """)


def test_a_role_that_changes_changes_what_its_users_may(run, folder) -> None:
    result = differ(run, folder, '"write:data", "create:node"]', '"delete:node"]')
    assert result.stdout.startswith(
        expected("""
        alice
          + physics_data: delete:node
          - physics_data: create:node, write:data
        bob
    """)
    )


def test_rules_with_mistakes_cannot_be_compared(run, folder) -> None:
    """The exit status tells that apart from rules that differ, as that of `diff` does."""
    result = differ(run, folder, "reader: {", "read: {")
    assert result.exit_code == 2
    assert "new.yml:" in result.stderr
    assert run("diff", "tags.yml", "nowhere.yml").exit_code == 2


# explain


def test_explain_names_the_rules_that_give_a_scope_and_those_that_do_not(run) -> None:
    assert said(run("explain", "cara", "--rules", "tags.yml", "--tags", "open,alice_reads")) == expected("""
        cara, and a node with the access tags 'alice_reads', 'open':
          may: create:node, write:data, write:metadata
            'open' inherits from 'staff', which gives that to cara (role 'writer')
          may: read:data, read:metadata
            'open' inherits from 'public', which gives that to everybody
            'open' inherits from 'staff', which gives that to cara (role 'writer')
          may not: delete:node, delete:revision, read:webhooks, register, write:webhooks
            'alice_reads' gives that to nobody
            'open' gives that to nobody
    """)


def test_explain_opens_the_trees_of_the_configuration(run) -> None:
    """The array carries no tags, and the container around it, which does, hides behind another one."""
    found = said(run("explain", "bob", "lab/run/image"))
    assert found.startswith(
        "bob, and 'lab/run/image' with the access tags 'physics_data', by the tags of 'lab/run' above"
    )
    assert "  may: create:node, read:data, read:metadata, write:data, write:metadata\n" in found
    assert "'physics_data' gives that to the group 'physics', to which bob belongs (role 'writer')" in found
    assert found.endswith(
        "Not found all the same: 'lab' above it, with the access tags 'alice_reads', does not show itself to bob.\n"
    )
    assert "Not found" not in said(run("explain", "alice", "lab/run/image"))


def test_explain_takes_new_rules_for_the_trees_of_the_configuration(run, folder) -> None:
    (folder / "new.yml").write_text(RULES.replace("[alice, bob]", "[alice]"), encoding="utf-8")
    found = said(run("explain", "bob", "lab/run", "--rules", "new.yml"))
    assert "  may not: create:node, read:data, read:metadata, write:data, write:metadata\n" in found
    assert "    'physics_data' gives that to the group 'physics'\n" in found


def test_explain_tells_that_nothing_carries_tags(run) -> None:
    assert said(run("explain", "bob", "free/x")) == (
        "'free/x' carries no access tags, nor does anything above it: the scopes of the credential decide.\n"
    )


def test_explain_knows_the_administrators_of_the_configuration(run, folder) -> None:
    providers = """
authentication:
  providers: [{provider: toy, authenticator: "access_site:login"}]
  tiled_admins: [{provider: toy, id: ada}]
"""
    (folder / "config.yml").write_text(CONFIGURATION + providers, encoding="utf-8")
    found = said(run("explain", "ada", "lab"))
    assert "may not" not in found
    assert "access rules do not restrict administrators" in found


@pytest.mark.parametrize(
    ("who", "reason"),
    [
        ("public", "'members' gives that to whoever has logged in"),
        ("service:7cfa3a59", "'service:7cfa3a59' says that service:7cfa3a59 has written the node"),
        ("zoe", "'service:7cfa3a59' says that somebody else has written the node"),
        ("zoe", "'lost' is not defined"),
    ],
)
def test_explain_knows_whoever_there_is(run, who, reason) -> None:
    found = said(run("explain", who, "--rules", "tags.yml", "--tags", "members,service:7cfa3a59,lost"))
    assert f"    {reason}\n" in found


def test_explain_tells_what_no_tags_mean(run) -> None:
    found = said(run("explain", "alice", "--rules", "tags.yml", "--tags", ""))
    assert "there are no access tags on record, so this is for administrators only" in found


def test_explain_asks_policies_of_other_kinds_without_their_reasons(run, folder) -> None:
    (folder / "config.yml").write_text(GENEROUS, encoding="utf-8")
    found = said(run("explain", "bob", "lab/run"))
    assert found.startswith(
        "bob, and 'lab/run' with the access tags 'physics_data':\n  may: read:metadata\n  may not: "
    )
    assert "Not found all the same: 'lab' above it" in found


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["bob", "lab/walk"], "no such entry: ['lab', 'walk']"),
        (["bob", "lab", "--config", "nowhere.yml"], "nowhere.yml: no such file or directory"),
        (["bob"], "expected either PATH or --tags"),
        (["bob", "lab", "--tags", "a"], "expected either PATH or --tags"),
    ],
)
def test_explain_refuses_what_cannot_be_explained(run, arguments, message) -> None:
    result = run("explain", *arguments)
    assert result.exit_code in {1, 2}
    assert message in result.stderr


def test_explain_needs_a_policy(run, folder) -> None:
    (folder / "config.yml").write_text('trees: [{path: /, tree: "access_site:tree"}]\n', encoding="utf-8")
    result = run("explain", "bob", "lab")
    assert result.exit_code == 1
    assert "the configuration has no 'access_control'" in result.stderr
