"""Asks a server, with the client of one of the two packages, every line of `lines.py`.

Run as `python script.py PACKAGE URL ANSWERS UNASKED...`; the answers are written as JSON, one entry a line, but for
those that are not to be asked. With `--register FOLDER` files are registered first. It runs in the environment of
either client, so it imports nothing of the tests but `lines`, which is beside it.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import importlib
import io
import json
import re
import tempfile
import zlib
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
from lines import CLEAR, OURS, REGISTERED, SHARED

RANDOM = re.compile("[0-9a-f]{32}")


def plain(value: Any) -> Any:  # noqa: PLR0911 - one line for each kind of answer
    """A value that two processes can compare."""
    if isinstance(value, np.ndarray | np.generic):
        array = np.asarray(value)
        dtype = np.lib.format.dtype_to_descr(array.dtype)
        return {"shape": list(array.shape), "dtype": dtype, "values": repr(array.tolist())}
    if hasattr(value, "data_vars"):  # a Dataset
        variables = {str(name): [list(found.dims), plain(found.to_numpy())] for name, found in value.variables.items()}
        return {"variables": variables, "coords": sorted(map(str, value.coords)), "attrs": plain(value.attrs)}
    if hasattr(value, "to_dict") and hasattr(value, "columns"):  # a DataFrame
        return {str(name): [str(item) for item in value[name]] for name in value.columns}
    if hasattr(value, "todense") and hasattr(value, "coords"):  # a sparse array
        return {"sparse": plain(value.todense()), "stored": int(value.nnz)}
    if isinstance(value, dict):
        return {str(key): plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [plain(inner) for inner in value]
    if isinstance(value, bytes):
        return {"size": len(value), "checksum": zlib.crc32(value)} if len(value) > 100 else repr(value)
    if hasattr(value, "to_list"):  # an awkward array
        return {"awkward": repr(value.to_list()), "type": str(getattr(value, "type", ""))}
    if type(value).__name__ == "array":  # a ragged one
        return {"ragged": repr(value.tolist()), "dtype": str(value.dtype)}
    return value if isinstance(value, str | int | float | bool | None) else repr(value)


def saved(export: Callable[..., Any], *chosen: Any, **options: Any) -> bytes:
    """What an export writes into a buffer."""
    buffer = io.BytesIO()
    export(buffer, *chosen, **options)
    return buffer.getvalue()


def named(export: Callable[..., Any], name: str, **options: Any) -> bytes:
    """What an export writes into a file, whose name says the format."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        export(str(path), **options)
        return path.read_bytes()


def raw(node: Any) -> Any:
    """The files behind a node, as they are downloaded."""
    with tempfile.TemporaryDirectory() as folder:
        paths = node.raw_export(folder)
        return sorted((Path(path).name, zlib.crc32(Path(path).read_bytes())) for path in paths)


def named_alike(uri: str) -> str:
    """The name of a file, without what is random in it."""
    return RANDOM.sub("<random>", uri.rpartition("/")[2])


def sourced(node: Any) -> Any:
    """Where the data of a node rest, but for where on the disk that is, and the numbers that a database gives."""
    return [
        {
            "family": str(getattr(source.structure_family, "value", source.structure_family)),
            "mimetype": source.mimetype,
            "management": str(getattr(source.management, "value", source.management)),
            "assets": [
                [named_alike(asset.data_uri), asset.is_directory, asset.parameter, asset.num] for asset in source.assets
            ],
        }
        for source in node.data_sources()
    ]


def told(found: Iterable[Any]) -> list[str]:
    """What an iterable holds, each as text."""
    return ["/".join(item) if isinstance(item, tuple) else str(item) for item in found]


def names(package_name: str, url: str) -> dict[str, Any]:
    """What the lines may use."""
    package = importlib.import_module(f"{package_name}.client")
    client = package.from_uri(url)

    def drawn(node: Any, **options: Any) -> str:
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            package.tree(node, **options)
        return printed.getvalue()

    return {
        "c": client,
        "t": client["tree"],
        "files": client["files"],
        "q": importlib.import_module(f"{package_name}.queries"),
        "paths_of": importlib.import_module(f"{package_name}.client.utils").get_asset_filepaths,
        "np": np,
        **{function.__name__: function for function in (drawn, saved, named, raw, sourced, told)},
    }


def answer(line: str, known: dict[str, Any]) -> Any:
    """What a line gives, or which kind of error it raises; with the error's own words beside it."""
    try:
        return {"is": plain(eval(line, dict(known)))}
    except Exception as error:  # noqa: BLE001 - its kind is what is compared
        kinds = [kind.__name__ for kind in type(error).__mro__]
        return {"raises": next((kind for kind in kinds if kind in CLEAR), kinds[0]), "says": str(error)[:500]}


def main() -> None:
    """Ask every line."""
    parser = argparse.ArgumentParser()
    parser.add_argument("package")
    parser.add_argument("url")
    parser.add_argument("answers", type=Path)
    parser.add_argument("unasked", nargs="*")
    parser.add_argument("--register", type=Path)
    parser.add_argument("--key")
    arguments = parser.parse_args()
    if arguments.register is not None:
        registering = importlib.import_module(f"{arguments.package}.client.register")
        client = importlib.import_module(f"{arguments.package}.client").from_uri(arguments.url, api_key=arguments.key)
        asyncio.run(registering.register(client["files"], arguments.register))
        print(REGISTERED, flush=True)  # noqa: T201 - so that others who wait for the files can begin
    known = names(arguments.package, arguments.url)
    groups = SHARED | (OURS if "demo" in known["c"] else {})
    lines = [line.strip() for group in groups.values() for line in group.splitlines() if line.strip()]
    answers = {line: answer(line, known) for line in lines if line not in arguments.unasked}
    arguments.answers.write_text(json.dumps(answers), encoding="utf-8")


if __name__ == "__main__":
    main()
