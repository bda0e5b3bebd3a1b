"""Requests to servers of a catalog, by many threads at once, as programs without our client send them."""

from __future__ import annotations

import base64
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pyarrow as pa
from tiled_sql_catalog.tree import CatalogOptions, build_catalog

from tiledkernel.client import Context
from tiledkernel.composition import Composition
from tiledkernel.plugins import discover
from tiledkernel.server import build_app

KEY = "abc123"
ARROW = "application/vnd.apache.arrow.file"
BYTES = "application/octet-stream"
GROWING = "application/x-tiled-sql-table"
PLAIN = {"accept": "application/json", "accept-encoding": "identity"}
SCHEMA = pa.schema([("writer", pa.int64()), ("row", pa.int64())])


class Asking(ABC):
    """What can be asked of a catalog."""

    @abstractmethod
    def __call__(self, method: str, path: str, **options: Any) -> httpx.Response:
        """The response to a request below the API, whatever it is."""

    def get(self, path: str) -> Any:
        """What JSON says there."""
        response = self("GET", path)
        assert response.status_code == 200, (path, response.text)
        return response.json()

    def make(self, path: str = "", **node: Any) -> Any:
        """A new node; a container, unless its family is given."""
        response = self("POST", f"metadata/{path}", json={"structure_family": "container", **node})
        assert response.status_code == 200, response.text
        return response.json()

    def keys(self, path: str = "") -> list[str]:
        """The keys of all children."""
        found, page = [], f"search/{path}?fields=&page[limit]=300"
        while page:
            answer = self.get(page)
            found += [each["id"] for each in answer["data"]]
            following = answer["links"]["next"]
            page = following and f"{following.partition('/api/v1/')[2]}&fields="
        return found


class Api(Asking):
    """A server, asked by any number of threads."""

    def __init__(self, url: str) -> None:
        self._client = httpx.Client(
            base_url=f"{url}/api/v1/", headers=PLAIN | {"authorization": f"Apikey {KEY}"}, timeout=60, trust_env=False
        )

    def __call__(self, method: str, path: str, **options: Any) -> httpx.Response:
        return self._client.request(method, path, **options)

    def close(self) -> None:
        self._client.close()


class InProcess(Asking):
    """A catalog in a folder, served in this process; what surprises the server surfaces as itself."""

    def __init__(self, folder: Path) -> None:
        composition = Composition(discover())
        options = CatalogOptions(
            uri=str(folder / "catalog.db"),
            init_if_not_exists=True,
            writable_storage=[str(folder / "data"), f"sqlite:///{folder / 'tables.db'}"],
            readable_storage=[str(folder / "files")],
        )
        (folder / "files").mkdir()
        self.folder, self.data = folder, folder / "data"
        self.tree = build_catalog(options, composition)
        self.context = Context.from_app(build_app(self.tree, composition=composition), raise_server_exceptions=True)

    def __call__(self, method: str, path: str, **options: Any) -> httpx.Response:
        headers = PLAIN | options.pop("headers", {})
        return self.context.http_client.request(method, f"{self.context.api_uri}{path}", headers=headers, **options)

    def close(self) -> None:
        self.context.close()
        self.tree.close()


def array_node(key: str, shape: tuple[int, ...], chunks: Any = None, **more: Any) -> dict[str, Any]:
    """The description of a new array of 64-bit integers; in one chunk, unless others are given."""
    structure = {
        "data_type": {"endianness": "little", "kind": "i", "itemsize": 8, "dt_units": None},
        "chunks": chunks or [[length] for length in shape],
        "shape": list(shape),
    }
    source = {"structure_family": "array", "structure": structure}
    return {"structure_family": "array", "id": key, "data_sources": [source], **more}


def table_node(key: str, mimetype: str | None = None, npartitions: int = 1) -> dict[str, Any]:
    """The description of a new table with the columns of `SCHEMA`."""
    schema = base64.b64encode(SCHEMA.serialize().to_pybytes()).decode()
    structure = {
        "arrow_schema": f"data:{ARROW};base64,{schema}", "npartitions": npartitions, "columns": SCHEMA.names,
    }  # fmt: skip
    source = {"structure_family": "table", "structure": structure, "mimetype": mimetype}
    return {"structure_family": "table", "id": key, "data_sources": [source]}


def elements(value: int, *shape: int) -> dict[str, Any]:
    """A body of elements that are all the same."""
    return {"content": np.full(shape, value, "<i8").tobytes(), "headers": {"content-type": BYTES}}


def rows(writer: int, first: int, count: int) -> dict[str, Any]:
    """A body of rows that tell who wrote them."""
    table = pa.table({"writer": [writer] * count, "row": range(first, first + count)}, schema=SCHEMA)
    sink = pa.BufferOutputStream()
    with pa.ipc.new_file(sink, SCHEMA) as file:
        file.write_table(table)
    return {"content": sink.getvalue().to_pybytes(), "headers": {"content-type": ARROW}}


def together(*actions: Callable[[], Any]) -> list[Any]:
    """What actions return that begin at the same moment, each in a thread."""
    gate = threading.Barrier(len(actions))

    def run(action: Callable[[], Any]) -> Any:
        gate.wait(30)
        return action()

    with ThreadPoolExecutor(len(actions)) as pool:
        return list(pool.map(run, actions))


def named_data(api: Asking) -> Iterator[str]:
    """The names, in the folder for uploads, of the data of all nodes at any depth."""
    page = "search-deep/?include_data_sources=true&page[limit]=300"
    while page:
        answer = api.get(page)
        for node in answer["data"]:
            for source in node["attributes"]["data_sources"] or ():
                for asset in source["assets"]:
                    if place := asset["data_uri"].partition("/data/")[2]:  # it is not in a database
                        yield place.split("/")[1]
        page = (answer["links"]["next"] or "").partition("/api/v1/")[2]
        page = page and f"{page}&include_data_sources=true"


def kept_data(folder: Path) -> set[str]:
    """The names of all data in the folder for uploads."""
    return {path.name for path in folder.glob("??/*")}
