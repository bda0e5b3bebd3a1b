"""`from_profile` connects as a profile says."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tiledkernel.client.profiles.connect import from_profile
from tiledkernel.client.profiles.resolving import resolve
from tiledkernel.families.container.client import Container
from tiledkernel.profiles import ProfileError, ProfileNotFound, ProfileWarning

Write = Callable[[str, str], Path]
KEY = "abc123"
CLASSES = """
from tiledkernel.families.array.client import ArrayClient
from tiledkernel.families.container.client import Container


class MyArray(ArrayClient):
    pass


number = 3
tree = {"a": [1, 2, 3]}
"""
DIRECT = "direct: {trees: [{tree: 'beside_profile:tree', path: /}]}"


@pytest.fixture(scope="session")
def url(tmp_path_factory: pytest.TempPathFactory, start_server: Callable[..., Any]) -> str:
    """A server that wants a key, with the array `a` and the container `c`."""
    folder = tmp_path_factory.mktemp("served")
    (folder / "served_tree.py").write_text("tree = {'a': [1, 2, 3], 'c': {'b': [4]}}\n")
    return str(start_server("serve", "pyobject", "served_tree:tree", "--api-key", KEY, cwd=folder).url)


@pytest.fixture
def connect() -> Iterator[Callable[..., Any]]:
    """`from_profile`, with connections that are closed after the test."""
    clients = []

    def make(*given: Any, **settings: Any) -> Any:
        clients.append(from_profile(*given, **settings))
        return clients[-1]

    yield make
    for client in clients:
        client.context.close()


@pytest.fixture
def beside(write: Write) -> Iterator[None]:
    """A module of a site's own, beside the profiles of the user."""
    write("user/beside_profile.py", CLASSES)
    yield
    sys.modules.pop("beside_profile", None)


def test_a_name_is_enough(write: Write, connect: Callable[..., Any], url: str) -> None:
    write("user/a.yml", f"a: {{uri: '{url}?api_key={KEY}'}}")
    assert list(connect("a")) == ["a", "c"]


def test_a_profile_may_lead_to_a_node(write: Write, connect: Callable[..., Any], url: str) -> None:
    write("user/a.yml", f"a: {{uri: {url}/api/v1/metadata/c, api_key: {KEY}}}")
    assert list(connect("a")) == ["b"]


def test_the_settings_of_a_profile_are_those_of_the_connection(
    write: Write, connect: Callable[..., Any], url: str
) -> None:
    write(
        "user/a.yml",
        f"a: {{uri: {url}, api_key: {KEY}, headers: {{x-site: here}}, timeout: {{read: 7}}, max_connections: 3}}",
    )
    context = connect("a").context
    assert context.http_client.headers["x-site"] == "here"
    assert context.http_client.timeout == httpx.Timeout(connect=5.0, read=7.0, write=30.0, pool=5.0)
    assert context.max_connections == 3


def test_answers_are_kept_where_the_profile_says(write: Write, tmp_path: Path) -> None:
    cache = f"{{filepath: {tmp_path}/kept.db, capacity: 1_000_000, max_item_size: 1_000}}"
    write("user/a.yml", f"a: {{uri: http://127.0.0.1:9, cache: {cache}}}")
    kept = resolve("a", None, {}).settings["cache"]
    assert (Path(kept.filepath), kept.capacity, kept.max_item_size) == (tmp_path / "kept.db", 1_000_000, 1_000)
    kept.close()


def test_a_cache_that_cannot_be_is_told_with_its_place(write: Write) -> None:
    write("user/a.yml", "a:\n  uri: http://127.0.0.1:9\n  cache: {capacity: 5}\n")
    with pytest.raises(ProfileError, match=r"a\.yml:3: a\.cache: .*capacity"):
        from_profile("a")


def test_an_argument_wins_over_the_profile(write: Write, connect: Callable[..., Any], url: str) -> None:
    write("user/a.yml", f"a: {{uri: {url}, api_key: {KEY}, headers: {{x-site: here}}, max_connections: 3}}")
    context = connect("a", max_connections=5).context
    assert (context.max_connections, context.http_client.headers["x-site"]) == (5, "here")


def test_a_key_as_argument_wins_over_the_one_in_the_address(
    write: Write, connect: Callable[..., Any], url: str
) -> None:
    write("user/a.yml", f"a: {{uri: '{url}?api_key=wrong'}}")
    assert connect("a", api_key=KEY).context.api_key == KEY


@pytest.mark.usefixtures("beside")
def test_classes_beside_the_profile_are_found(write: Write, connect: Callable[..., Any], url: str) -> None:
    classes = "{array: 'beside_profile:MyArray', container: 'tiled.client.container:Container'}"
    write("user/a.yml", f"a: {{uri: {url}, api_key: {KEY}, structure_clients: {classes}}}")
    client = connect("a")
    assert type(client) is Container
    assert type(client["a"]).__name__ == "MyArray"
    assert not [path for path in sys.path if path.endswith("user/profiles")]


@pytest.mark.usefixtures("beside")
def test_the_second_argument_chooses_other_classes(write: Write, connect: Callable[..., Any], url: str) -> None:
    write("user/a.yml", f"a: {{uri: {url}, api_key: {KEY}, structure_clients: {{array: 'beside_profile:MyArray'}}}}")
    assert type(connect("a", "numpy")["a"]).__name__ == "ArrayClient"


@pytest.mark.usefixtures("beside")
@pytest.mark.parametrize(
    ("reference", "message"),
    [
        ("nowhere:Class", "no module named 'nowhere'"),
        ("beside_profile:Mine", "module 'beside_profile' has no 'Mine'"),
        ("beside_profile:number", "'beside_profile:number' is no class, but of type int"),
        ("beside_broken:Class", "'beside_broken:Class' cannot be imported: ZeroDivisionError: division by zero"),
    ],
)
def test_a_class_that_is_not_there_is_told_with_its_place(write: Write, reference: str, message: str) -> None:
    write("user/beside_broken.py", "1 / 0")
    write("user/a.yml", f"a:\n  uri: http://127.0.0.1:9\n  structure_clients:\n    array: '{reference}'")
    with pytest.raises(ProfileError) as caught:
        from_profile("a")
    assert f"a.yml:4: a.structure_clients.array: {message}" in str(caught.value)


@pytest.mark.usefixtures("beside")
def test_a_profile_may_bring_its_own_server(write: Write, connect: Callable[..., Any]) -> None:
    write("user/a.yml", f"a: {{{DIRECT}, headers: {{x-site: here}}, verify: false}}")
    client = connect("a", include_data_sources=True)
    assert client["a"].read().tolist() == [1, 2, 3]
    assert client.context.http_client.headers["x-site"] == "here"
    assert client.context.api_uri.host == "local-tiled-app"


@pytest.mark.usefixtures("beside")
def test_the_profile_is_the_same_after_its_server_was_built(
    write: Write, connect: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TILED_SINGLE_USER_API_KEY", KEY)
    write("user/a.yml", f"a: {{{DIRECT}}}")
    assert connect("a").context.api_key == KEY
    monkeypatch.delenv("TILED_SINGLE_USER_API_KEY")
    assert connect("a").context.api_key != KEY


def test_a_mistake_in_its_server_is_told_with_file_line_and_whole_key(write: Write) -> None:
    write(
        "user/a.yml", "a:\n  direct:\n    trees: [{tree: directory, path: /, args: {pth: .}}]\n    allow_origin: []\n"
    )
    with pytest.raises(ProfileError, match=r"a\.yml:4: a\.direct\.allow_origin: unknown key; did you mean 'allow_or"):
        from_profile("a")


@pytest.mark.parametrize("key", ["username", "auth_provider"])
def test_an_obsolete_key_is_ignored_with_a_warning(
    write: Write, connect: Callable[..., Any], url: str, key: str
) -> None:
    write("user/a.yml", f"a:\n  uri: {url}\n  api_key: {KEY}\n  {key}: x\n")
    with pytest.warns(ProfileWarning, match=rf"a\.yml:4: a\.{key}: has no effect any more; ignored"):
        client = connect("a")
    assert "a" in client


def test_a_profile_that_was_mended_is_used_in_the_same_session(
    write: Write, connect: Callable[..., Any], url: str
) -> None:
    write("user/a.yml", f"a: {{urii: {url}, api_key: {KEY}}}")
    with pytest.raises(ProfileError):
        connect("a")
    write("user/a.yml", f"a: {{uri: {url}, api_key: {KEY}}}")
    assert "a" in connect("a")


def test_what_was_left_out_is_told_beside_the_connection(write: Write, connect: Callable[..., Any], url: str) -> None:
    write("user/a.yml", f"a: {{uri: {url}, api_key: {KEY}}}")
    write("user/b.yml", "a: [")
    with pytest.warns(ProfileWarning, match=r"b\.yml:\d: this is not YAML"):
        connect("a")


def test_an_unknown_name_is_told_before_anything_is_asked() -> None:
    with pytest.raises(ProfileNotFound, match="no profile named 'nope'; there are none"):
        from_profile("nope")


def test_a_mistake_is_told_before_anything_is_asked(write: Write) -> None:
    write("user/a.yml", "a: {uri: http://127.0.0.1:9, max_conections: 3}")
    with pytest.raises(ProfileError, match="did you mean 'max_connections'"):
        from_profile("a")
