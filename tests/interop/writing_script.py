"""Types every line of `writing_lines.py` into the client of one of the two packages.

Run as `python writing_script.py PACKAGE URL KEY FILES ANSWERS`; the answers are written as JSON, one entry a line, by
group. It runs in the environment of either client, so it imports nothing of the tests but what is beside it.
"""

from __future__ import annotations

import argparse
import asyncio
import datetime
import importlib
import json
import sys
import time
from pathlib import Path
from typing import Any

import awkward
import content
import dask.array
import dask.dataframe
import numpy as np
import pandas as pd
import pyarrow as pa
import ragged
from script import answer, named, raw, saved, sourced, told
from writing_lines import WRITING

KINDS = {key: node for key, node in content.KINDS.children.items() if key != "pets"}
VALUES = {
    "when": datetime.datetime(2026, 1, 2, 3, 4, 5),
    "aware": datetime.datetime(2026, 1, 2, tzinfo=datetime.UTC),
    "day": datetime.date(2026, 1, 2),
    "array": np.arange(3),
    "number": np.float32(1.5),
    "bytes": b"abc",
    "nan": float("nan"),
    "tuple": (1, 2),
    "text": "grün",
}
COLUMNS = pd.DataFrame(
    {
        "i1": np.array([1, -1], "i1"),
        "u8": np.array([0, 2**63], "u8"),
        "f4": np.array([0.5, np.nan], "f4"),
        "flag": [True, False],
        "text": ["a", None],
        "when": pd.to_datetime(["2026-01-01", None]),
        "zone": pd.to_datetime(["2026-01-01", "2026-06-01"]).tz_localize("Europe/Berlin"),
        "span": pd.to_timedelta([1, 2], unit="s"),
        "raw": [b"x", b"yz"],
    }
)


def names(package_name: str, url: str, key: str, files: str) -> dict[str, Any]:
    """What the lines may use, but for `w`."""
    package = importlib.import_module(f"{package_name}.client")
    words = {name: importlib.import_module(f"{package_name}.{name}") for name in ("queries",)}
    register = importlib.import_module(f"{package_name}.client.register").register
    client = package.from_uri(url, api_key=key)

    def registered(node: Any, name: str, **options: Any) -> None:
        asyncio.run(register(node, Path(files) / name, **options))

    def sources_of(node: Any) -> Any:
        return node.data_sources()

    known = {
        "c": client,
        "files": files,
        "content": content,
        "np": np, "pd": pd, "pa": pa, "ak": awkward, "da": dask.array, "dd": dask.dataframe, "ragged": ragged,
        "q": words["queries"],
        "DELETE_KEY": importlib.import_module(f"{package_name}.client.metadata_update").DELETE_KEY,
        "MERGE": "application/merge-patch+json",
        "plain_kinds": KINDS,
        "kinds_of_columns": COLUMNS,
        "values": VALUES,
        "paths_of": importlib.import_module(f"{package_name}.client.utils").get_asset_filepaths,
        "write_xarray_dataset": importlib.import_module(f"{package_name}.client.xarray").write_xarray_dataset,
        "copy": importlib.import_module(f"{package_name}.client.sync").copy,
        **{function.__name__: function for function in (saved, named, raw, sourced, told, registered, sources_of)},
    }  # fmt: skip
    return known | structures(package_name)


def structures(package_name: str) -> dict[str, Any]:
    """The words in which structures are described, which have different places in the packages."""
    if package_name == "tiled":
        from tiled.structures.array import ArrayStructure, BuiltinDtype
        from tiled.structures.core import Spec
        from tiled.structures.data_source import DataSource
        from tiled.structures.sparse import COOStructure as SparseStructure

        described = BuiltinDtype.from_numpy_dtype
    else:
        from tiled_sparse.structure import SparseStructure

        from tiledkernel.client.data_sources import DataSource
        from tiledkernel.families.array.dtypes import from_numpy as described
        from tiledkernel.families.array.structure import ArrayStructure
        from tiledkernel.specs import Spec

    def array_structure(shape: Any, dtype: str) -> Any:
        chunks = tuple((length,) for length in shape)
        return ArrayStructure(shape=shape, chunks=chunks, data_type=described(np.dtype(dtype)))

    def sparse_structure(shape: Any, chunks: Any) -> Any:
        return SparseStructure(shape=shape, chunks=chunks, data_type=described(np.dtype(float)))

    def reserved(family: str, structure: Any, mimetype: str | None = None) -> Any:
        return DataSource(structure_family=family, structure=structure, mimetype=mimetype, management="writable")

    return {
        "Spec": Spec,
        "reserved": reserved,
        "array_structure": array_structure,
        "sparse_structure": sparse_structure,
    }


def main() -> None:
    """Type every line."""
    parser = argparse.ArgumentParser()
    for name in ("package", "url", "key", "files"):
        parser.add_argument(name)
    parser.add_argument("answers", type=Path)
    parser.add_argument("groups", nargs="*")
    arguments = parser.parse_args()
    known = names(arguments.package, arguments.url, arguments.key, arguments.files)
    own = known["c"].create_container(metadata={"by": arguments.package})
    answers: dict[str, dict[str, Any]] = {}
    for group, block in WRITING.items():
        if arguments.groups and group not in arguments.groups:
            continue
        known["w"] = own.create_container(group.replace(" ", "_"))
        began = time.perf_counter()
        answers[group] = {line: answer(line, known) for line in map(str.strip, block.splitlines()) if line}
        print(f"{group}: {time.perf_counter() - began:.2f} s", file=sys.stderr)
    arguments.answers.write_text(json.dumps(answers), encoding="utf-8")


if __name__ == "__main__":
    main()
