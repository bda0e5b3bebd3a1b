"""One YAML file, or a directory of them that are merged: together they are one configuration."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from tiledkernel.config.document import Document, InvalidConfiguration, Problem
from tiledkernel.config.environment import CONFIG
from tiledkernel.config.load import Flag, Loaded, load
from tiledkernel.config.yaml_file import read_yaml

DEFAULT_PATH = "config.yml"

# Several files may each contribute entries to these; any other key belongs to one file.
CONCATENATED = frozenset({"allow_origins", "specs", "trees"})


def configuration_path(given: Path | str | None = None, environ: Mapping[str, str] | None = None) -> Path:
    """Where the configuration is: as given, or as TILED_CONFIG says, or ./config.yml."""
    environ = os.environ if environ is None else environ
    return Path(given or environ.get(CONFIG) or DEFAULT_PATH)


def load_files(path: Path | str, *, flags: tuple[Flag, ...] = (), environ: Mapping[str, str] | None = None) -> Loaded:
    """The configuration in a file or directory, overridden by environment and flags, and checked."""
    path = Path(path)
    directory = (path if path.is_dir() else path.parent).resolve()
    return load(read_files(path, environ), flags=flags, environ=environ, directory=directory)


def read_files(path: Path, environ: Mapping[str, str] | None = None) -> Document:
    """The document in `path`, or merged from the `.yml` and `.yaml` files of that directory."""
    if not path.exists():
        raise InvalidConfiguration(
            [Problem(str(path), (), "no such file or directory; give its path, or set TILED_CONFIG")]
        )
    if not path.is_dir():
        return read_yaml(path, environ)
    files = sorted(
        file for file in path.iterdir() if file.suffix in {".yml", ".yaml"} and not file.name.startswith(".")
    )
    if not files:
        raise InvalidConfiguration([Problem(str(path), (), "this directory holds no .yml or .yaml file")])
    merged = Document(origins={(): str(path)})
    problems: list[Problem] = []
    for file in files:
        _merge(merged, read_yaml(file, environ), problems)
    if problems:
        raise InvalidConfiguration(problems)
    return merged


def _merge(merged: Document, added: Document, problems: list[Problem]) -> None:
    for key, value in added.data.items():
        there = merged.data.get(key)
        if key not in merged.data:
            merged.data[key] = value
            _note(merged, added, key, 0)
        elif key in CONCATENATED and isinstance(there, list) and isinstance(value, list):
            _note(merged, added, key, len(there))
            merged.data[key] = [*there, *value]
        else:
            first = merged.origin((key,))
            problems.append(
                Problem(
                    added.origin((key,)),
                    (key,),
                    f"this key is also in {first}: a key belongs to one file of a directory",
                )
            )


def _note(merged: Document, added: Document, key: str, shift: int) -> None:
    """Take over where the values below `key` were written; entries of a list move by `shift`."""

    def moved(path: tuple[str | int, ...]) -> tuple[str | int, ...]:
        if shift and len(path) > 1 and isinstance(path[1], int):
            return (path[0], path[1] + shift, *path[2:])
        return path

    below = [path for path in added.origins if path and path[0] == key]
    merged.origins.update({moved(path): added.origins[path] for path in below if len(path) > 1 or not shift})
    merged.from_text.update(moved(path) for path in added.from_text if path[0] == key)
    merged.unset.update({moved(path): name for path, name in added.unset.items() if path[0] == key})
