"""Environment variables that override the configuration: `TILED_<KEY>` and `TILED_<SECTION>_<KEY>`.

They are derived from the model; the keys of `catalog`, which a plugin knows, from the names of the variables. Sections
and keys that Tiled does not have are spelt `TILEDKERNEL_...`. Lists and mappings are written as JSON.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import inspect

from tiledkernel.config.document import Document, KeyPath
from tiledkernel.config.model import Configuration
from tiledkernel.config.shapes import Shape

CONFIG = "TILED_CONFIG"
OURS = frozenset({"plugins", "trusted_hosts", "root_url"})
CATALOG = "TILED_CATALOG_"
NOT_FROM_ENVIRONMENT = frozenset({"trees", "catalog", "object_cache"})

# The names that everyone uses leave the section out; two are uvicorn's own.
SHORT: dict[str, KeyPath] = {
    "TILED_SINGLE_USER_API_KEY": ("authentication", "single_user_api_key"),
    "TILED_ALLOW_ANONYMOUS_ACCESS": ("authentication", "allow_anonymous_access"),
    "TILED_SECRET_KEYS": ("authentication", "secret_keys"),
    "TILED_ACCESS_TOKEN_MAX_AGE": ("authentication", "access_token_max_age"),
    "TILED_REFRESH_TOKEN_MAX_AGE": ("authentication", "refresh_token_max_age"),
    "TILED_SESSION_MAX_AGE": ("authentication", "session_max_age"),
    "WEB_CONCURRENCY": ("uvicorn", "workers"),
    "FORWARDED_ALLOW_IPS": ("uvicorn", "forwarded_allow_ips"),
}


def variables() -> dict[str, KeyPath]:
    """Every variable with the key that it overrides; short names come last and so win over long ones."""
    found: dict[str, KeyPath] = {}
    root = Shape.of(Configuration)
    for key in root.keys() or ():
        section = root.below(key)
        if section is None or key in NOT_FROM_ENVIRONMENT:
            continue
        prefix = "TILEDKERNEL" if key in OURS else "TILED"
        if isinstance(section.type, inspect.StructType):
            found.update({f"{prefix}_{key}_{inner}".upper(): (key, inner) for inner in section.keys() or ()})
        else:
            found[f"{prefix}_{key}".upper()] = (key,)
    return found | SHORT


def catalog_variables(environ: Mapping[str, str]) -> dict[str, KeyPath]:
    """Every variable that is set and stands for a key of `catalog`."""
    of_the_model = variables()
    names = sorted(name for name in environ if name.startswith(CATALOG) and name not in of_the_model)
    return {name: ("catalog", name.removeprefix(CATALOG).lower()) for name in names}


def apply_environment(document: Document, environ: Mapping[str, str]) -> None:
    """Put what the environment says over what the file says.

    What it says of the catalog is about the one at the top: where `trees` are served, it is not meant.
    """
    found = variables()
    if "trees" not in document.data:
        found |= catalog_variables(environ)
    for name, path in found.items():
        if name in environ:
            document.put(path, environ[name], f"environment variable {name}", text=True)
