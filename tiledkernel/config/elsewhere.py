"""Keys of Tiled's configuration whose work is done by something else here: never ignored, always explained."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tiledkernel.config.document import Document, KeyPath, Problem

ELSEWHERE: dict[KeyPath, str] = {
    ("media_types",): (
        "formats come with plugins (`register_serializers`), such as tiled-exporters; "
        "for one function, a module with that hook and an entry point is enough"
    ),
    ("metrics",): "metrics come with a plugin that adds routes (`register_routers`), which is not part of this server",
    ("routers",): "extra routes come with plugins (`register_routers`), so that each declares the scopes it needs",
    ("streaming_cache",): "live updates come with a plugin, which is not part of this server",
    ("webhooks",): "webhooks come with a plugin, which is not part of this server",
}


def elsewhere(document: Document) -> Iterator[Problem]:
    """A problem for each key that has no place here."""
    for path, reason in ELSEWHERE.items():
        around: Any = document.at(path[:-1])
        if isinstance(around, dict) and path[-1] in around:
            yield Problem(document.origin(path), path, f"not supported by this server: {reason}")
