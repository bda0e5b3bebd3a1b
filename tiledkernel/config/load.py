"""Flags over environment over files over defaults: one configuration, with the places its values come from."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
from msgspec import UNSET, Struct

from tiledkernel.config.decode import decode_configuration
from tiledkernel.config.document import Document, KeyPath
from tiledkernel.config.environment import CONFIG, apply_environment
from tiledkernel.config.files import read_files
from tiledkernel.config.model import Configuration
from tiledkernel.settings import Settings

logger = logging.getLogger(__name__)

DEFAULT_PATH = "config.yml"


class Loaded(Struct, frozen=True, kw_only=True):
    """A configuration, the document it was made of (for messages), and the directory that its modules may lie in."""

    configuration: Configuration
    document: Document
    directory: Path | None = None


class Flag(Struct, frozen=True):
    """A value from the command line, with the flag to blame if it is wrong."""

    path: KeyPath
    value: Any
    name: str


def configuration_path(given: Path | str | None = None, environ: Mapping[str, str] | None = None) -> Path:
    """Where the configuration is: as given, or as TILED_CONFIG says, or ./config.yml."""
    environ = os.environ if environ is None else environ
    return Path(given or environ.get(CONFIG) or DEFAULT_PATH)


def load(
    source: Path | str | Mapping[str, Any] | None = None,
    *,
    flags: tuple[Flag, ...] = (),
    environ: Mapping[str, str] | None = None,
    origin: str = "configuration",
) -> Loaded:
    """Read, override and check; without a source there are only flags, environment and defaults.

    `origin` is what messages call a source that is no file.
    """
    environ = os.environ if environ is None else environ
    directory: Path | None = None
    if source is None:
        document = Document()
    elif isinstance(source, Mapping):
        document = Document(data=_plain(source), origins={(): origin})
    else:
        path = Path(source)
        document = read_files(path, environ)
        directory = (path if path.is_dir() else path.parent).resolve()
    apply_environment(document, environ)
    for flag in flags:
        document.put(flag.path, flag.value, flag.name)
    configuration = decode_configuration(document)
    if configuration.object_cache is not UNSET:
        logger.warning("%s: object_cache: this key is obsolete and ignored", document.origin(("object_cache",)))
    return Loaded(configuration=configuration, document=document, directory=directory)


def settings_of(configuration: Configuration) -> Settings:
    """What the server is told of a configuration, apart from what it serves."""
    return Settings(
        allow_anonymous_access=configuration.authentication.allow_anonymous_access,
        single_user_api_key=configuration.authentication.single_user_api_key,
        allow_origins=tuple(configuration.allow_origins),
        response_bytesize_limit=configuration.response_bytesize_limit,
        exact_count_limit=configuration.exact_count_limit,
        expose_raw_assets=configuration.expose_raw_assets,
        root_path=normal_root_path(configuration.uvicorn.root_path),
        root_url=configuration.root_url.rstrip("/") if configuration.root_url else None,
        trusted_hosts=tuple(configuration.trusted_hosts),
        file_extensions={name.removeprefix("."): media for name, media in configuration.file_extensions.items()},
    )


def normal_root_path(path: str) -> str:
    """'/x' from 'x', 'x/' or '/x/'; empty for the root."""
    inner = path.strip("/")
    return f"/{inner}" if inner else ""


@contextmanager
def modules_beside(directory: Path | None) -> Iterator[None]:
    """Let `module:object` values name modules that lie beside the configuration."""
    if directory is None:
        yield
        return
    entry = str(directory)
    sys.path.insert(0, entry)
    try:
        yield
    finally:
        sys.path.remove(entry)


def _plain(source: Mapping[str, Any]) -> dict[str, Any]:
    """A copy that overrides may change, of plain values only."""
    copied: dict[str, Any] = msgspec.to_builtins(
        dict(source), builtin_types=(bytes, bytearray), enc_hook=lambda value: value
    )
    return copied
