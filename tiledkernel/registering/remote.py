"""The nodes of a server's catalog: which there are, and how they are made, changed and removed. Plans, without I/O."""

from __future__ import annotations

import secrets
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import msgspec
from msgspec import Struct

from tiledkernel.client.calls import Call, Listing, call_node, call_writing
from tiledkernel.client.deleting import deleting
from tiledkernel.client.errors import ClientError
from tiledkernel.client.messages import item_of
from tiledkernel.client.pages import Pages
from tiledkernel.client.plans import Plan, ask_message, together
from tiledkernel.client.uris import join_path, sibling_route
from tiledkernel.registering.describing import CONTAINER, Described
from tiledkernel.wire import JSON

# What the server says to one node. Other refusals, such as 401 and 403, are meant for all of them.
OF_ONE_NODE = frozenset({400, 409, 413, 415, 422})
GONE = frozenset({404, 410})
BATCHES = "+tiledkernel"  # in the version of a server that makes many nodes at once


class Present(Struct, frozen=True):
    """A node as the server has it."""

    family: str
    metadata: Mapping[str, Any]
    sources: tuple[Mapping[str, Any], ...]

    @property
    def is_folder(self) -> bool:
        """Whether it is a container that no file stands behind."""
        return self.family == CONTAINER and not self.sources

    @property
    def is_external(self) -> bool:
        """Whether its data lie in files that are only registered."""
        return len(self.sources) == 1 and self.sources[0].get("management") == "external"


def present(item: Mapping[str, Any]) -> Present:
    """A node from its description."""
    attributes = item["attributes"]
    return Present(
        str(attributes["structure_family"]),
        attributes.get("metadata") or {},
        tuple(attributes.get("data_sources") or ()),
    )


def listing_children(uri: str) -> Plan[dict[str, Present]]:
    """All children of the container with this URI."""
    pages = Pages(Listing(url=sibling_route(uri, "search"), include_data_sources=True), 1, 0, None)
    found: dict[str, Present] = {}
    while pages.call is not None:
        found.update((item["id"], present(item)) for item in (yield from pages.next_page()))
    return found


def looking_at(uri: str) -> Plan[Mapping[str, Any] | None]:
    """The description of a node; None if there is none."""
    try:
        return item_of((yield from ask_message(call_node(uri, include_data_sources=True))))
    except ClientError as error:
        if error.response.status_code == 404:
            return None
        raise


def creating_many(uri: str, drafts: Sequence[Mapping[str, Any]], *, at_once: bool) -> Plan[list[ClientError | None]]:
    """Make children; for each what the server had against it. If it takes many `at_once`, that is one request."""
    if at_once and len(drafts) > 1:
        refusal = yield from _refusal_of(ask_message(_call_register(uri, list(drafts))))
        if refusal is None:
            return [None] * len(drafts)
    return (yield from together(_refusal_of(ask_message(_call_register(uri, draft))) for draft in drafts))


def _call_register(uri: str, body: Any) -> Call:
    return Call(
        url=sibling_route(uri, "register"),
        method="POST",
        content=msgspec.json.encode(body),
        headers={"accept": JSON, "content-type": JSON, "idempotency-key": secrets.token_urlsafe(16)},
        repeatable=True,  # what is there already is looked at
    )


def replacing_source(uri: str, described: Described, there: Present) -> Plan[ClientError | None]:
    """Describe the data of a node anew, and add what its file says of itself by now to its metadata."""
    source = {**(described.source or {}), "id": there.sources[0]["id"]}
    url = sibling_route(uri, "data_source")
    metadata = {**there.metadata, **described.metadata}
    calls = [call_writing("PUT", url, json={"data_source": source})]
    if metadata != there.metadata:
        calls.append(call_writing("PUT", uri, json={"metadata": metadata}))
    for call in calls:
        refusal = yield from _refusal_of(ask_message(call))
        if refusal is not None:
            return refusal
    return None


def removing(uri: str) -> Plan[ClientError | None]:
    """Remove a node and what is below it, unless the server keeps data there; what it had against it."""
    refusal = yield from _refusal_of(deleting(uri, recursive=True, external_only=True), {*OF_ONE_NODE, *GONE})
    return None if refusal is None or refusal.response.status_code in GONE else refusal


def _refusal_of(plan: Plan[Any], expected: Collection[int] = OF_ONE_NODE) -> Plan[ClientError | None]:
    """What a server has against something; what it has against all that we do is raised."""
    try:
        yield from plan
    except ClientError as error:
        if error.response.status_code not in expected:
            raise
        return error
    return None


def child_uri(uri: str, key: str) -> str:
    """The URI of a child."""
    return join_path(uri, (key,))


def is_same(described: Described, there: Present) -> bool:
    """Whether a node is what its files are: the same files, of the same sizes, with the same structure."""
    if described.source is None:
        return there.is_folder
    return (
        described.family == there.family and there.is_external and _facts(described.source) == _facts(there.sources[0])
    )


def can_be_updated(described: Described, there: Present) -> bool:
    """Whether a node can stay, and only its data source be described anew.

    A server adds assets to those that there are: none may have to go, or to change its place among them.
    """
    if described.source is None or described.family != there.family or not there.is_external:
        return False
    old = there.sources[0]
    return _places(old) <= _places(described.source) and old.get("mimetype") == described.source["mimetype"]


def shares_files(described: Described, there: Present) -> bool:
    """Whether both are about some of the same files."""
    sources = [described.source or {"assets": ()}, *there.sources]
    first, *others = ({asset["data_uri"] for asset in source["assets"]} for source in sources)
    return any(first & other for other in others)


def _facts(source: Mapping[str, Any]) -> tuple[Any, ...]:
    assets = {
        (asset["data_uri"], asset["parameter"], asset["num"]): (asset["is_directory"], asset["size"])
        for asset in source["assets"]
    }
    return source.get("mimetype"), source.get("parameters") or {}, source.get("structure"), assets


def _places(source: Mapping[str, Any]) -> set[tuple[Any, ...]]:
    return {(asset["data_uri"], asset["parameter"], asset["num"]) for asset in source["assets"]}
