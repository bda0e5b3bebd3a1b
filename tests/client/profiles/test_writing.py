"""Profiles are made and removed without harm to others; one of them is the default."""

from __future__ import annotations

import inspect
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from tiledkernel.profiles import (
    ProfileError,
    ProfileExists,
    ProfileNotFound,
    create_profile,
    delete_profile,
    get_default_profile_name,
    list_profiles,
    load_profiles,
    set_default_profile_name,
)

Write = Callable[[str, str], Path]


def test_a_created_profile_is_found_and_only_its_owner_may_read_it(user: Path) -> None:
    list_profiles()
    file = create_profile("http://localhost:8000?api_key=secret", "here", verify=False)
    assert file == user / "here.yml"
    assert load_profiles()["here"] == (file, {"uri": "http://localhost:8000?api_key=secret", "verify": False})
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_an_overwritten_file_becomes_private(write: Write) -> None:
    file = write("user/a.yml", "a: {uri: http://old}")
    file.chmod(0o644)
    create_profile("http://new", "a", overwrite=True)
    assert load_profiles()["a"][1]["uri"] == "http://new"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [path.name for path in file.parent.iterdir()] == ["a.yml"]


@pytest.mark.parametrize("place", ["user/a.yml", "user/other.yml", "site/other.yml"])
def test_a_profile_is_not_replaced_by_accident(write: Write, place: str) -> None:
    file = write(place, "a: {uri: http://old}")
    with pytest.raises(ProfileExists, match=f"a profile named 'a' exists already, in {file}"):
        create_profile("http://new", "a")
    assert load_profiles()["a"][1] == {"uri": "http://old"}


def test_a_broken_file_of_that_name_is_not_replaced_by_accident(write: Write) -> None:
    file = write("user/a.yml", "a: [")
    with pytest.raises(ProfileExists):
        create_profile("http://new", "a")
    assert file.read_text() == "a: ["


@pytest.mark.parametrize(
    "change", [lambda: create_profile("http://new", "a", overwrite=True), lambda: delete_profile("a")]
)
def test_other_profiles_in_the_same_file_are_not_lost(write: Write, change: Callable[[], Path]) -> None:
    text = "a: {uri: http://a}\nb: {uri: http://b}"
    file = write("user/a.yml", text)
    with pytest.raises(ProfileError, match=r"a\.yml holds other profiles, too \(b\): edit that file instead"):
        change()
    assert file.read_text() == text


def test_overwriting_makes_no_second_profile_of_the_name(write: Write, user: Path) -> None:
    write("user/other.yml", "a: {uri: http://old}")
    with pytest.raises(ProfileExists, match=r"the profile 'a' stands in .*other\.yml, not in a file of its own"):
        create_profile("http://new", "a", overwrite=True)
    assert [path.name for path in user.iterdir()] == ["other.yml"]


def test_a_users_profile_may_take_the_place_of_one_for_all(write: Write) -> None:
    write("site/all.yml", "a: {uri: http://old}\nb: {uri: http://b}")
    create_profile("http://new", "a", overwrite=True)
    assert load_profiles()["a"][1]["uri"] == "http://new"


@pytest.mark.parametrize("name", ["", ".hidden", "../escape", "a/b", "a b", "x" * 101, "a\n"])
def test_a_name_that_cannot_be_a_file_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(ProfileError, match="cannot name a profile: expected letters"):
        create_profile("http://a", name)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["beamline-7", "v1.2", "messplatz_ö", "123", "null"])
def test_a_name_is_a_name_whatever_yaml_takes_it_for(name: str) -> None:
    create_profile("http://a", name)
    assert list(list_profiles()) == [name]


def test_an_address_that_cannot_be_connected_to_is_refused(user: Path) -> None:
    with pytest.raises(ProfileError, match="cannot connect to 'ftp://a'"):
        create_profile("ftp://a", "a")
    assert not user.exists()


def test_a_directory_that_cannot_be_written_to_is_told(user: Path, tmp_path: Path) -> None:
    (tmp_path / "user").write_text("a file")
    with pytest.raises(ProfileError, match=r"user/profiles/a\.yml: "):
        create_profile("http://a", "a")


def test_a_file_that_is_a_link_stays_one(user: Path, tmp_path: Path) -> None:
    user.mkdir(parents=True)
    (user / "a.yml").symlink_to(tmp_path / "dotfiles.yml")
    create_profile("http://a", "a", overwrite=True)
    assert (user / "a.yml").is_symlink()
    assert (tmp_path / "dotfiles.yml").read_text() == "a:\n  uri: http://a\n  verify: true\n"


def test_a_deleted_profile_is_gone_and_no_default_any_more() -> None:
    file = create_profile("http://a", "a")
    set_default_profile_name("a")
    assert delete_profile("a") == file
    assert not file.exists()
    assert (get_default_profile_name(), list_profiles()) == (None, {})


def test_deleting_another_profile_leaves_the_default() -> None:
    create_profile("http://a", "a")
    create_profile("http://b", "b")
    set_default_profile_name("a")
    delete_profile("b")
    assert get_default_profile_name() == "a"


def test_a_profile_for_all_users_is_not_deleted(write: Write) -> None:
    file = write("site/a.yml", "a: {uri: http://a}")
    with pytest.raises(ProfileError, match=f"is not one of your own: it stands in {file}"):
        delete_profile("a")
    assert file.exists()


@pytest.mark.parametrize("change", [delete_profile, set_default_profile_name])
def test_what_is_not_there_cannot_be_chosen_or_deleted(change: Callable[[str], object]) -> None:
    with pytest.raises(ProfileNotFound, match="no profile named 'nope'; there are none"):
        change("nope")


def test_the_default_is_remembered_beside_the_profiles_as_tiled_does(user: Path) -> None:
    assert get_default_profile_name() is None
    create_profile("http://a", "a")
    set_default_profile_name("a")
    assert (user.parent / "default_profile").read_bytes() == b"a"
    assert get_default_profile_name() == "a"
    set_default_profile_name(None)
    set_default_profile_name(None)
    assert get_default_profile_name() is None


def test_published_code_calls_the_functions_by_these_arguments() -> None:
    assert list(inspect.signature(create_profile).parameters) == ["uri", "name", "verify", "overwrite"]
