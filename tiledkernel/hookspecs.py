"""Every question that the kernel asks its plugins.

A plugin is a module that an entry point in the group `tiledkernel` names and that marks functions with
`tiledkernel.hookimpl`. Each hook is asked once, when a server is composed; what it returns are the frozen records of
`tiledkernel.records`. A hook must be cheap: heavy modules are named by `"module:object"` strings and are
imported when they are first needed.
"""

from __future__ import annotations

from collections.abc import Iterable

import pluggy

from tiledkernel.records import (
    AccountKeeper,
    Adopter,
    Authenticator,
    Command,
    Compressor,
    Conversion,
    Family,
    PolicyKind,
    QueryType,
    Reader,
    Router,
    Serializer,
    Storage,
    TreeKind,
    Validator,
)

PROJECT = "tiledkernel"
GROUP = "tiledkernel"

hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


@hookspec
def register_families() -> Iterable[Family]:
    """Structure families: their description on the wire, routes, links and live objects."""
    raise NotImplementedError


@hookspec
def register_adopters() -> Iterable[Adopter]:
    """Live objects that become nodes of families that there are already."""
    raise NotImplementedError


@hookspec
def register_readers() -> Iterable[Reader]:
    """Readers of one file format each, chosen by suffix, signature or media type."""
    raise NotImplementedError


@hookspec
def register_storages() -> Iterable[Storage]:
    """Forms in which uploaded data are kept, and in which kinds of places."""
    raise NotImplementedError


@hookspec
def register_validators() -> Iterable[Validator]:
    """What the nodes that carry a spec promise."""
    raise NotImplementedError


@hookspec
def register_serializers() -> Iterable[Serializer]:
    """Formats in which the data of a family, or of a spec, can leave."""
    raise NotImplementedError


@hookspec
def register_conversions() -> Iterable[Conversion]:
    """Kinds of data that can leave in the formats of another kind."""
    raise NotImplementedError


@hookspec
def register_compressors() -> Iterable[Compressor]:
    """Content codings for answers."""
    raise NotImplementedError


@hookspec
def register_trees() -> Iterable[TreeKind]:
    """Kinds of trees that the configuration can mount by name."""
    raise NotImplementedError


@hookspec
def register_queries() -> Iterable[QueryType]:
    """Search terms and their reference meaning."""
    raise NotImplementedError


@hookspec
def register_authenticators() -> Iterable[Authenticator]:
    """Ways to log in."""
    raise NotImplementedError


@hookspec
def register_account_keepers() -> Iterable[AccountKeeper]:
    """Those who keep accounts, sessions and keys."""
    raise NotImplementedError


@hookspec
def register_access_policies() -> Iterable[PolicyKind]:
    """Kinds of rules that say who may see and do what."""
    raise NotImplementedError


@hookspec
def register_routers() -> Iterable[Router]:
    """Endpoints beyond those of the families."""
    raise NotImplementedError


@hookspec
def register_commands() -> Iterable[Command]:
    """Sub-commands of the command line."""
    raise NotImplementedError
