"""From a configuration to an application."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from msgspec import structs

from tiledkernel import references
from tiledkernel.config.compose import compose
from tiledkernel.config.declared import declared_specs
from tiledkernel.config.load import Loaded, load, settings_of
from tiledkernel.config.mounts import build_mounts, plan_mounts
from tiledkernel.config.security import build_accounts, build_policy
from tiledkernel.references import modules_beside
from tiledkernel.server.app import Application, build_app


def build_app_from_config(source: Path | str | Mapping[str, Any] | Loaded, *, third_party: bool = True) -> Application:
    """The application that a configuration describes: a file, a directory of files, or a mapping like their content.

    Environment variables override what files and mappings say, as `tiledkernel.config.environment` tells.
    ConfigurationError lists everything that is wrong.
    """
    loaded = _loaded(source)
    with modules_beside(loaded.directory):
        composition = compose(loaded, third_party=third_party)
        specs = declared_specs(loaded)
        accounts = build_accounts(loaded, composition)
        policy = build_policy(loaded, composition)
        trees = build_mounts(plan_mounts(loaded, composition))
    settings = structs.replace(settings_of(loaded.configuration), specs=specs)
    return build_app(trees, settings=settings, composition=composition, accounts=accounts, policy=policy)


def _loaded(source: Path | str | Mapping[str, Any] | Loaded) -> Loaded:
    if isinstance(source, Loaded):
        return source
    if isinstance(source, Mapping):
        return load(source)
    loaded: Loaded = references.load("tiledkernel.config.files:load_files")(source)  # which imports YAML
    return loaded
