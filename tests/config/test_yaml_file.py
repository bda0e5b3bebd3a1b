"""YAML is read with care: duplicates, aliases that explode, variables, and a line for each mistake."""

from __future__ import annotations

import pytest

from tiledkernel.config.document import InvalidConfiguration
from tiledkernel.config.yaml_file import MAX_BYTES, read_yaml


def data(path, **environ):
    return read_yaml(path, environ).data


def message(path, **environ):
    with pytest.raises(InvalidConfiguration) as caught:
        read_yaml(path, environ)
    return str(caught.value).replace(f"{path.parent}/", "")


def test_values_have_the_types_of_yaml(write):
    assert data(write("a: [1, 2.5, true, null, x]\nb: {c: 'd'}")) == {"a": [1, 2.5, True, None, "x"], "b": {"c": "d"}}


@pytest.mark.parametrize("text", ["", "# nothing but a comment\n", "---\n"])
def test_an_empty_file_is_an_empty_configuration(write, text):
    assert data(write(text)) == {}


def test_each_value_knows_its_line(write):
    document = read_yaml(write("a: 1\ntrees:\n  - tree: x\n    path: /\n"), {})
    assert document.origin(("trees", 0, "path")).endswith("config.yml:4")
    assert document.origin(("trees", 0, "nothing")).endswith("config.yml:3")


def test_a_duplicated_key_is_an_error_with_both_lines(write):
    assert message(write("a: 1\nb: 2\na: 3")) == "config.yml:3: a: the key is given twice, first in line 1"


def test_a_duplicated_key_deep_inside_is_an_error(write):
    assert "trees[0].path: the key is given twice" in message(write("trees:\n- {tree: x, path: /, path: /b}"))


def test_a_syntax_error_names_the_line(write):
    assert message(write("a: 1\nb: [1,\n")).startswith("config.yml:3: this is not YAML: ")


@pytest.mark.parametrize("text", ["- a\n- b", "just text", "3"])
def test_what_is_no_mapping_is_an_error(write, text):
    assert message(write(text)) == "config.yml: expected a mapping of keys, such as 'trees: [...]'"


@pytest.mark.parametrize("key", ["1", "true", "1.5", "null", "2020-01-01"])
def test_keys_must_be_text(write, key):
    assert f"config.yml:1: '{key}' as a key: keys are text; put it in quotes" in message(write(f"{key}: x"))


def test_a_list_as_a_key_is_an_error(write):
    assert "a list or mapping as a key" in message(write("[1, 2]: x"))


@pytest.mark.parametrize("value", ["!!python/object/apply:os.system [ls]", "!!python/name:os.system", "!mine {a: 1}"])
def test_no_object_is_ever_made(write, value):
    assert "config.yml:1: a: a value that YAML cannot mean" in message(write(f"a: {value}"))


def test_a_date_that_is_none_is_an_error(write):
    assert "month must be in 1..12" in message(write("a: 2001-99-99"))


def test_aliases_work(write):
    assert data(write("a: &x {k: 1}\nb: *x")) == {"a": {"k": 1}, "b": {"k": 1}}


def test_merge_keys_are_overridden_by_own_keys(write):
    text = "a: &x {k: 1, l: 2}\nb: &y {k: 3, m: 4}\nc:\n  <<: [*x, *y]\n  l: 5"
    assert data(write(text))["c"] == {"k": 1, "l": 5, "m": 4}


def test_a_merge_of_no_mapping_is_an_error(write):
    assert "'<<' takes a mapping" in message(write("a: {<<: 3}"))


def test_aliases_cannot_explode(write):
    levels = "\n".join(f"{b}: &{b} [{', '.join([f'*{a}'] * 20)}]" for a, b in zip("abcdefg", "bcdefgh", strict=True))
    assert "more than 100000 values" in message(write(f"a: &a [x]\n{levels}"))


def test_an_alias_of_itself_is_an_error(write):
    assert "levels: check the aliases" in message(write("a: &a [*a]"))


def test_deep_nesting_is_an_error_not_a_crash(write):
    assert message(write("[" * 200_000)) == "config.yml:1: nested more than 50 levels deep"


def test_a_huge_file_is_not_even_read(write):
    path = write("")
    with path.open("wb") as file:
        file.truncate(MAX_BYTES + 1)
    assert "this is no configuration" in message(path)


def test_bytes_that_are_no_text_are_an_error(write):
    path = write("")
    path.write_bytes(b"a: \xff\xfe")
    assert "this is not UTF-8 text" in message(path)


def test_a_byte_order_mark_is_ignored(write):
    assert data(write("\ufeffa: 1")) == {"a": 1}


@pytest.mark.parametrize("text", ["$NAME", "${NAME}"])
def test_variables_are_expanded(write, text):
    assert data(write(f"a: pre-{text}-post"), NAME="x") == {"a": "pre-x-post"}


def test_variables_in_quotes_are_expanded(write):
    assert data(write("a: \"${NAME}\"\nb: '${NAME}'"), NAME="x") == {"a": "x", "b": "x"}


def test_unset_variables_stay_as_written(write):
    document = read_yaml(write("a: ${NAME} and $5"), {})
    assert document.data == {"a": "${NAME} and $5"}
    assert document.unset == {("a",): "NAME"}


def test_what_a_variable_holds_is_not_expanded_again(write):
    assert data(write("a: $NAME"), NAME="$OTHER", OTHER="x") == {"a": "$OTHER"}


def test_a_variable_cannot_add_structure(write):
    assert data(write("a: $NAME"), NAME="[1, 2]\nb: 3") == {"a": "[1, 2]\nb: 3"}


def test_keys_are_not_expanded(write):
    assert data(write("$NAME: 1"), NAME="x") == {"$NAME": 1}
