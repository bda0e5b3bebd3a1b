"""Change nested metadata: what is named changes, all else stays."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, final

from tiledkernel.client.json_values import as_json


@final
class _DeleteKey:
    """There is one of it, also after copying and pickling."""

    def __repr__(self) -> str:
        return "DELETE_KEY"

    def __reduce__(self) -> str:
        return "DELETE_KEY"


DELETE_KEY: Final = _DeleteKey()
"""The value that removes a key: `node.update_metadata({"sample": {"note": DELETE_KEY}})`."""


def updated(metadata: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Metadata with changes, like a `dict.update` that also goes into nested dictionaries.

    ValueError if the changes are no mapping, TypeError if they cannot be stored.
    """
    if not isinstance(changes, Mapping):
        raise ValueError(  # noqa: TRY004 - as users know it
            f"changes of metadata are a mapping such as {{'color': 'blue'}}, not {changes!r:.80}, "
            f"a {type(changes).__name__}"
        )
    try:
        return _updated(metadata, changes, "metadata")
    except RecursionError:
        raise ValueError("metadata are nested too deeply, or contain themselves") from None


def _updated(metadata: Mapping[str, Any], changes: Mapping[str, Any], where: str) -> dict[str, Any]:
    found = dict(metadata)
    for name, value in changes.items():
        key, inner = str(name), f"{where}[{name!r}]"
        if value is DELETE_KEY:
            found.pop(key, None)
        elif isinstance(value, Mapping):
            before = found.get(key)
            found[key] = _updated(before if isinstance(before, Mapping) else {}, value, inner)
        else:
            found[key] = as_json(value, inner)
    return found
