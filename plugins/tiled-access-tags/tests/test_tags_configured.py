"""What a configuration says about access tags."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest
from tiled_access_tags.policy import TagPolicy

from tiledkernel.access.policies import AccessPolicy
from tiledkernel.config.compose import compose
from tiledkernel.config.document import InvalidConfiguration
from tiledkernel.config.files import load_files
from tiledkernel.config.security import build_policy
from tiledkernel.references import modules_beside

from .conftest import RULES, node, user

TREES = "trees: [{path: /, tree: 'tiledkernel.examples.generated_minimal:tree'}]\n"


def configured(folder: Path, section: str) -> AccessPolicy | None:
    """The policy of a configuration with this section, in a folder with rules."""
    (folder / "tags.yml").write_text(RULES, encoding="utf-8")
    (folder / "config.yml").write_text(f"{TREES}access_control:\n{section}", encoding="utf-8")
    loaded = load_files(folder / "config.yml")
    with modules_beside(loaded.directory):
        return build_policy(loaded, compose(loaded))


def refusal(folder: Path, section: str) -> str:
    with pytest.raises(InvalidConfiguration) as caught:
        configured(folder, section)
    return str(caught.value).replace(f"{folder}/", "")


@pytest.mark.parametrize(
    "name",
    [
        "tags",
        "TagBasedAccessPolicy",
        "tiled.access_control.access_policies:TagBasedAccessPolicy",
        "tiledkernel.access_control.access_policies:TagBasedAccessPolicy",
    ],
)
def test_the_policy_goes_by_the_names_that_it_has(tmp_path, name) -> None:
    policy = configured(tmp_path, f"  access_policy: {name}\n  args: {{file: tags.yml, provider: toy}}\n")
    assert isinstance(policy, TagPolicy)
    assert policy.provider == "toy"
    assert policy.allowed_scopes(node("alice_reads"), user("alice"))


def test_the_file_may_lie_in_the_working_directory(tmp_path, monkeypatch) -> None:
    (tmp_path / "here").mkdir()
    (tmp_path / "here" / "rules.yml").write_text("tags: {a: {everyone: {scopes: ['read:data']}}}", encoding="utf-8")
    monkeypatch.chdir(tmp_path / "here")
    policy = configured(tmp_path, "  access_policy: tags\n  args: {file: rules.yml}\n")
    assert policy is not None
    assert policy.allowed_scopes(node("a"), user("zoe")) == {"read:data"}


def test_rules_may_stand_in_the_configuration(tmp_path) -> None:
    section = "  access_policy: tags\n  args: {definitions: {tags: {a: {everyone: {scopes: ['read:data']}}}}}\n"
    policy = configured(tmp_path, section)
    assert policy is not None
    assert policy.allowed_scopes(node("a"), user("zoe")) == {"read:data"}


def test_mistakes_in_the_configuration_are_told_with_their_lines(tmp_path) -> None:
    section = """\
  access_policy: tags
  args:
    definitions:
      tags:
        a: {auto_tags: [b]}
        c: {everyone: {role: reader}}
"""
    assert refusal(tmp_path, section) == (
        "config.yml:7: access_control.args.definitions.tags.a.auto_tags[0]: no tag named 'b'; known: a, c\n"
        "config.yml:8: access_control.args.definitions.tags.c.everyone.role: no role named 'reader'; known: none"
    )


@pytest.mark.parametrize(
    ("args", "message"),
    [
        ("{}", "expected 'file', the YAML file of the rules, or 'definitions', the rules themselves"),
        ("{file: tags.yml, definitions: {}}", "leave one of the two out"),
        ("{file: nowhere.yml}", "nowhere.yml: cannot be read: No such file or directory"),
        ("{file: tags.yml, scopes: ['read:datum']}", "'read:datum': no such scope; did you mean 'read:data'"),
        ("{fil: tags.yml}", "access_control.args.fil: unknown key; did you mean 'file'?"),
        (
            "{access_tags_parser: 'tiled.access_control.access_tags:AccessTagsParser', tags_db: {uri: 'x'}}",
            "name the file from which that was done instead of 'access_tags_parser' and 'tags_db'",
        ),
    ],
)
def test_what_cannot_be_meant_stops_the_start(tmp_path, args, message) -> None:
    assert message in refusal(tmp_path, f"  access_policy: tags\n  args: {args}\n")


def test_keys_of_tiled_that_say_nothing_here_are_told(tmp_path, caplog) -> None:
    with caplog.at_level(logging.WARNING):
        configured(tmp_path, "  access_policy: tags\n  args: {file: tags.yml, access_tags_parser: 'a:B'}\n")
    assert "'access_tags_parser' says nothing here: the rules are those in 'tags.yml'" in caplog.text
