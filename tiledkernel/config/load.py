"""Flags over environment over files over defaults: one configuration, with the places its values come from.

Files are read elsewhere, so that serving without one does not import YAML.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
from msgspec import UNSET, Struct

from tiledkernel.config.decode import decode
from tiledkernel.config.document import COMMAND_LINE, Document, InvalidConfiguration, KeyPath
from tiledkernel.config.elsewhere import ELSEWHERE, elsewhere
from tiledkernel.config.environment import apply_environment
from tiledkernel.config.model import Configuration
from tiledkernel.settings import Settings

logger = logging.getLogger(__name__)


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


def load(
    source: Mapping[str, Any] | Document,
    *,
    flags: tuple[Flag, ...] = (),
    environ: Mapping[str, str] | None = None,
    directory: Path | None = None,
) -> Loaded:
    """Override what `source` says with environment and flags, and check the result; files are read by `load_files`."""
    document = source if isinstance(source, Document) else Document(data=_plain(source))
    apply_environment(document, os.environ if environ is None else environ)
    for flag in flags:
        document.put(flag.path, flag.value, flag.name)
    configuration = decode_configuration(document)
    if configuration.object_cache is not UNSET:
        logger.warning("%s: object_cache: this key is obsolete and ignored", document.origin(("object_cache",)))
    return Loaded(configuration=configuration, document=document, directory=directory)


def load_command_line(trees: list[dict[str, Any]], flags: tuple[Flag, ...]) -> Loaded:
    """The configuration of a command that names what to serve itself; messages do not speak of keys."""
    return load(Document(data={"trees": trees}, origins={(): COMMAND_LINE}), flags=flags)


def settings_of(configuration: Configuration) -> Settings:
    """What the server is told of a configuration, apart from what it serves and the specs that it declares."""
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
        reject_undeclared_specs=configuration.reject_undeclared_specs,
    )


def normal_root_path(path: str) -> str:
    """'/x' from 'x', 'x/' or '/x/'; empty for the root."""
    inner = path.strip("/")
    return f"/{inner}" if inner else ""


def decode_configuration(document: Document) -> Configuration:
    """The checked configuration; InvalidConfiguration lists every problem."""
    problems = list(elsewhere(document))
    try:
        configuration = decode(document, Configuration, (), skip=frozenset(ELSEWHERE))
    except InvalidConfiguration as error:
        raise InvalidConfiguration([*problems, *error.problems]) from None
    if problems:
        raise InvalidConfiguration(problems)
    return configuration


def _plain(source: Mapping[str, Any]) -> dict[str, Any]:
    """A copy that overrides may change, of plain values only."""
    copied: dict[str, Any] = msgspec.to_builtins(
        dict(source), builtin_types=(bytes, bytearray), enc_hook=lambda value: value
    )
    return copied
