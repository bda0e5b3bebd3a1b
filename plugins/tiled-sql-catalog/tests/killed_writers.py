"""Writers that note what was acknowledged, and can tell later whether all of it is there, whole.

Each writes to a place of its own until the server does not answer any more. Of the one write that was under way then,
all may be there or nothing.
"""

from __future__ import annotations

import itertools
from abc import ABC, abstractmethod
from typing import Any

import numpy as np
import pyarrow as pa

from .api import ARROW, GROWING, Asking, array_node, elements, rows, table_node


class Writer(ABC):
    """Steps count from 1; `done` is the last one that was acknowledged, `begun` the last one that was sent."""

    def __init__(self, place: str) -> None:
        self.place = place
        self.done = self.begun = 0

    @abstractmethod
    def node(self) -> dict[str, Any]:
        """What is made at the beginning."""

    @abstractmethod
    def write(self, api: Asking, step: int) -> Any:
        """The response to the request of a step."""

    @abstractmethod
    def found(self, api: Asking) -> int:
        """The last step whose write is there; fails if what is there is no state after any step."""

    def begin(self, api: Asking) -> None:
        """Make the node."""
        api.make(**self.node())

    def step(self, api: Asking) -> None:
        """Write once more."""
        self.begun = self.done + 1
        response = self.write(api, self.begun)
        assert response.status_code == 200, (type(self).__name__, response.text)
        self.done = self.begun

    def check(self, api: Asking) -> None:
        """Look at what is there, and go on from it."""
        found = self.found(api)
        assert self.done <= found <= self.begun, (type(self).__name__, self.done, found, self.begun)
        self.done = found


class ReplacedArray(Writer):
    """All elements at once, in several chunks."""

    def node(self) -> dict[str, Any]:
        return array_node(self.place, (4, 6), [[2, 2], [3, 3]])

    def write(self, api: Asking, step: int) -> Any:
        return api("PUT", f"array/full/{self.place}", **elements(step, 4, 6))

    def found(self, api: Asking) -> int:
        (step,) = np.unique(api.get(f"array/full/{self.place}?format=json"))
        return int(step)


class Blocks(Writer):
    """One chunk after the other, round and round."""

    def node(self) -> dict[str, Any]:
        return array_node(self.place, (6,), [[2, 2, 2]])

    def write(self, api: Asking, step: int) -> Any:
        return api("PUT", f"array/block/{self.place}?block={(step - 1) % 3}", **elements(step, 2))

    def found(self, api: Asking) -> int:
        values = np.array(api.get(f"array/full/{self.place}?format=json")).reshape(3, 2)
        assert (values[:, 0] == values[:, 1]).all(), values
        step = int(values.max())
        expected = [max((one for one in range(1, step + 1) if (one - 1) % 3 == block), default=0) for block in range(3)]
        assert values[:, 0].tolist() == expected
        return step


class ExtendedArray(Writer):
    """A row more, with each of two chunks' width."""

    def node(self) -> dict[str, Any]:
        return array_node(self.place, (1, 4), [[1], [2, 2]])

    def write(self, api: Asking, step: int) -> Any:
        return api("PATCH", f"array/full/{self.place}?offset={step}&shape=1,4&extend=true", **elements(step, 1, 4))

    def found(self, api: Asking) -> int:
        values = api.get(f"array/full/{self.place}?format=json")
        assert values == [[step] * 4 for step in range(len(values))]
        return len(values) - 1


class AppendedTable(Writer):
    """Some rows more."""

    def node(self) -> dict[str, Any]:
        return table_node(self.place, GROWING)

    def write(self, api: Asking, step: int) -> Any:
        return api("PATCH", f"table/partition/{self.place}?partition=0", **rows(step, 0, 20))

    def found(self, api: Asking) -> int:
        values = api.get(f"table/full/{self.place}?format=json")
        count = len(values["row"]) // 20
        there = sorted(zip(values["writer"], values["row"], strict=True))
        assert there == [*itertools.product(range(1, count + 1), range(20))]
        return count


class ReplacedTable(Writer):
    """All rows at once, in several partitions."""

    def node(self) -> dict[str, Any]:
        return table_node(self.place, npartitions=3)

    def write(self, api: Asking, step: int) -> Any:
        return api("PUT", f"table/full/{self.place}", **rows(step, 0, 9))

    def found(self, api: Asking) -> int:
        values = api.get(f"table/full/{self.place}?format=json")
        assert values["row"] == ([*range(9)] if values["row"] else [])
        (step,) = {*values["writer"]} or {0}
        return int(step)


class Partitions(ReplacedTable):
    """The first partition, again and again."""

    def write(self, api: Asking, step: int) -> Any:
        return api("PUT", f"table/partition/{self.place}?partition=0", **rows(step, 0, 9))


class ReplacedSparse(Writer):
    """All elements of a sparse array at once, in several chunks."""

    def node(self) -> dict[str, Any]:
        (source,) = array_node(self.place, (4, 4), [[2, 2], [4]])["data_sources"]
        source["structure_family"] = "sparse"
        return {"structure_family": "sparse", "id": self.place, "data_sources": [source]}

    def write(self, api: Asking, step: int) -> Any:
        table = pa.table({"dim0": range(4), "dim1": range(4), "data": [step] * 4})
        sink = pa.BufferOutputStream()
        with pa.ipc.new_file(sink, table.schema) as file:
            file.write_table(table)
        headers = {"content-type": ARROW}
        return api("PUT", f"array/full/{self.place}", content=sink.getvalue().to_pybytes(), headers=headers)

    def found(self, api: Asking) -> int:
        values = api.get(f"array/full/{self.place}?format=json")
        assert values["dim0"] == values["dim1"] == ([*range(4)] if values["data"] else [])
        (step,) = {*values["data"]} or {0}
        return int(step)


class ExtendedRagged(Writer):
    """A list more, which is longer each time."""

    def node(self) -> dict[str, Any]:
        (source,) = array_node(self.place, (0,))["data_sources"]
        source["structure"] |= {"shape": [0, None], "chunks": [[0], None], "size": 0}
        return {
            "structure_family": "ragged", "id": self.place, "data_sources": [source | {"structure_family": "ragged"}],
        }  # fmt: skip

    def write(self, api: Asking, step: int) -> Any:
        return api("PATCH", f"ragged/full/{self.place}?offset={step - 1}&shape=1&extend=true", json=[[step] * step])

    def found(self, api: Asking) -> int:
        values = api.get(f"ragged/full/{self.place}?format=json")
        assert values == [[step] * step for step in range(1, len(values) + 1)]
        return len(values)


class Metadata(Writer):
    """Other metadata, each state of which is kept as a revision."""

    def node(self) -> dict[str, Any]:
        return {"id": self.place, "metadata": {"n": 0, "same": 0}}

    def write(self, api: Asking, step: int) -> Any:
        return api("PUT", f"metadata/{self.place}", json={"metadata": {"n": step, "same": step}})

    def found(self, api: Asking) -> int:
        found = api.get(f"metadata/{self.place}")["data"]["attributes"]["metadata"]
        assert found["n"] == found["same"]
        assert api.get(f"revisions/{self.place}?page[limit]=0")["meta"]["count"] == found["n"]
        return int(found["n"])


class MadeAndDeleted(Writer):
    """An array is made, filled, and deleted; then the next one."""

    def node(self) -> dict[str, Any]:
        return {"id": self.place}

    def write(self, api: Asking, step: int) -> Any:
        number, stage = divmod(step - 1, 3)
        if stage == 0:
            node = array_node(f"x{number}", (2, 3), metadata={"n": number})
            return api("POST", f"metadata/{self.place}", json={**node, "specs": [{"name": "made"}]})
        if stage == 1:
            return api("PUT", f"array/full/{self.place}/x{number}", **elements(step, 2, 3))
        return api("DELETE", f"metadata/{self.place}/x{number}?external_only=false")

    def found(self, api: Asking) -> int:
        keys = api.keys(self.place)
        if not keys:
            return self.begun // 3 * 3  # as after all that was begun and makes no difference
        (key,) = keys
        number = int(key[1:])
        assert api.get(f"metadata/{self.place}/{key}")["data"]["attributes"]["metadata"] == {"n": number}
        (value,) = np.unique(api.get(f"array/full/{self.place}/{key}?format=json"))
        assert value in (0, number * 3 + 2)
        return number * 3 + (2 if value else 1)


ALL = (
    ReplacedArray, Blocks, ExtendedArray, AppendedTable, ReplacedTable, Partitions, ReplacedSparse, ExtendedRagged,
    Metadata, MadeAndDeleted,
)  # fmt: skip
