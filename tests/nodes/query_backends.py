"""The places where queries are answered, each behind the same two calls: store a corpus, ask it.

A backend that is to be held to the same meaning is one more class here, and one more line in `BACKENDS`.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlencode

import msgspec
import numpy as np

from tiledkernel import builtins, references
from tiledkernel.families.array.memory import MemoryArray
from tiledkernel.families.container.memory import MemoryContainer
from tiledkernel.nodes.directory import DirectoryOptions, directory_tree
from tiledkernel.nodes.readers import ReaderTable
from tiledkernel.queries import format_filters
from tiledkernel.records import Reader

from .query_meaning import Corpus, Item

MATCHES = {record.name: references.load(record.matches) for record in builtins.register_queries()}
LABELLED = Reader(media_type="application/x-labelled", suffixes=(".labelled",), open=f"{__name__}:open_labelled")


class TaggedArray(MemoryArray):
    """An array with access tags, which nodes in memory need not have."""

    access_tags: frozenset[str]


class TaggedContainer(MemoryContainer):
    """A container with access tags."""

    access_tags: frozenset[str]


def node(item: Item) -> Any:
    made: Any
    if item.family == "container":
        made = TaggedContainer({}, metadata=item.metadata, specs=item.specs)
    else:
        made = TaggedArray(np.zeros(1), metadata=item.metadata, specs=item.specs)
    made.access_tags = frozenset(item.tags)
    return made


def open_labelled(path: Path) -> Any:
    """The node that a file describes."""
    return node(msgspec.convert(json.loads(path.read_text(encoding="utf-8")), Item))


class Backend(Protocol):
    """Something that can be searched."""

    def store(self, corpus: Corpus) -> None:
        """Forget what was stored before."""

    def ask(self, queries: Sequence[Any]) -> list[str]:
        """The keys that are found, in their order."""


class Evaluator:
    """The functions that say what each query means, called directly."""

    def __init__(self, connect: Any, folder: Path) -> None:
        self.nodes: dict[str, Any] = {}

    def store(self, corpus: Corpus) -> None:
        self.nodes = {key: node(item) for key, item in corpus.items()}

    def ask(self, queries: Sequence[Any]) -> list[str]:
        return [
            key for key, found in self.nodes.items() if all(MATCHES[query.name](query, key, found) for query in queries)
        ]


class Memory:
    """A tree in memory, asked over HTTP."""

    def __init__(self, connect: Any, folder: Path) -> None:
        self.tree: dict[str, Any] = {}
        self.caller = connect(self.tree)
        self.path = "search/"

    def store(self, corpus: Corpus) -> None:
        self.tree.clear()
        self.tree.update((key, node(item)) for key, item in corpus.items())

    def ask(self, queries: Sequence[Any]) -> list[str]:
        query = urlencode([("fields", ""), *format_filters(queries)]).encode()
        head, *chunks = self.caller.raw(f"/api/v1/{self.path}", query)  # far cheaper than a polite client
        body = b"".join(chunk.get("body", b"") for chunk in chunks)
        assert head["status"] == 200, body
        page = json.loads(body)
        found = [item["id"] for item in page["data"]]
        assert page["meta"]["count"] == len(found)
        return found


class Deep(Memory):
    """The same tree, searched in depth."""

    def __init__(self, connect: Any, folder: Path) -> None:
        super().__init__(connect, folder)
        self.path = "search-deep/"


class Folder(Memory):
    """A folder of files whose content is their metadata, asked over HTTP; a new folder for each corpus."""

    def __init__(self, connect: Any, folder: Path) -> None:
        self.folder = folder
        self.numbers = itertools.count()
        readers = ReaderTable([(LABELLED, "test")])
        self.caller = connect(directory_tree(DirectoryOptions(path=str(folder)), readers, lambda live, *_: live))

    def store(self, corpus: Corpus) -> None:
        number = next(self.numbers)
        self.path = f"search/c{number}"
        (self.folder / f"c{number}").mkdir()
        for key, item in corpus.items():
            content = json.dumps(msgspec.to_builtins(item))
            (self.folder / f"c{number}" / f"{key}.labelled").write_text(content, encoding="utf-8")


BACKENDS = (Evaluator, Memory, Deep, Folder)
