"""What a configuration says about rules with tags."""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import Meta, Struct


class TagOptions(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Either a `file` or `definitions`."""

    file: Annotated[
        str | None,
        Meta(description="the YAML file of the rules, seen from the configuration; it is watched"),
    ] = None
    definitions: Annotated[dict[str, Any] | None, Meta(description="the rules themselves, instead of a file")] = None
    provider: Annotated[
        str | None, Meta(description="the way to log in whose ids are the names of users; none: whichever it was")
    ] = None
    scopes: Annotated[list[str] | None, Meta(description="nobody but administrators gets other scopes than these")] = (
        None
    )
    access_tags_parser: Annotated[
        Any, Meta(description="of Tiled, which compiles rules into a database; here `file` names them")
    ] = None
    tags_db: Annotated[Any, Meta(description="of Tiled, which compiles rules into a database; see `file`")] = None
