"""Where profiles are found, which one wins, and what is said of those that are wrong."""

from __future__ import annotations

import inspect
import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from tiledkernel import profiles
from tiledkernel.client.cache import Cache
from tiledkernel.client.connection import DEFAULT_TIMEOUT
from tiledkernel.client.profiles.directories import find_site, find_user, search_path
from tiledkernel.client.profiles.model import CacheSettings, Profile, TimeoutSettings
from tiledkernel.client.profiles.reading import read_profiles
from tiledkernel.client.profiles.schema import json_schema
from tiledkernel.profiles import ProfileError, ProfileNotFound, ProfileWarning, list_profiles, load_profiles

Write = Callable[[str, str], Path]


def mistakes(name: str) -> list[str]:
    """What is wrong with a profile, without the directory."""
    written = read_profiles().written(name)
    with pytest.raises(ProfileError) as caught:
        written.checked()
    return str(caught.value).replace(f"{written.file.parent}/", "").splitlines()


# Where


def test_without_variables_the_directories_are_those_of_linux(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("TILED_SITE_PROFILES", "TILED_PROFILES", "XDG_CONFIG_DIRS", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", "/home/me")
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(sys, "prefix", "/env")
    expected = ["/etc/tiled/profiles", "/etc/xdg/tiled/profiles", "/env/etc/tiled/profiles"]
    assert [str(path) for path in search_path()] == [*expected, "/home/me/.config/tiled/profiles"]


def test_of_several_site_directories_the_preferred_one_comes_last() -> None:
    found = find_site("linux", {"XDG_CONFIG_DIRS": "/preferred:/other"})
    assert [str(path) for path in found] == [
        "/etc/tiled/profiles",
        "/other/tiled/profiles",
        "/preferred/tiled/profiles",
    ]


@pytest.mark.parametrize(
    ("platform", "environment", "last"),
    [
        ("linux", {"XDG_CONFIG_HOME": "/cfg"}, "/cfg/tiled/profiles"),
        ("darwin", {}, "~/Library/Application Support/tiled/profiles"),
        ("win32", {"LOCALAPPDATA": "C:/Users/me/AppData/Local"}, "C:/Users/me/AppData/Local/tiled/tiled/profiles"),
    ],
)
def test_where_the_platform_has_another_place_that_one_wins(
    platform: str, environment: dict[str, str], last: str
) -> None:
    assert [str(path) for path in find_user(platform, environment)] == ["~/.config/tiled/profiles", last]


def test_the_public_list_of_directories_follows_the_environment(monkeypatch: pytest.MonkeyPatch, user: Path) -> None:
    assert profiles.paths[-1] == user
    monkeypatch.setenv("TILED_PROFILES", "~/mine")
    monkeypatch.setenv("HOME", "/home/me")
    assert profiles.paths[-1] == Path("/home/me/mine")


def test_no_directory_has_to_exist() -> None:
    assert list_profiles() == {}


# Which


def test_files_of_any_name_hold_any_number_of_profiles(write: Write) -> None:
    one = write("user/one.yml", "a: {uri: http://a}\nb: {uri: http://b}")
    two = write("user/two words.yaml", "c: {uri: http://c}")
    assert list_profiles() == {"a": one, "b": one, "c": two}


@pytest.mark.parametrize("name", [".hidden.yml", "notes.txt", "a.yml~", "a.yml.bak"])
def test_other_files_are_not_read(write: Write, name: str) -> None:
    write(f"user/{name}", "a: {uri: http://a}")
    assert list_profiles() == {}


def test_a_later_directory_wins(write: Write) -> None:
    write("site/s.yml", "a: {uri: http://site}\nb: {uri: http://site}\nc: {uri: http://site}")
    write("prefix/p.yml", "b: {uri: http://prefix}\nc: {uri: http://prefix}")
    file = write("user/u.yml", "c: {uri: http://user}")
    loaded = load_profiles()
    assert {name: content["uri"] for name, (_, content) in loaded.items()} == {
        "a": "http://site",
        "b": "http://prefix",
        "c": "http://user",
    }
    assert loaded["c"] == (file, {"uri": "http://user"})


def test_a_name_twice_in_one_directory_is_used_from_neither_file(write: Write) -> None:
    first = write("user/1.yml", "a: {uri: http://1}\nb: {uri: http://b}")
    second = write("user/2.yml", "c: {uri: http://c}\na: {uri: http://2}")
    write("site/s.yml", "a: {uri: http://site}")
    with pytest.warns(ProfileWarning) as caught:
        assert set(load_profiles()) == {"b", "c"}
    (warning,) = caught
    expected = f"the profile 'a' is written in {first}:1 and {second}:2: neither is used; keep one of them"
    assert str(warning.message) == expected


def test_a_later_directory_settles_it_without_a_word(write: Write) -> None:
    write("site/1.yml", "a: {uri: http://1}")
    write("site/2.yml", "a: {uri: http://2}")
    write("user/u.yml", "a: {uri: http://user}")
    assert load_profiles()["a"][1] == {"uri": "http://user"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: [", r"broken\.yml:\d+: this is not YAML: .*; no profile in this file is used"),
        ("- a", r"broken\.yml: expected a mapping of keys, such as 'my_name: \{uri: \.\.\.\}'; no profile in"),
        ("a: {}\na: {}", r"broken\.yml:2: a: the key is given twice, first in line 1; no profile in"),
    ],
)
def test_a_broken_file_hurts_only_itself(write: Write, text: str, message: str) -> None:
    write("user/broken.yml", text)
    write("user/good.yml", "good: {uri: http://good}")
    with pytest.warns(ProfileWarning, match=message):
        assert list(list_profiles()) == ["good"]


def test_a_file_and_a_directory_that_cannot_be_read_hurt_only_themselves(write: Write, tmp_path: Path) -> None:
    write("user/good.yml", "good: {uri: http://good}")
    (tmp_path / "user/profiles/gone.yml").symlink_to("nowhere")
    (tmp_path / "site").symlink_to("site")  # a loop, which not even an administrator can read
    found = read_profiles()
    assert list(found) == ["good"]
    directory, file = found.problems
    assert directory.startswith(f"{tmp_path / 'site'}: cannot be read: ")
    assert file.endswith("gone.yml: cannot be read: No such file or directory; no profile in this file is used")


def test_files_are_read_once_until_they_are_forgotten(write: Write) -> None:
    assert list_profiles() == {}
    write("user/a.yml", "a: {uri: http://a}")
    assert list_profiles() == {}
    load_profiles.cache_clear()
    assert list(list_profiles()) == ["a"]


def test_a_miss_names_the_near_one_all_others_and_the_directories(write: Write, tmp_path: Path, user: Path) -> None:
    write("user/a.yml", "beamline: {uri: http://a}\nother: {uri: http://a}")
    with pytest.raises(KeyError) as caught:
        load_profiles().written("beamlin")
    assert type(caught.value) is ProfileNotFound
    assert str(caught.value) == (
        "no profile named 'beamlin'; did you mean 'beamline'?; known: beamline, other "
        f"(looked in {tmp_path}/site, {tmp_path}/prefix/etc/tiled/profiles, {user})"
    )


def test_a_miss_tells_of_the_file_that_may_hold_it(write: Write) -> None:
    write("user/broken.yml", "mine: [")
    with pytest.raises(ProfileNotFound, match=r"(?s)no profile named 'mine'; there are none .*broken\.yml:\d: "):
        read_profiles().written("mine")


# What


def test_everything_that_a_profile_may_say_is_understood(write: Write) -> None:
    write(
        "user/a.yml",
        """
        beamline:
          uri: https://data.example.org/api/v1/metadata/beamline
          structure_clients: {array: "tiled.client.array:ArrayClient", my_spec: "my_clients:MyClient"}
          headers: {X-Site: here}
          cache: {capacity: 2_000_000_000, max_item_size: 5_000_000}
          timeout: {read: 120, pool: null}
          token_cache: ~/tokens
          max_connections: 8
          verify: false
        """,
    )
    profile = read_profiles().written("beamline").checked()
    assert profile.cache is not None
    assert profile.timeout is not None
    assert profile.cache.capacity == 2_000_000_000
    assert (profile.timeout.connect, profile.timeout.read, profile.timeout.pool) == (5, 120, None)
    assert (profile.max_connections, profile.verify) == (8, False)


def test_text_comes_from_the_environment(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_KEY", "abc")
    monkeypatch.setenv("MANY", "8")
    write("user/a.yml", "a: {uri: 'http://a?api_key=$SECRET_KEY', max_connections: '${MANY}', headers: {x: $UNSET_X}}")
    profile = read_profiles().written("a").checked()
    assert (profile.uri, profile.max_connections, profile.headers) == ("http://a?api_key=abc", 8, {"x": "$UNSET_X"})


def test_every_mistake_is_told_with_file_line_key_and_the_nearest_name(write: Write) -> None:
    write("user/a.yml", "good: {uri: http://a}\nbad:\n  urii: http://a\n  timeout: {connection: 3}\n  verify: maybe\n")
    unknown, below, value = mistakes("bad")
    assert unknown.startswith("a.yml:3: bad.urii: unknown key; did you mean 'uri'?; known: uri, direct, ")
    assert below == (
        "a.yml:4: bad.timeout.connection: unknown key; did you mean 'connect'?; known: connect, read, write, pool"
    )
    assert value.startswith("a.yml:5: bad.verify: 'maybe': expected `bool`, got `str`")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{}", "a.yml:1: a: expected exactly one of 'uri' and 'direct'"),
        ("{uri: http://a, direct: {}}", "a.yml:1: a: expected exactly one of 'uri' and 'direct'"),
        ("3", "a.yml:1: a: 3: expected a mapping of keys"),
        ("{uri: $NO_SUCH}", "'$NO_SUCH': expected the address of a server .*; the environment variable 'NO_SUCH' is"),
        ("{uri: http://a, timeout: {read: 0}}", "a.timeout.read: 0: expected .* > 0.0"),
        ("{uri: http://a, max_connections: 0}", "a.max_connections: 0: expected `int` >= 1"),
        ("{uri: http://a, structure_clients: nump}", "a.structure_clients: 'nump': invalid enum value .*'dask'"),
        (
            "{uri: http://a, structure_clients: {array: ArrayClient}}",
            "{'array': 'ArrayClient'}: expected 'numpy', 'dask', or a mapping .* 'module:Class'",
        ),
        ("{uri: http://a, headers: {x: 5}}", "a.headers: {'x': 5}: expected `str`, got `int`"),
    ],
)
def test_a_profile_that_cannot_be_meant_is_refused(write: Write, content: str, message: str) -> None:
    write("user/a.yml", f"a: {content}")
    (told,) = mistakes("a")
    pattern = message.replace("{", r"\{").replace("}", r"\}").replace("$", r"\$")
    assert re.search(pattern, told), told


def test_a_key_in_a_wrong_address_is_not_shown(write: Write) -> None:
    write("user/a.yml", "a: {uri: 'htp://a?api_key=very-secret', api_key: [very-secret]}")
    assert "very-secret" not in "\n".join(mistakes("a"))


def test_a_profile_with_a_mistake_does_not_hurt_the_others(write: Write) -> None:
    write("user/a.yml", "bad: {urii: 3}\ngood: {uri: http://a}")
    assert list(list_profiles()) == ["bad", "good"]
    assert read_profiles().written("good").checked().uri == "http://a"


def test_the_defaults_are_those_of_the_client() -> None:
    assert msgspec.structs.asdict(TimeoutSettings()) == DEFAULT_TIMEOUT.as_dict()
    arguments = inspect.signature(Cache).parameters.values()
    assert msgspec.structs.asdict(CacheSettings()) == {argument.name: argument.default for argument in arguments}


def test_the_schema_is_json_and_lists_every_key() -> None:
    schema = json.loads(msgspec.json.encode(json_schema()))
    assert list(schema["$defs"]["Profile"]["properties"]) == list(Profile.__struct_fields__)
    assert schema["additionalProperties"]["$ref"] == "#/$defs/Profile"


def test_reading_profiles_needs_no_network_library() -> None:
    code = "import sys, tiledkernel.profiles as p; p.list_profiles(); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"httpx", "numpy", "litestar", "tiledkernel.server"} & set(done.stdout.split())
