"""From a profile to what a connection takes: objects instead of text, and a server if the profile brings its own."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from tiledkernel import references
from tiledkernel.client.cache import Cache
from tiledkernel.client.classes import StructureClients
from tiledkernel.client.light_httpx import httpx
from tiledkernel.client.profiles.errors import ProfileError, ProfileWarning
from tiledkernel.client.profiles.model import OBSOLETE, CacheSettings, Profile
from tiledkernel.client.profiles.reading import Written, read_profiles
from tiledkernel.config.document import InvalidConfiguration, Problem
from tiledkernel.errors import ConfigurationError
from tiledkernel.references import modules_beside

_AS_WRITTEN = ("api_key", "headers", "max_connections", "verify")


class Resolved(Struct, frozen=True):
    """What to connect to, a URI or an application in this process; with which classes and settings."""

    target: Any
    structure_clients: StructureClients
    settings: dict[str, Any]


def resolve(name: str, structure_clients: StructureClients | None, overrides: dict[str, Any]) -> Resolved:
    """What the profile of a name says at this moment, under `structure_clients` and settings that win over it."""
    profiles = read_profiles()  # who mends a profile in a running session need not start another
    written = profiles.written(name)
    for problem in profiles.problems:
        warnings.warn(problem, ProfileWarning, stacklevel=3)
    profile = written.checked()
    for key in OBSOLETE:
        if getattr(profile, key) is not None:
            ignored = Problem(written.document.origin((name, key)), (name, key), "has no effect any more; ignored")
            warnings.warn(str(ignored), ProfileWarning, stacklevel=3)
    chosen = _classes(written, profile) if structure_clients is None else structure_clients
    settings = {**_settings(written, profile), **overrides}
    if profile.uri is None:
        return Resolved(_application(written), chosen, settings)
    keyless = overrides.get("api_key") is not None
    return Resolved(_without_key(profile.uri) if keyless else profile.uri, chosen, settings)


def _without_key(uri: str) -> str:
    return str(httpx.URL(uri).copy_remove_param("api_key"))


def _settings(written: Written, profile: Profile) -> dict[str, Any]:
    """What the profile says of the connection, as `from_uri` takes it; what it does not say is left to `from_uri`."""
    settings: dict[str, Any] = {key: getattr(profile, key) for key in _AS_WRITTEN if key in written.content}
    if profile.timeout is not None:
        settings["timeout"] = httpx.Timeout(**msgspec.structs.asdict(profile.timeout))
    if profile.cache is not None:
        settings["cache"] = _cache(written, profile.cache)
    if profile.token_cache is not None:
        settings["token_cache"] = _path(profile.token_cache)
    return settings


def _cache(written: Written, given: CacheSettings) -> Cache:
    key = (written.name, "cache")
    try:
        return Cache(**{**msgspec.structs.asdict(given), "filepath": _path(given.filepath)})
    except (OSError, RuntimeError, ValueError) as error:
        raise ProfileError(str(Problem(written.document.origin(key), key, str(error)))) from error


def _path(text: str | None) -> Path | None:
    return None if text is None else Path(text).expanduser()


def _classes(written: Written, profile: Profile) -> StructureClients:
    """The classes, loaded now, while the modules beside the profile can be found."""
    if isinstance(profile.structure_clients, str):
        return profile.structure_clients
    with modules_beside(written.file.parent.resolve()):
        return {kind: _class(written, kind, text) for kind, text in profile.structure_clients.items()}


def _class(written: Written, kind: str, reference: str) -> Callable[..., Any]:
    # Profiles are shared with Tiled, which calls the modules of its own classes so.
    ours = f"tiledkernel.{reference.removeprefix('tiled.')}" if reference.startswith("tiled.") else reference
    key = (written.name, "structure_clients", kind)
    try:
        found = references.load(ours)
    except ConfigurationError as error:
        raise ProfileError(str(Problem(written.document.origin(key), key, str(error)))) from error
    except Exception as error:  # a module may raise anything
        message = f"{reference!r} cannot be imported: {type(error).__name__}: {error}"
        raise ProfileError(str(Problem(written.document.origin(key), key, message))) from error
    if not callable(found):
        message = f"{reference!r} is no class, but of type {type(found).__name__}"
        raise ProfileError(str(Problem(written.document.origin(key), key, message)))
    called: Callable[..., Any] = found
    return called


def _application(written: Written) -> Any:
    """The application of a profile that brings its own server; only here does a client load the server's code."""
    within = (written.name, "direct")
    load = references.load("tiledkernel.config.load:load")
    build = references.load("tiledkernel.server.from_config:build_app_from_config")
    try:
        return build(load(written.document.part(within), directory=written.file.parent.resolve()))
    except InvalidConfiguration as error:
        told = [Problem(problem.origin, (*within, *problem.path), problem.message) for problem in error.problems]
        raise ProfileError("\n".join(map(str, told))) from error
