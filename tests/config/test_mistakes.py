"""Every mistake in a configuration is found, and told with file, line, key, value and what was expected."""

from __future__ import annotations

import pytest

from tiledkernel.config.document import InvalidConfiguration, show
from tiledkernel.config.elsewhere import ELSEWHERE
from tiledkernel.config.load import load


def test_an_unknown_key_names_the_nearest(problems):
    (problem,) = problems("exact_count_limt: 5")
    assert problem.startswith(
        "config.yml:1: exact_count_limt: unknown key; did you mean 'exact_count_limit'?; known: trees, "
    )


def test_an_unknown_key_inside_a_section_names_the_nearest_there(problems):
    (problem,) = problems("uvicorn:\n  hots: x")
    assert problem.startswith("config.yml:2: uvicorn.hots: unknown key; did you mean 'host'?; known: host, port, ")


def test_an_unknown_key_inside_a_list_has_its_place(problems):
    assert problems("trees:\n- {tree: x, path: /, arguments: {}}")[0].startswith(
        "config.yml:2: trees[0].arguments: unknown key"
    )


def test_all_mistakes_are_told_at_once(problems):
    text = """\
    nonsense: 1
    trees:
      - tree: 3
        path: /a
      - tree: x
    uvicorn: {port: many, hots: x}
    exact_count_limit: 0
    """
    assert [problem.partition(": ")[2].partition(":")[0] for problem in problems(text)] == [
        "nonsense",
        "uvicorn.hots",
        "trees[0].tree",
        "trees[1]",
        "uvicorn.port",
        "exact_count_limit",
    ]


def test_a_wrong_type_shows_value_and_expectation(problems):
    assert problems("uvicorn: {port: many}") == [
        "config.yml:1: uvicorn.port: 'many': expected `int`, got `str` (port to listen on; 0: any that is free)"
    ]


def test_a_number_in_quotes_is_text(problems):
    assert "'8000': expected `int`, got `str`" in problems("uvicorn: {port: '8000'}")[0]


def test_a_number_out_of_range_is_an_error(problems):
    assert "uvicorn.port: 70000: expected `int` <= 65535" in problems("uvicorn: {port: 70000}")[0]


def test_a_missing_key_is_named(problems):
    assert problems("trees:\n  - tree: x") == ["config.yml:2: trees[0]: the key 'path' is missing"]


def test_a_section_that_is_no_mapping_is_an_error(problems):
    assert problems("uvicorn: 3") == ["config.yml:1: uvicorn: 3: expected a mapping of keys"]


def test_an_empty_section_is_an_error(problems):
    assert problems("uvicorn:") == ["config.yml:1: uvicorn: None: expected a mapping of keys"]


def test_a_long_value_is_shortened(problems):
    (problem,) = problems(f"uvicorn: {{port: {'x' * 500}}}")
    assert "x" * 500 not in problem
    assert "xxx...: expected" in problem


@pytest.mark.parametrize("key", ["'a b'", "''", "'k-e-y'", "'ключ'", "|\n    abc\n"])
def test_the_key_must_be_letters_and_digits(problems, key):
    (problem,) = problems(f"authentication:\n  single_user_api_key: {key}")
    assert "authentication.single_user_api_key: the value (not shown): expected letters and digits" in problem


def test_a_secret_is_not_shown(problems):
    (problem,) = problems("authentication: {single_user_api_key: 'top secret'}")
    assert "top secret" not in problem


@pytest.mark.parametrize("key", ["ssl_keyfile_password", "secret", "api_key", "token"])
def test_values_of_keys_that_sound_secret_are_hidden(key):
    assert show(("uvicorn", key), "hush") == "the value (not shown)"


def test_an_unset_variable_is_mentioned(problems):
    assert problems("uvicorn: {port: '${PORT}'}")[0].endswith("; the environment variable 'PORT' is not set")


@pytest.mark.parametrize("path", ELSEWHERE, ids=".".join)
def test_a_key_of_another_part_is_explained_and_never_ignored(path):
    source = {path[0]: {path[1]: 1} if len(path) > 1 else 1}
    with pytest.raises(InvalidConfiguration) as caught:
        load(source, environ={})
    (problem,) = caught.value.problems
    assert problem.path == path
    assert problem.message.startswith("not supported by this server: ")


def test_a_url_must_be_one(problems):
    assert (
        "root_url: 'data.example.org': expected the address with which all links begin"
        in problems("root_url: data.example.org")[0]
    )
