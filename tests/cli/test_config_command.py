"""`tiledkernel config`: configurations are checked and described."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

GOOD = "trees: [{tree: 'beside_cli:tree', path: /}]"


@pytest.fixture(autouse=True)
def _tree(tmp_path: Path) -> None:
    (tmp_path / "beside_cli.py").write_text("tree = {'a': 1}\n")


def test_a_good_configuration_is_said_to_be_good(run):
    Path("good.yml").write_text(GOOD)
    result = run("config", "check", "good.yml")
    assert (result.exit_code, result.stdout, result.stderr) == (0, "No errors found in configuration.\n", "")


def test_the_name_that_tiled_has_for_it_works(run):
    Path("good.yml").write_text(GOOD)
    assert run("admin", "check-config", "good.yml").stdout == "No errors found in configuration.\n"


def test_without_a_path_it_is_the_one_in_the_environment(run, monkeypatch):
    Path("elsewhere.yml").write_text(GOOD)
    monkeypatch.setenv("TILED_CONFIG", "elsewhere.yml")
    assert run("config", "check").exit_code == 0


def test_without_any_path_it_is_the_one_here(run):
    Path("config.yml").write_text(GOOD)
    assert run("config", "check").exit_code == 0


def test_a_bad_configuration_is_refused_naming_the_key(run):
    Path("bad.yml").write_text(f"{GOOD}\nexact_count_limt: 5\n")
    result = run("config", "check", "bad.yml")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith("bad.yml:2: exact_count_limt: unknown key; did you mean 'exact_count_limit'?")
    assert result.stderr.endswith("\nAborted.\n")


def test_a_reference_to_nothing_is_found_by_the_check(run):
    Path("bad.yml").write_text("trees: [{tree: 'beside_cli:treee', path: /}]")
    assert "trees[0].tree: module 'beside_cli' has no 'treee'" in run("config", "check", "bad.yml").stderr


def test_the_check_builds_nothing(run, tmp_path):
    Path("beside_builder.py").write_text("def build():\n    raise RuntimeError('built')\n")
    Path("good.yml").write_text("trees: [{tree: 'beside_builder:build', path: /}]")
    assert run("config", "check", "good.yml").exit_code == 0


def test_an_author_sees_where_a_module_failed(run):
    Path("beside_failing.py").write_text("1 / 0\n")
    Path("bad.yml").write_text("trees: [{tree: 'beside_failing:tree', path: /}]")
    result = run("config", "check", "bad.yml")
    assert "beside_failing.py" in result.stderr
    assert (
        "module 'beside_failing' cannot be imported: ZeroDivisionError: division by zero\nAborted.\n" in result.stderr
    )


def test_the_schema_is_json_for_machines(run):
    schema = json.loads(run("config", "schema").stdout)
    assert "trees" in schema["$defs"]["Configuration"]["properties"]
