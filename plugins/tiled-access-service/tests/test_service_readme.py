"""What the README shows works."""

from __future__ import annotations

import re
from pathlib import Path

import yaml
from tiled_access_service.policy import ServicePolicy

from tiledkernel.access.scopes import ANONYMOUS
from tiledkernel.access.viewer import Viewer

from .conftest import ENDPOINTS, RULES

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)


def test_its_rules_are_those_that_the_tests_go_by() -> None:
    [rules] = blocks("rego")
    assert rules in RULES.read_text(encoding="utf-8")


def test_its_configuration_is_understood() -> None:
    [text] = blocks("yaml")
    section = yaml.safe_load(text)["access_control"]
    policy = ServicePolicy(**section["args"])
    assert section["access_policy"] == "service"
    assert {name: getattr(policy.options, name) for name in ENDPOINTS} == ENDPOINTS


def test_its_class_tells_other_things() -> None:
    [code] = blocks("python")
    namespace: dict = {}
    exec(compile(code, "README.md", "exec"), namespace)
    policy = namespace["WithToken"](authorization_provider="http://127.0.0.1:1", **ENDPOINTS)
    viewer = Viewer(name="alice", scopes=ANONYMOUS, state={"access_token": "t"})
    assert policy.build_input(viewer, {"scope": "read:data"}) == {"token": "t", "scope": "read:data"}
