"""A reader, a node or an encoder that fails is named, in the answer and in the log, and hurts only itself."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from typing import Any

import httpx
import numpy as np
import pytest

from tiledkernel.composition import Composition
from tiledkernel.errors import NotReady
from tiledkernel.families.array.memory import MemoryArray
from tiledkernel.families.container.memory import MemoryContainer
from tiledkernel.nodes.directory import DirectoryOptions
from tiledkernel.trees import build_directory

NAMES = [
    "OSError",
    "KeyError",
    "StopIteration",
    "MemoryError",
    "RecursionError",
    "UnicodeDecodeError",
    "SystemExit",
    "Panic",
    "Unspeakable",
    "AssertionError",
]
every_failure = pytest.mark.parametrize("name", NAMES)


class Moody:
    """An array node of which some part fails."""

    family = "array"
    specs = ()

    def __init__(self, error: BaseException, part: str, *, in_memory: bool = False) -> None:
        self._error = error
        self._part = part
        self._sound = MemoryArray(np.arange(3))
        self.in_memory = in_memory

    def _say(self, part: str, value: Any) -> Any:
        if self._part == part:
            raise self._error
        return value

    @property
    def metadata(self) -> Any:
        return self._say("metadata", {"color": "red"})

    @property
    def structure(self) -> Any:
        return self._say("structure", self._sound.structure)

    def read(self, cut: Any) -> Any:
        return self._say("read", self._sound.read(cut))

    def stamp(self, cut: Any) -> Any:
        return self._say("stamp", 1)


class MoodyMapping(Mapping[str, Any]):
    """A lazy mapping of which one key fails."""

    def __init__(self, error: BaseException) -> None:
        self._error = error

    def __getitem__(self, key: str) -> Any:
        if key == "bad":
            raise self._error
        return np.arange(3)

    def __iter__(self) -> Iterator[str]:
        return iter(["good", "bad", "fine"])

    def __len__(self) -> int:
        return 3


@every_failure
@pytest.mark.parametrize("in_memory", [True, False])
@pytest.mark.parametrize(
    ("part", "path"),
    [
        ("read", "array/full/a"),
        ("read", "array/full/a?format=json"),
        ("read", "array/block/a?block=0"),
        ("metadata", "metadata/a"),
        ("structure", "metadata/a"),
        ("structure", "array/full/a"),
        ("stamp", "array/full/a"),
    ],
)
def test_a_live_node_that_fails_is_named(connect, toy, caplog, *, name, in_memory, part, path) -> None:
    caller = connect({"a": Moody(toy.FAILURES[name], part, in_memory=in_memory), "b": np.arange(3)})
    response = caller.get(path)
    assert response.status_code == 500
    assert response.json()["detail"] == f"'a' could not be read: Moody raised {name}"
    assert response.headers["content-security-policy"]
    assert "Moody failed while reading 'a'" in caplog.text
    assert caller.get("array/full/b").status_code == 200
    assert caller.get("array/full/b").headers["etag"]


@every_failure
@pytest.mark.parametrize("part", ["metadata", "structure"])
def test_a_listing_goes_on_and_says_why_a_child_is_missing(connect, toy, caplog, name, part) -> None:
    caller = connect({"a": Moody(toy.FAILURES[name], part), "b": MemoryArray(1, metadata={"color": "red"})})
    first, second = caller.json("search/")["data"]
    assert first["attributes"]["specs"] == [{"name": "unavailable", "version": None}]
    assert f"Moody raised {name}" in first["attributes"]["metadata"]["unavailable"]["reason"]
    assert second["attributes"]["metadata"] == {"color": "red"}
    assert "Moody failed" in caplog.text


@every_failure
def test_searching_sorting_and_summing_up_go_on_without_a_child_that_fails(connect, toy, name) -> None:
    caller = connect({"a": Moody(toy.FAILURES[name], "metadata"), "b": MemoryArray(1, metadata={"color": "red"})})
    eq = "filter[eq][condition][key]=color&filter[eq][condition][value]=%22red%22"
    assert [item["id"] for item in caller.json(f"search/?{eq}")["data"]] == ["b"]
    assert [item["id"] for item in caller.json("search/?sort=-color")["data"]] == ["b", "a"]
    assert caller.json(f"distinct/?metadata=color&counts=true&{eq}")["metadata"]["color"] == [
        {"value": "red", "count": 1}
    ]
    assert caller.json("distinct/?metadata=color&counts=true")["metadata"]["color"] == [{"value": "red", "count": 1}]
    contents = caller.json("container/full/?format=json")["contents"]
    assert name in contents["a"]["metadata"]["unavailable"]["reason"]
    assert contents["b"] == {"metadata": {"color": "red"}}


@pytest.mark.parametrize("name", [name for name in NAMES if name != "KeyError"])
def test_a_mapping_of_which_one_key_fails_serves_the_others(connect, toy, name) -> None:
    caller = connect({"c": MemoryContainer(MoodyMapping(toy.FAILURES[name]))})
    listed = {item["id"]: item["attributes"] for item in caller.json("search/c")["data"]}
    assert list(listed) == ["good", "bad", "fine"]
    assert name in listed["bad"]["metadata"]["unavailable"]["reason"]
    assert listed["fine"]["structure"]["shape"] == [3]
    response = caller.get("array/full/c/bad")
    assert response.status_code == 500
    assert name in response.json()["detail"]
    assert caller.get("array/full/c/good").status_code == 200
    assert caller.get("container/full/c?format=json").status_code == 200


@pytest.mark.parametrize("live", [object(), {1, 2}, [[1], [1, 2]], np.zeros(2, [("a", object)]), {1: 2}, "text", None])
def test_an_object_that_can_be_no_node_is_unavailable_and_says_why(connect, live) -> None:
    caller = connect({"bad": live, "good": 1})
    response = caller.get("metadata/bad")
    assert response.status_code == 410
    assert response.json()["detail"].startswith("'bad' is unavailable: ")
    bad, good = caller.json("search/")["data"]
    assert bad["attributes"]["metadata"]["unavailable"]["reason"].startswith("'bad' is unavailable: ")
    assert good["attributes"]["structure"]["shape"] == []


@pytest.mark.parametrize("returned", [np.zeros(7), np.zeros((3, 1)), None, "text", np.zeros(3, complex)])
def test_a_node_that_reads_something_else_is_refused(connect, returned) -> None:
    class Liar(MemoryArray):
        def read(self, cut):
            return returned

    with (
        pytest.warns(np.exceptions.ComplexWarning)
        if isinstance(returned, np.ndarray) and returned.dtype == complex
        else _nothing()
    ):
        response = connect({"a": Liar(np.zeros(3))}).get("array/full/a")
    assert response.status_code in (200, 500)
    if response.status_code == 500:
        assert "Liar" in response.json()["detail"]


def _nothing():
    from contextlib import nullcontext

    return nullcontext()


# Files


@pytest.fixture
def broken(connect, composition, folder, toy):
    for name in NAMES:
        (folder / f"{name}.failing").touch()
        (folder / f"{name}.unreadable").touch() if name != "KeyError" else None
    options = DirectoryOptions(path=str(folder), keep_ext=True)
    return connect(build_directory(options, composition), composition=composition)


@every_failure
def test_a_file_that_cannot_be_opened_names_its_plugin(broken, folder, caplog, name) -> None:
    response = broken.get(f"array/full/{name}.failing")
    assert response.status_code == 410
    detail = response.json()["detail"]
    assert "toy" in detail
    assert f"{name}.failing" in detail
    assert str(folder) not in detail
    assert name in caplog.text
    assert broken.get("array/full/a.npy").status_code == 200


@pytest.mark.parametrize("name", [name for name in NAMES if name != "KeyError"])
def test_a_file_that_cannot_be_read_names_its_plugin(broken, folder, caplog, name) -> None:
    response = broken.get(f"array/full/{name}.unreadable")
    assert response.status_code == 410
    detail = response.json()["detail"]
    assert f"'{name}.unreadable' is unavailable: plugin 'toy' could not read it: " in detail
    assert "plugin 'toy' failed while reading" in caplog.text
    assert broken.get("array/full/a.npy").status_code == 200


def test_a_folder_of_broken_files_is_listed_whole(broken) -> None:
    page = broken.json("search/?page[limit]=300")
    listed = {item["id"]: item["attributes"] for item in page["data"]}
    assert len(listed) == page["meta"]["count"] == 2 * len(NAMES) - 1 + 4
    for name in NAMES:
        reason = listed[f"{name}.failing"]["metadata"]["unavailable"]
        assert reason["plugin"] == "toy"
        assert reason["reason"]
    assert listed["a.npy"]["structure"]["shape"] == [1000]


def test_a_path_on_the_server_is_not_told(connect, composition, folder, toy, monkeypatch) -> None:
    def leak(path: Any) -> Any:
        return toy.Failing(OSError(f"cannot read '{path}'"))

    monkeypatch.setattr(toy, "open_unreadable", leak)
    (folder / "x.unreadable").touch()
    caller = connect(build_directory(DirectoryOptions(path=str(folder)), composition), composition=composition)
    detail = caller.get("array/full/x").json()["detail"]
    assert "cannot read 'x.unreadable'" in detail
    assert str(folder) not in detail


# Encoders


@pytest.fixture
def encoded(connect, composition):
    return connect({name: np.arange(3) for name in NAMES} | {"good": np.arange(3)}, composition=composition)


@pytest.mark.parametrize("name", [name for name in NAMES if name not in ("SystemExit", "Panic")])
@pytest.mark.parametrize("format_", ["fail", "fail_late"])
def test_an_encoder_that_fails_is_named(encoded, caplog, name, format_) -> None:
    response = encoded.get(f"array/full/{name}?format={format_}")
    assert response.status_code == 406
    detail = response.json()["detail"]
    assert f"these data cannot be sent as application/x-{format_}: toy_plugin:{format_}: " in detail
    assert name in detail or "StopIteration" in detail or "RuntimeError" in detail
    assert "content-disposition" not in response.headers
    assert f"toy_plugin:{format_} failed for '{name}'" in caplog.text
    assert encoded.get(f"array/full/{name}").status_code == 200


@pytest.mark.parametrize("name", ["SystemExit", "Panic"])
def test_an_encoder_cannot_end_the_server(encoded, name) -> None:
    assert encoded.get(f"array/full/{name}?format=fail").status_code == 500
    assert encoded.get(f"array/full/{name}?format=json").status_code == 200


@pytest.mark.parametrize(
    ("format_", "sentence"),
    [
        ("answer_nonsense", "a bytes-like object is required, not 'int'"),
        ("application/x-lost", "no module named 'a_module_that_is_not_there'"),
    ],
)
def test_an_encoder_that_answers_nonsense_or_is_not_there_is_named(encoded, format_, sentence) -> None:
    response = encoded.get("array/full/good", params={"format": format_})
    assert response.status_code == 406
    assert sentence in response.json()["detail"]


@pytest.mark.parametrize("name", ["OSError", "SystemExit", "Panic"])
def test_a_failure_in_the_middle_of_a_stream_breaks_it_off(encoded, caplog, name) -> None:
    sent: list[dict[str, Any]] = []
    with pytest.raises(Exception, match=r"cannot be sent|could not be read"):
        encoded._loop.run(_collect(encoded.app, f"/api/v1/array/full/{name}", b"format=fail_very_late", sent))
    assert sent[0]["status"] == 200
    assert b"content-length" not in dict(sent[0]["headers"])
    assert all(message["more_body"] for message in sent[1:])
    assert name in caplog.text


async def _collect(app: Any, path: str, query: bytes, sent: list[dict[str, Any]]) -> None:
    import asyncio

    async def receive() -> dict[str, Any]:
        if not sent:
            return {"type": "http.request", "body": b"", "more_body": False}
        await asyncio.sleep(60)
        return {"type": "http.disconnect"}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": query,
        "root_path": "",
        "headers": [(b"host", b"x")],
        "client": None,
        "server": None,
    }
    await app(scope, receive, send)


# What is nobody's fault but ours


def test_a_defect_of_the_server_discloses_nothing_and_is_logged(connect, monkeypatch, caplog) -> None:
    caller = connect({"a": 1})

    def fail(credentials: Any) -> Any:
        raise RuntimeError("secret detail")

    monkeypatch.setattr(caller.app.state.service.accounts, "recognise", fail)
    with caplog.at_level(logging.ERROR):
        response = caller.get("metadata/a")
    assert (response.status_code, response.json()) == (500, {"detail": "Internal server error"})
    assert response.headers["x-tiled-request-id"]
    assert "secret detail" in caplog.text


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (NotReady("the bucket does not answer"), "503: the bucket does not answer"),
        (OSError("gone"), "500: 'a' could"),
    ],
)
def test_what_is_no_callers_fault_is_found_in_the_log_by_its_request_id(connect, caplog, error, line) -> None:
    response = connect({"a": Moody(error, "read")}).get("array/full/a")
    assert f"request {response.headers['x-tiled-request-id']}, GET /api/v1/array/full/a: {line}" in caplog.text


def test_a_client_in_this_process_gets_failures_as_themselves(connect) -> None:
    import asyncio

    caller = connect({"a": Moody(OSError("the disk is gone"), "read")})

    async def ask(path: str) -> int:
        async def asked(scope: Any, receive: Any, send: Any) -> None:
            await caller.app(scope | {"extensions": {"tiledkernel.raise_exceptions": True}}, receive, send)

        async with httpx.AsyncClient(transport=httpx.ASGITransport(asked), base_url="http://x") as client:
            return (await client.get(path)).status_code

    with pytest.raises(OSError, match="the disk is gone"):
        asyncio.run(ask("/api/v1/array/full/a"))
    assert asyncio.run(ask("/api/v1/metadata/nope")) == 404


def test_data_that_are_still_being_written_ask_for_patience(connect) -> None:
    response = connect({"a": Moody(NotReady("not all frames are there yet"), "read")}).get("array/full/a")
    assert (response.status_code, response.headers["retry-after"]) == (503, "1")
    assert response.json()["detail"] == "not all frames are there yet"


def test_a_composition_survives_a_family_without_its_plugin(connect, composition: Composition) -> None:
    class Strange:
        family, metadata, specs, structure = "strange", {}, (), None

    caller = connect({"a": Strange(), "b": 1}, composition=composition)
    assert caller.get("metadata/a").status_code in (410, 500)
    first, second = caller.json("search/")["data"]
    assert "strange" in first["attributes"]["metadata"]["unavailable"]["reason"]
    assert second["id"] == "b"
