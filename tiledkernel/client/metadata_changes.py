"""Change what a node says of itself. Each plan takes the description of a node, and comes to its new one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal, TypeAlias

from msgspec import Struct, structs

from tiledkernel.client.calls import Parameters, call_node, call_writing
from tiledkernel.client.creating import checked_metadata, describe_specs
from tiledkernel.client.errors import ServerError
from tiledkernel.client.json_patches import diff, diff_items, same
from tiledkernel.client.json_values import as_json
from tiledkernel.client.light_httpx import httpx
from tiledkernel.client.messages import item_of
from tiledkernel.client.metadata_update import updated
from tiledkernel.client.plans import Plan, ask_message
from tiledkernel.client.retries import may_be_done
from tiledkernel.specs import Spec

JSON_PATCH = "application/json-patch+json"
MERGE_PATCH = "application/merge-patch+json"
_KINDS = (JSON_PATCH, MERGE_PATCH)

Item: TypeAlias = Mapping[str, Any]
Operations: TypeAlias = list[dict[str, Any]]
Patches: TypeAlias = tuple[Operations, Operations | None, Operations | None]


class State(Struct, frozen=True):
    """What can be changed, as JSON has it; the order of tags says nothing."""

    metadata: dict[str, Any]
    specs: list[dict[str, str | None]]
    access_tags: list[str] | None

    def same_as(self, other: State) -> bool:
        """Whether another state says the same; where one of them knows no tags, these do not count."""
        known = None not in (self.access_tags, other.access_tags)
        return (
            same(self.metadata, other.metadata)
            and self.specs == other.specs
            and (not known or self.access_tags == other.access_tags)
        )


def state_of(item: Item) -> State:
    """The state of a node, as its description says."""
    said = item["attributes"]
    tags = said.get("access_tags")
    specs = describe_specs(Spec(spec["name"], spec.get("version")) for spec in said.get("specs") or [])
    return State(as_json(said["metadata"] or {}), specs, None if tags is None else sorted(tags))


class Change(Struct, frozen=True):
    """What is to be different; None stays, and so do tags if none are given."""

    metadata: Mapping[str, Any] | None = None
    specs: Iterable[str | Spec] | None = None
    access_tags: Iterable[str] | None = None

    def update(self, before: State) -> State:
        """The state after a nested update."""
        return State(
            before.metadata if self.metadata is None else updated(before.metadata, self.metadata),
            before.specs if self.specs is None else describe_specs(self.specs),
            _sorted(self.access_tags) or before.access_tags,
        )

    def patches(self, before: State, after: State) -> Patches:
        """The way from one state to another, of those parts that are to be different."""
        return (
            diff(before.metadata, after.metadata),
            None if self.specs is None else diff_items(before.specs, after.specs),
            None if not self.access_tags else diff_items(before.access_tags or [], after.access_tags or []),
        )


def change_to(metadata: Any, specs: Iterable[str | Spec] | None, access_tags: Iterable[str] | None) -> Change:
    """A change whose parts can be looked at more than once."""
    return Change(
        metadata, None if specs is None else _as_list(specs, "specs"), _as_list(access_tags or [], "access_tags")
    )


def updating(item: Item, change: Change, *, drop_revision: bool) -> Plan[Item]:
    """A nested update. If the description is out of date, only what the change names differs afterwards."""
    before = state_of(item)
    after = change.update(before)
    patches = change.patches(before, after)
    if not any(patches):  # for all that we know; but somebody else may have changed it meanwhile
        item = yield from _asking_again(item)
        before = state_of(item)
        after = change.update(before)
        patches = change.patches(before, after)
        if not any(patches):
            return item
    body = _patch_body(JSON_PATCH, *(patch or None for patch in patches))
    return (yield from _applying(item, "PATCH", body, before, after, _flags(drop_revision=drop_revision)))


def replacing(item: Item, change: Change, *, drop_revision: bool) -> Plan[Item]:
    """A wholesale replacement of the parts that are given."""
    body = {
        "metadata": None if change.metadata is None else checked_metadata(change.metadata),
        "specs": None if change.specs is None else describe_specs(change.specs),
        "access_tags": _sorted(change.access_tags),
    }
    before = state_of(item)
    after = structs.replace(before, **{name: value for name, value in body.items() if value is not None})
    return (yield from _applying(item, "PUT", body, before, after, _flags(drop_revision=drop_revision)))


def _applying(  # noqa: PLR0913, PLR0917 - a change, and what it is to come to
    item: Item, method: Literal["PUT", "PATCH"], body: Any, before: State, after: State, flags: Parameters
) -> Plan[Item]:
    """Have a change made. If nobody says whether it was, the node tells; so it leaves one revision, not two."""
    call = call_writing(method, item["links"]["self"], json=body, parameters=flags, repeatable=False)
    try:
        answer = yield from ask_message(call)
    except (httpx.TransportError, ServerError) as error:
        if not may_be_done(error):
            raise
        found = yield from _asking_again(item)
        now = state_of(found)
        if now.same_as(after):
            return found
        if method == "PATCH" and not now.same_as(before):
            raise
        answer = yield from ask_message(structs.replace(call, repeatable=method == "PUT"))
    return _changed(item, after, answer)


def patching(item: Item, body: Mapping[str, Any], *, drop_revision: bool) -> Plan[Item]:
    """Patches as they are. What they make of the node is asked for: it may not be what is described here."""
    url, flags = item["links"]["self"], _flags(drop_revision=drop_revision)
    yield from ask_message(call_writing("PATCH", url, json=body, parameters=flags))
    return (yield from _asking_again(item))


def patch_body(metadata: Any, specs: Any, access_tags: Any, content_type: str) -> dict[str, Any]:
    """The body of a request that patches; ValueError for patches of another kind than `content_type` says."""
    if content_type not in _KINDS:
        raise ValueError(f"content_type={content_type!r}: expected {JSON_PATCH!r} or {MERGE_PATCH!r}")
    merging = content_type == MERGE_PATCH
    for name, patch in (("metadata", metadata), ("specs", specs), ("access_tags", access_tags)):
        wanted = Mapping if merging and name == "metadata" else Sequence
        if patch is not None and (isinstance(patch, str) or not isinstance(patch, wanted)):
            kind = "a mapping" if wanted is Mapping else "a list" if merging else "a list of operations"
            raise ValueError(f"{name}_patch={patch!r:.80}: with {content_type} it is {kind}")
    if specs is not None:
        specs = describe_specs(specs) if merging else [_with_spec(operation) for operation in specs]
    return _patch_body(content_type, as_json(metadata), specs, access_tags and list(access_tags))


def _patch_body(content_type: str, metadata: Any, specs: Any, access_tags: Any) -> dict[str, Any]:
    return {"content-type": content_type, "metadata": metadata, "specs": specs, "access_tags": access_tags}


def _with_spec(operation: Mapping[str, Any]) -> dict[str, Any]:
    """An operation on specs, with names made specs where a whole spec is meant."""
    described = dict(operation)
    depth = str(operation.get("path", "")).count("/")
    value = operation.get("value")
    if depth == 0 and isinstance(value, Sequence) and not isinstance(value, str):
        described["value"] = [_spec(one) for one in value]
    elif depth == 1 and value is not None:
        described["value"] = _spec(value)
    return described


def _spec(value: Any) -> Any:
    return describe_specs([value])[0] if isinstance(value, (str, Spec)) else value


def _asking_again(item: Item) -> Plan[Item]:
    with_sources = item["attributes"].get("data_sources") is not None
    answer = yield from ask_message(call_node(item["links"]["self"], include_data_sources=with_sources))
    return item_of(answer)


def _changed(item: Item, after: State, answer: Any) -> Item:
    """The description after a change: what was asked for, unless the server says otherwise."""
    said: Mapping[str, Any] = answer if isinstance(answer, Mapping) else {}
    decided = {name: said[name] for name in ("metadata", "specs", "access_tags") if said.get(name) is not None}
    wanted = {"metadata": after.metadata, "specs": after.specs, "access_tags": after.access_tags}
    return {**item, "attributes": {**item["attributes"], **wanted, **decided}}


def _flags(*, drop_revision: bool) -> Parameters:
    return [("drop_revision", "true")] if drop_revision else []


def _sorted(tags: Iterable[str] | None) -> list[str] | None:
    return sorted(set(tags)) if tags else None


def _as_list(values: Iterable[Any], name: str) -> list[Any]:
    if isinstance(values, (str, Spec)):
        raise TypeError(f"{name} are a list: expected [{values!r}]")
    return list(values)
