"""Adapters as a site writes them: no base class, no import of Tiled or of this project.

`promising` gives each of them a twin whose methods are coroutines.
"""

from __future__ import annotations

import asyncio
import base64
import dataclasses
import enum
import inspect
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import awkward
import numpy as np
import pandas as pd
import pyarrow as pa
import ragged
import sparse


class Family(enum.Enum):
    array = "array"
    container = "container"


class Kind(enum.Enum):
    integer = "i"
    floating = "f"


@dataclasses.dataclass
class DataType:
    endianness: str
    kind: Kind
    itemsize: int
    dt_units: str | None = None


@dataclasses.dataclass
class ArrayShape:
    data_type: Any
    chunks: tuple
    shape: tuple
    dims: tuple | None = None
    resizable: bool = False


@dataclasses.dataclass
class SparseShape(ArrayShape):
    layout: str = "COO"


@dataclasses.dataclass
class RaggedShape(ArrayShape):
    size: int = 0


@dataclasses.dataclass
class TableShape:
    arrow_schema: str
    npartitions: int
    columns: list
    resizable: bool = False


@dataclasses.dataclass
class Form:
    length: int
    form: dict


@dataclasses.dataclass
class Spec:
    name: str
    version: str | None = None


INT64, FLOAT64 = DataType("little", Kind.integer, 8), DataType("little", Kind.floating, 8)
NUMBERS = np.arange(60).reshape(6, 10)
FRAME = pd.DataFrame({"x": [1, 2, 3, 4], "label": ["a", "b", None, "d"]}, index=pd.Index([10, 11, 12, 13], name="n"))


class Base:
    specs = ()

    def __init__(self, metadata=None):
        self._metadata = metadata or {}

    def metadata(self):
        return self._metadata


class Image(Base):
    """An array in blocks of (2, 10); it notes how it is read."""

    structure_family = Family.array
    specs = (Spec("image", "2"), "plain")

    def __init__(self, array=NUMBERS, rows=2, metadata=None):
        super().__init__(metadata)
        self.array, self.rows, self.calls = array, rows, []

    def structure(self):
        count = len(self.array) // self.rows
        return ArrayShape(INT64, ((self.rows,) * count, self.array.shape[1:]), self.array.shape)

    def read(self, index=()):
        self.calls.append(("read", index))
        return self.array[index]

    def read_block(self, block, index=()):
        self.calls.append(("read_block", block, index))
        start = block[0] * self.rows
        return self.array[start : start + self.rows][index]


class Table(Base):
    structure_family = "table"

    def structure(self):
        schema = pa.Table.from_pandas(FRAME).schema
        text = "data:application/vnd.apache.arrow.file;base64," + base64.b64encode(schema.serialize()).decode()
        return TableShape(text, 2, list(FRAME.columns))

    def read(self, fields=None):
        return FRAME if fields is None else FRAME[fields]

    def read_partition(self, partition, fields=None):
        return (FRAME if fields is None else FRAME[fields])[2 * partition : 2 * partition + 2]


class Sparse(Base):
    structure_family = "sparse"
    coo = sparse.COO(np.diag([1.0, 0.0, 3.0, 4.0]))

    def structure(self):
        return SparseShape(FLOAT64, ((2, 2), (4,)), (4, 4))

    def read(self, index=()):
        return self.coo[index]

    def read_block(self, block, index=()):
        return self.coo[2 * block[0] : 2 * block[0] + 2][index]


class Awkward(Base):
    structure_family = "awkward"
    array = awkward.Array([{"time": 1.5, "hits": [1, 2]}, {"time": 2.5, "hits": []}])

    def __init__(self):
        super().__init__()
        self.asked = []
        self.form, self.length, self.container = awkward.to_buffers(awkward.to_packed(self.array))

    def structure(self):
        return Form(self.length, self.form.to_dict(verbose=True))

    def read_buffers(self, form_keys=None):
        self.asked.append(form_keys)
        return {
            name: buffer
            for name, buffer in self.container.items()
            if form_keys is None or any(name.startswith(f"{key}-") for key in form_keys)
        }

    def read(self):
        return self.array


class Ragged(Base):
    structure_family = "ragged"
    array = ragged.array([[1.0, 2.0], [3.0], []])

    def structure(self):
        return RaggedShape(FLOAT64, ((3,), None), (3, None), size=3)

    def read(self, index=None):
        return self.array[index] if index else self.array


class Opaque(Base):
    structure_family = "bytes"

    def structure(self):
        return None


class BrokenLink(Exception):
    """The name is what counts."""


class UnsupportedQueryType(TypeError):
    """The name is what counts."""


class Folder(Base, Mapping):
    """A container in the style of a mapping."""

    structure_family = Family.container

    def __init__(self, children, metadata=None):
        super().__init__(metadata)
        self.children = children

    def structure(self):
        return None

    def __getitem__(self, key):
        if self.children[key] is BrokenLink:
            raise BrokenLink(f"file:///secret/place/{key}")
        return self.children[key]

    def __iter__(self):
        return iter(self.children)

    def __len__(self):
        return len(self.children)


class Service(Base):
    """A container that is asked asynchronously, as one is that stands for a database elsewhere."""

    structure_family = "container"

    def __init__(self, children, metadata=None):
        super().__init__(metadata)
        self.children, self.asked = children, []

    async def lookup_adapter(self, segments):
        self.asked.append(("lookup", segments))
        await asyncio.sleep(0)
        return self.children.get(segments[0])

    async def keys_range(self, offset, limit):
        return list(self.children)[offset : None if limit is None else offset + limit]

    async def items_range(self, offset, limit):
        return list(self.children.items())[offset : None if limit is None else offset + limit]

    async def exact_len(self):
        return len(self.children)

    def search(self, query):
        """Runs `Eq` itself; any other query it does not know."""
        self.asked.append(("search", query))
        if type(query).__name__ != "Eq":
            raise UnsupportedQueryType(type(query).__name__)
        kept = {key: child for key, child in self.children.items() if child.metadata().get(query.key) == query.value}
        return type(self)(kept, self._metadata)

    def sort(self, sorting):
        self.asked.append(("sort", sorting))
        (key, direction), *_ = sorting
        ordered = sorted(self.children.items(), key=lambda item: item[1].metadata()[key], reverse=direction < 0)
        return type(self)(dict(ordered), self._metadata)

    async def get_distinct(self, metadata, structure_families, specs, counts):
        self.asked.append(("distinct", metadata))
        values = {child.metadata()[metadata[0]] for child in self.children.values()}
        listed = [{"value": value, "count": None} for value in sorted(values)]
        return {"metadata": {metadata[0]: listed}, "structure_families": None, "specs": None}


def promising(adapter: Any) -> Any:
    """The same adapter with coroutines in place of its methods, even that of its metadata."""

    def late(method):
        async def call(self, *arguments):
            await asyncio.sleep(0)
            return method(self, *arguments)

        return call

    names = ("metadata", "structure", "read", "read_block", "read_partition", "read_buffers", "keys")
    own = {name: late(getattr(type(adapter), name)) for name in names if hasattr(adapter, name)}
    twin = object.__new__(type(type(adapter).__name__, (type(adapter),), own))
    twin.__dict__.update(adapter.__dict__)
    return twin


class LabReader(Base):
    """A reader of text files with one number in each line; several files are the rows of an image."""

    structure_family = "array"

    def __init__(self, array, metadata):
        super().__init__(metadata)
        self.array = array

    @classmethod
    def from_uris(cls, *uris, **parameters):
        paths = [Path(unquote(uri.removeprefix("file://localhost"))) for uri in uris]
        return cls(np.array([int(line) for line in paths[0].read_text().split()]), {"uri": uris[0]})

    def structure(self):
        return ArrayShape(INT64, (self.array.shape,), self.array.shape)

    def read(self, index=()):
        return self.array[index]


def open_path(path: Path):
    """A reader that is a function of a path; it gives what the server knows without any adapter."""
    assert isinstance(path, Path)
    return np.array([int(line) for line in path.read_text().split()])


async def open_uri(data_uri, **parameters):
    """A reader that is a coroutine of a URI."""
    return LabReader.from_uris(data_uri)


assert inspect.iscoroutinefunction(open_uri)
