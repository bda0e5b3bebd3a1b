"""A plugin with one reader for files, one for directories, and several that fail, each in its own way."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from tiledkernel import Reader, Serializer, hookimpl
from tiledkernel.families.array.memory import MemoryArray
from tiledkernel.slices import Cut


class Panic(BaseException):
    """What libraries written in other languages raise: no `Exception`."""


class Unspeakable(Exception):
    """An exception that cannot describe itself."""

    def __str__(self) -> str:
        raise RuntimeError("no words")


FAILURES: dict[str, BaseException] = {
    "OSError": OSError("the disk is gone"),
    "KeyError": KeyError("k"),
    "StopIteration": StopIteration(1),
    "MemoryError": MemoryError(),
    "RecursionError": RecursionError("deep"),
    "UnicodeDecodeError": UnicodeDecodeError("utf-8", b"\xff", 0, 1, "bad"),
    "SystemExit": SystemExit(3),
    "Panic": Panic("rust"),
    "Unspeakable": Unspeakable(),
    "AssertionError": AssertionError(),
}


class Failing(MemoryArray):
    """An array that fails when it is read."""

    in_memory = False

    def __init__(self, error: BaseException) -> None:
        super().__init__(np.zeros(3))
        self.in_memory = False
        self._error = error

    def read(self, cut: Cut) -> Any:
        raise self._error


class FailingInMemory(Failing):
    """The same, read on the event loop."""

    def __init__(self, error: BaseException) -> None:
        super().__init__(error)
        self.in_memory = True


def open_npy(path: Path) -> Any:
    return np.load(path)


def open_folder(path: Path) -> dict[str, Any]:
    return {file.stem: np.load(file) for file in sorted(path.glob("*.npy"))}


def open_failing(path: Path) -> Any:
    raise FAILURES[path.stem]


def open_unreadable(path: Path) -> Any:
    return Failing(FAILURES[path.stem])


def fail(payload: Any, encoding: Any) -> bytes:
    raise FAILURES[encoding.name]


def fail_late(payload: Any, encoding: Any) -> Iterator[bytes]:
    yield b"begun"
    raise FAILURES[encoding.name]


def fail_very_late(payload: Any, encoding: Any) -> Iterator[bytes]:
    for _ in range(3):
        yield bytes(2 << 20)
    raise FAILURES[encoding.name]


def answer_nonsense(payload: Any, encoding: Any) -> Any:
    return 7


def answer_buffer(payload: Any, encoding: Any) -> Any:
    return np.arange(6, dtype="i4").reshape(2, 3)


def answer_texts(payload: Any, encoding: Any) -> Iterator[str]:
    yield "a"
    yield ""
    yield "é"


def answer_quickly(payload: Any, encoding: Any) -> bytes:
    return b"quick"


@hookimpl
def register_readers() -> list[Reader]:
    return [
        Reader(media_type="application/x-npy", suffixes=(".npy",), open="toy_plugin:open_npy", concurrency="one"),
        Reader(media_type="application/x-folder", suffixes=(".folder",), open="toy_plugin:open_folder", directory=True),
        Reader(media_type="application/x-failing", suffixes=(".failing",), open="toy_plugin:open_failing"),
        Reader(media_type="application/x-unreadable", suffixes=(".unreadable",), open="toy_plugin:open_unreadable"),
    ]


@hookimpl
def register_serializers() -> list[Serializer]:
    names = ("fail", "fail_late", "fail_very_late", "answer_nonsense", "answer_buffer", "answer_texts")
    return [
        *(
            Serializer(
                target="array", media_type=f"application/x-{name}", encode=f"toy_plugin:{name}", suffixes=(name,)
            )
            for name in names
        ),
        Serializer(target="array", media_type="application/x-lost", encode="a_module_that_is_not_there:x"),
        Serializer(target="special", media_type="application/x-special", encode="toy_plugin:answer_quickly"),
    ]


THIS = sys.modules[__name__]
