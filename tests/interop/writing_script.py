"""Types every line of `writing_lines.py` into the client of one of the two packages.

Run as `python writing_script.py PACKAGE KEY FILES ANSWERS URL OTHER`; the answers are written as JSON: for each group a
list of lines with what they gave. With `--peer` those lines are left out that only our server is asked; `--groups` says
which groups are typed. With `--read` nothing is written, and the answers are what others have written to the servers,
by URL and path. It runs in the environment of either client, so it imports nothing of the tests but what is beside it.
"""

from __future__ import annotations

import argparse
import asyncio
import datetime
import importlib
import json
from collections.abc import Iterator
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
from writing_differences import UNASKED, places
from writing_lines import WRITING
from writing_sources import Sources

KINDS = {key: node for key, node in content.KINDS.children.items() if key != "pets"}
VALUES = {
    "when": datetime.datetime(2026, 1, 2, 3, 4, 5),  # noqa: DTZ001 - as users write it, too
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


def sources_of(node: Any) -> Any:
    """The data sources, as objects."""
    return node.data_sources()


def manifest(node: Any) -> list[Any]:
    """Which files the assets of a node hold; None for an asset that is a file."""
    found = node.asset_manifest(node.data_sources()).values()
    return [None if names is None else sorted(names) for names in found]


def names(package_name: str, files: Path) -> dict[str, Any]:
    """What the lines may use, but for clients."""

    def module(name: str) -> Any:
        return importlib.import_module(f"{package_name}.{name}")

    def registered(node: Any, name: str, **options: Any) -> None:
        asyncio.run(module("client.register").register(node, files / name, **options))

    return {
        "q": module("queries"),
        "files": files,
        "content": content,
        "np": np, "pd": pd, "pa": pa, "ak": awkward, "da": dask.array, "dd": dask.dataframe, "ragged": ragged,
        "DELETE_KEY": module("client.metadata_update").DELETE_KEY,
        "MERGE": "application/merge-patch+json",
        "plain_kinds": KINDS,
        "kinds_of_columns": COLUMNS,
        "values": VALUES,
        "paths_of": module("client.utils").get_asset_filepaths,
        "write_xarray_dataset": module("client.xarray").write_xarray_dataset,
        "copy": module("client.sync").copy,
        **{function.__name__: function for function in (saved, named, raw, sourced, told, registered)},
        **{function.__name__: function for function in (sources_of, manifest)},
        **Sources(package_name, files).words(),
    }  # fmt: skip


def typed(known: dict[str, Any], groups: list[str], unasked: set[tuple[str, str]]) -> dict[str, list[Any]]:
    """What the lines give, typed in order; each group has a container of its own."""
    answers = {}
    for group in groups:
        known["w"] = known["c"].create_container(group.replace(" ", "_"))
        lines = [line.strip() for line in WRITING[group].splitlines() if line.strip()]
        answers[group] = [(line, answer(line, known)) for line in lines if (group, line) not in unasked]
    return answers


def leaves(node: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """All nodes with data at or below this one, and where."""
    if node.structure_family != "container":
        yield path, node
        return
    for key, child in getattr(node, "base", node).items():
        yield from leaves(child, f"{path}/{key}")


def readable(client: Any) -> dict[str, Any]:
    """What all nodes with data hold, by path."""
    return {path: answer("node.read()", {"node": node}) for path, node in leaves(client)}


def main() -> None:
    """Type every line, or read what was written."""
    parser = argparse.ArgumentParser()
    for name in ("package", "key"):
        parser.add_argument(name)
    for name in ("files", "answers"):
        parser.add_argument(name, type=Path)
    parser.add_argument("urls", nargs=2)
    for name in ("--peer", "--read"):
        parser.add_argument(name, action="store_true")
    parser.add_argument("--groups", type=lambda text: text.split(","), default=list(WRITING))
    arguments = parser.parse_args()
    connect = importlib.import_module(f"{arguments.package}.client").from_uri
    client, other = [connect(url, api_key=arguments.key) for url in arguments.urls]
    answers: dict[str, Any]
    if arguments.read:
        answers = {url: readable(root) for url, root in zip(arguments.urls, (client, other), strict=True)}
    else:
        known = names(arguments.package, arguments.files) | {"c": client, "other": other}
        answers = typed(known, arguments.groups, places(UNASKED) if arguments.peer else set())
    arguments.answers.write_text(json.dumps(answers), encoding="utf-8")


if __name__ == "__main__":
    main()
