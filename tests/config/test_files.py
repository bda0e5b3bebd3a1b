"""One file, or a directory of files that are merged."""

from __future__ import annotations

import pytest

from tiledkernel.config.document import InvalidConfiguration
from tiledkernel.config.files import configuration_path, load_files, read_files


def test_disjoint_keys_are_put_together(write, tmp_path):
    write("expose_raw_assets: false", "conf/a.yml")
    write("exact_count_limit: 7", "conf/b.yaml")
    assert read_files(tmp_path / "conf").data == {"expose_raw_assets": False, "exact_count_limit": 7}


def test_trees_and_origins_are_concatenated_in_the_order_of_file_names(write, tmp_path):
    write("trees: [{tree: b, path: /b}]\nallow_origins: [b]", "conf/b.yml")
    write("trees: [{tree: a, path: /a}]\nallow_origins: [a]", "conf/a.yml")
    merged = read_files(tmp_path / "conf").data
    assert [tree["tree"] for tree in merged["trees"]] == ["a", "b"]
    assert merged["allow_origins"] == ["a", "b"]


def test_any_other_key_in_two_files_is_an_error_naming_both(write, tmp_path):
    write("authentication: {allow_anonymous_access: true}", "conf/a.yml")
    write("\nauthentication: {single_user_api_key: abc}", "conf/b.yml")
    with pytest.raises(InvalidConfiguration, match=r"b\.yml:2: authentication: this key is also in .*a\.yml:1"):
        read_files(tmp_path / "conf")


def test_a_mistake_in_a_concatenated_list_names_the_file_it_is_in(write, tmp_path):
    write("trees: [{tree: a, path: /a}]", "conf/a.yml")
    write("\ntrees:\n- tree: b\n  path: b", "conf/b.yml")
    with pytest.raises(InvalidConfiguration, match=r"b\.yml:4: trees\[1\]\.path: 'b'"):
        load_files(tmp_path / "conf")


def test_other_and_hidden_files_are_left_alone(write, tmp_path):
    write("exact_count_limit: 7", "conf/a.yml")
    write("this: [is not", "conf/.b.yml")
    write("this: [is not", "conf/notes.txt")
    assert read_files(tmp_path / "conf").data == {"exact_count_limit": 7}


def test_a_directory_without_yaml_is_an_error(tmp_path):
    with pytest.raises(InvalidConfiguration, match=r"holds no \.yml or \.yaml file"):
        read_files(tmp_path)


def test_a_missing_file_is_an_error_that_says_what_to_do(tmp_path):
    with pytest.raises(InvalidConfiguration, match="no such file or directory; give its path, or set TILED_CONFIG"):
        read_files(tmp_path / "nothing.yml")


@pytest.mark.parametrize(
    ("given", "environ", "expected"),
    [
        ("a.yml", {"TILED_CONFIG": "b.yml"}, "a.yml"),
        (None, {"TILED_CONFIG": "b.yml"}, "b.yml"),
        (None, {}, "config.yml"),
    ],
)
def test_the_path_is_given_or_in_the_environment_or_the_default(given, environ, expected):
    assert str(configuration_path(given, environ)) == expected


def test_the_directory_of_a_file_is_known(write, tmp_path):
    assert load_files(write("exact_count_limit: 7", "conf/a.yml")).directory == tmp_path / "conf"
    assert load_files(tmp_path / "conf").directory == tmp_path / "conf"
