"""Make new nodes.

How a family's client half stores data in a new node
----------------------------------------------------

A client plugin names a plan in its record (`tiledkernel.client.classes`):

    CLIENT_CLASSES = (
        ClientClass("sparse", "tiled_sparse.client:SparseClient", writing="tiled_sparse.client_writing:writing_sparse"),
    )

It makes the node with `creating`, sends the data, and comes to the client of the node:

    def writing_sparse(container, coords, data, shape, *, dims=None, key=None, metadata=None, specs=None,
                       access_tags=None) -> Plan[SparseClient]:
        structure = SparseStructure(shape=shape, chunks=tuple((length,) for length in shape), dims=dims)
        source = DataSource(structure_family="sparse", structure=structure)
        node = yield from creating(
            container, "sparse", [source], key=key, metadata=metadata, specs=specs, access_tags=access_tags
        )
        yield from node.writing(coords, data)      # its own plan, with `ask_upload(call_upload("PUT", ...))`
        return node

So `container.write_sparse(...)` works, and so does `container.write("sparse", ...)`: the way to families that the
kernel has never heard of. If the plugin is missing, the error says which distribution to install.
"""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from tiledkernel.client.calls import call_node, call_writing
from tiledkernel.client.classes import choose_class
from tiledkernel.client.data_sources import DataSource, describe_data_source
from tiledkernel.client.errors import ClientError
from tiledkernel.client.json_values import as_json
from tiledkernel.client.messages import UnexpectedAnswer, item_of
from tiledkernel.client.plans import Plan, ask_message
from tiledkernel.client.uris import clean_link, is_path, join_path, sibling_route
from tiledkernel.specs import Spec, as_spec

if TYPE_CHECKING:
    from tiledkernel.client.node import Node


def creating(  # noqa: PLR0913 - what a node is described with
    container: Node,
    structure_family: str,
    data_sources: Sequence[DataSource],
    *,
    key: str | None = None,
    metadata: Mapping[str, Any] | None = None,
    specs: Iterable[str | Spec] | None = None,
    access_tags: Iterable[str] | None = None,
    register: bool | None = None,
) -> Plan[Any]:
    """A new child of a container; its client."""
    item = yield from creating_node(
        container,
        structure_family,
        data_sources,
        key=key,
        metadata=metadata,
        specs=specs,
        access_tags=access_tags,
        register=register,
    )
    return container._client_of(item)  # noqa: SLF001 - its children are shown as it is


def creating_node(  # noqa: PLR0913 - what a node is described with
    container: Node,
    structure_family: str,
    data_sources: Sequence[DataSource],
    *,
    key: str | None = None,
    metadata: Mapping[str, Any] | None = None,
    specs: Iterable[str | Spec] | None = None,
    access_tags: Iterable[str] | None = None,
    register: bool | None = None,
    shown: bool = True,
) -> Plan[Mapping[str, Any]]:
    """A new child of a container; its description.

    Whatever happens to the connection, one node is made: our own servers recognise an attempt that they have seen
    before; of others a node is adopted that may be what a doubtful attempt has left behind.

    Parameters
    ----------
    key
        A random one if it is None.
    register
        Whether the data sources name data that are there already. None: if one of them has assets, or is external.
    shown
        Whether there must be a class that shows the node.
    """
    body = {
        "id": str(uuid.uuid4()) if key is None else checked_key(key),
        "structure_family": str(structure_family),
        "metadata": checked_metadata(metadata),
        "specs": describe_specs(specs),
        "access_tags": None if access_tags is None else list(access_tags),
        "data_sources": [describe_data_source(source) for source in _checked_count(structure_family, data_sources)],
    }
    draft = _described(container, body)
    if shown:  # before it is made, rather than after
        choose_class(draft, container.structure_clients, container.context.server_info.distributions)
    yield from container.admitting(draft)
    there = any(source.assets or source.management == "external" for source in data_sources)
    route = "register" if (there if register is None else register) else "metadata"
    url = container.uri if route == "metadata" else sibling_route(container.uri, route)
    token = {"idempotency-key": secrets.token_urlsafe(16)}
    try:
        answer = yield from ask_message(call_writing("POST", url, json=body, headers=token))
    except ClientError as error:
        doubtful = error.after_doubt and not container.context.server_info.recognises_attempts
        if error.response.status_code != 409 or not doubtful:
            raise
        return (yield from _adopting(container, draft, error))
    return _completed(draft, answer)


def _adopting(container: Node, draft: Mapping[str, Any], refusal: ClientError) -> Plan[Mapping[str, Any]]:
    """The node that is in the way, if it is the one that we have tried to make."""
    url = join_path(container.uri, (draft["id"],))
    try:
        found = item_of((yield from ask_message(call_node(url, include_data_sources=True))))
    except ClientError:
        raise refusal from None
    wanted, there = draft["attributes"], found["attributes"]
    same = (
        there["structure_family"] == wanted["structure_family"]
        and as_json(there["metadata"] or {}) == wanted["metadata"]
        and describe_specs(Spec(**spec) for spec in there.get("specs") or []) == wanted["specs"]
    )
    if not same:
        raise refusal
    return found


def _described(container: Node, body: Mapping[str, Any]) -> dict[str, Any]:
    """A new node as a server would describe it, as far as that is known before it is made."""
    structures = [source["structure"] for source in body["data_sources"]]
    return {
        "id": body["id"],
        "attributes": {
            "ancestors": container.path_parts,
            "structure_family": body["structure_family"],
            "specs": body["specs"],
            "metadata": body["metadata"],
            "structure": structures[0] if structures else None,
            "access_tags": body["access_tags"],
        },
        "links": {},
        "meta": None,
    }


def _completed(draft: Mapping[str, Any], answer: Any) -> Mapping[str, Any]:
    """The description with what the server has decided."""
    if not isinstance(answer, dict) or not isinstance(answer.get("links"), dict) or "self" not in answer["links"]:
        raise UnexpectedAnswer("the answer describes no new node: is this the address of a Tiled server?")
    changed = {name: answer[name] for name in ("metadata", "specs", "access_tags") if answer.get(name) is not None}
    sources = answer.get("data_sources")
    if sources is not None:
        changed["data_sources"] = sources
    if sources:
        changed["structure"] = sources[0]["structure"]
    return {
        **draft,
        "id": answer.get("id", draft["id"]),
        "attributes": {**draft["attributes"], **changed},
        "links": {name: clean_link(link) for name, link in answer["links"].items()},
    }


def _checked_count(family: str, sources: Sequence[DataSource]) -> Sequence[DataSource]:
    if str(family) != "container" and len(sources) != 1:
        raise ValueError(f"a node of family {str(family)!r} is made of one data source, not of {len(sources)}")
    return sources


def checked_key(key: str) -> str:
    """A key that a path can be made of; ValueError or TypeError says why it is none."""
    if not isinstance(key, str):
        raise TypeError(f"{key!r} cannot be a key: expected a text, or None for a random one")
    if key in ("", ".", ".."):
        raise ValueError(f"{key!r} cannot be a key: it means something else in a path")
    if "/" in key:
        raise ValueError(
            f"{key!r} cannot be a key: '/' separates the keys in a path. Make a container for each part but the last, "
            "or use another sign such as '-'"
        )
    if not is_path(key):
        raise ValueError(f"{key!r} cannot be a key: it contains a NUL character, or half of a character")
    return key


def checked_metadata(metadata: Mapping[str, Any] | None) -> dict[str, Any]:
    """Metadata as they are stored; ValueError for what is no mapping."""
    if metadata is not None and not isinstance(metadata, Mapping):
        raise ValueError(
            f"metadata are a mapping such as {{'color': 'blue'}}, not {metadata!r:.80}, a {type(metadata).__name__}"
        )
    found: dict[str, Any] = as_json(metadata or {})
    return found


def describe_specs(specs: Iterable[str | Spec] | None) -> list[dict[str, str | None]]:
    """Specs, or their names, as they are sent."""
    if isinstance(specs, (str, Spec)):
        raise TypeError(f"specs are a list: expected [{specs!r}]")
    return [{"name": spec.name, "version": spec.version} for spec in map(_spec, specs or ())]


def _spec(given: Any) -> Spec:
    try:
        return as_spec(given) if isinstance(given, (str, Spec)) else msgspec.convert(given, Spec)
    except msgspec.ValidationError:
        raise TypeError(f"{given!r:.80} is no spec: expected a name, or Spec('name', version='1')") from None
