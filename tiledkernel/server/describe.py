"""Nodes as resources: the documents of http-api 1.4 that metadata and search answer with."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import quote

import msgspec
from msgspec import Struct

from tiledkernel import references, wire
from tiledkernel.composition import Composition
from tiledkernel.errors import BadRequest, KernelError, Unavailable, Unprocessable
from tiledkernel.nodes.files import unavailable_node
from tiledkernel.nodes.protocols import Inlined
from tiledkernel.nodes.writing import Sourced
from tiledkernel.records import Serializer
from tiledkernel.server.blame import Blaming
from tiledkernel.server.resolve import Entry, Resolver
from tiledkernel.server.selection import Selection

FIELDS = frozenset(
    {"metadata", "structure_family", "structure", "count", "sorting", "specs", "data_sources", "access_tags"}
)
MAX_INLINED = 500
MAX_INLINED_DEPTH = 5
NATURAL_ORDER = ({"key": "_", "direction": 1},)


class View(Struct, frozen=True, kw_only=True):
    """Which parts of a resource are wanted."""

    fields: frozenset[str] = FIELDS
    select: Selection | None = None
    links: bool = True
    data_sources: bool = False
    max_depth: int = MAX_INLINED_DEPTH

    @property
    def keys_only(self) -> bool:
        """Whether only keys are wanted: `fields=` with an empty value."""
        return not self.fields


def parse_fields(values: list[str]) -> frozenset[str]:
    """The set of a repeated `fields` parameter; Unprocessable names an unknown field."""
    if not values:
        return FIELDS
    for value in values:
        if value and value not in FIELDS:
            raise Unprocessable(
                f"unknown field {value!r}: expected some of {', '.join(sorted(FIELDS))}",
                "query",
                "fields",
                value=value,
                kind="enum",
            )
    return frozenset(filter(None, values))


class Describer:
    """Makes resources of entries; knows the links of every family."""

    def __init__(self, resolver: Resolver, composition: Composition) -> None:
        self._resolver = resolver
        self._links: Mapping[str, Callable[[str, Any], dict[str, str]]] = {
            family.name: references.load(family.links) for family in composition.families.values()
        }
        self._hint = composition.plugins.hint()
        self._suits = {name: _conditions(composition.serializers_for(name)) for name in self._links}

    def resource(self, entry: Entry, base: str, view: View, depth: int = 0) -> dict[str, Any]:
        """The resource of an entry; in a listing use `listed`."""
        node = entry.node
        fields = view.fields
        family = node.family
        container = family == "container"
        structure = None
        if container and ("structure" in fields or "count" in fields):
            structure = self._container(entry, base, view, depth)
        elif not container and ("structure" in fields or view.links):
            structure = node.structure
        attributes = self._attributes(entry)
        if container or "structure_family" in fields:
            attributes["structure_family"] = family
        if "specs" in fields:
            attributes["specs"] = node.specs
        if "metadata" in fields:
            metadata = node.metadata if getattr(node, "plain_metadata", False) else wire.plain(node.metadata)
            attributes["metadata"] = metadata if view.select is None else view.select.of(metadata)
        if container or "structure" in fields:
            attributes["structure"] = structure
        attributes["sorting"] = getattr(node, "sorting", NATURAL_ORDER) if container and "sorting" in fields else None
        if "access_tags" in fields:
            attributes["access_tags"] = _tags(node)
        if view.data_sources:
            attributes["data_sources"] = self._data_sources(entry)
        links = self.links(entry, base, structure) if view.links else None
        meta = None
        if structure is not None and not container and "structure" in fields:
            meta = self._meta(family, structure)
        return self._assemble(entry, attributes, links, meta)

    def _meta(self, family: str, structure: Any) -> dict[str, Any] | None:
        """Formats of the family in which these data cannot leave as a whole, if there are such."""
        refused = [media_type for media_type, suits in self._suits.get(family, ()) if not suits(structure)]
        return {"unsuitable_formats": refused} if refused else None

    def listed(self, entry: Entry, base: str, view: View, depth: int = 0) -> dict[str, Any]:
        """The resource of a child; one that cannot be described is there, with the reason."""
        if entry.node is None:
            return self._unavailable(entry, "this link leads nowhere", base, view)
        try:
            with entry.guard, Blaming(entry):
                return self.resource(entry, base, view, depth)
        except (BadRequest, Unprocessable):  # the caller's own mistake, such as a selection that does not fit
            raise
        except KernelError as error:
            return self._unavailable(entry, str(error), base, view)

    def _unavailable(self, entry: Entry, reason: str, base: str, view: View) -> dict[str, Any]:
        node = unavailable_node(reason, entry.plugin, entry.key)
        return self.resource(Entry(entry.path, node, None), base, msgspec.structs.replace(view, select=None))

    def key(self, path: tuple[str, ...], base: str, view: View) -> dict[str, Any]:
        """The resource of a child of which only the key is wanted: it is not looked at."""
        entry = Entry(path, None, None)
        links = {"self": f"{base}/metadata/{quoted(path)}"} if view.links else None
        return self._assemble(entry, self._attributes(entry), links)

    def links(self, entry: Entry, base: str, structure: Any) -> dict[str, str]:
        """Absolute links of a node; placeholders in braces are left as they are."""
        path = quoted(entry.path)
        links = {"self": f"{base}/metadata/{path}"}
        make = self._links.get(entry.node.family)
        if make is None:
            raise Unavailable(
                f"{'/'.join(entry.path)!r} is unavailable: no plugin knows the family {entry.node.family!r}{self._hint}"
            )
        for name, tail in make(path, structure).items():
            links[name] = base + tail
        return links

    @staticmethod
    def _attributes(entry: Entry) -> dict[str, Any]:
        return {
            "ancestors": list(entry.path[:-1]),
            "structure_family": None,
            "specs": None,
            "metadata": None,
            "structure": None,
            "access_tags": None,
            "sorting": None,
            "data_sources": None,
        }

    @staticmethod
    def _assemble(entry: Entry, attributes: dict[str, Any], links: Any, meta: Any = None) -> dict[str, Any]:
        return {"id": entry.key, "attributes": attributes, "links": links, "meta": meta}

    def _container(self, entry: Entry, base: str, view: View, depth: int) -> dict[str, Any]:
        node = entry.node
        count = len(node)
        contents = None
        if (
            "structure" in view.fields
            and depth < min(view.max_depth, MAX_INLINED_DEPTH)
            and count <= MAX_INLINED
            and isinstance(node, Inlined)
            and node.inlined(depth)
        ):
            contents = self._contents(entry, base, view, depth)
        return {"contents": contents, "count": count}

    def _contents(self, entry: Entry, base: str, view: View, depth: int) -> dict[str, Any] | None:
        """The resources of all children; None if one is a broken link, which a client can list but not describe."""
        contents = {}
        for key, child in self._resolver.children(entry):
            if child.node is None:
                return None
            contents[key] = self.listed(child, base, view, depth + 1)
        return contents

    @staticmethod
    def _data_sources(entry: Entry) -> list[Any] | None:
        if isinstance(entry.node, Sourced):
            return [msgspec.to_builtins(source) for source in entry.node.data_sources()]
        if entry.file is None or not entry.is_file_root:
            return None
        return [msgspec.to_builtins(entry.file.data_source(entry.node))]


def _conditions(serializers: Sequence[Serializer]) -> tuple[tuple[str, Callable[[Any], bool]], ...]:
    return tuple([(each.media_type, references.load(each.suits)) for each in serializers if each.suits is not None])


def _tags(node: Any) -> list[str] | None:
    """What an access policy goes by, in order; None for a node that knows nothing of such."""
    tags = getattr(node, "access_tags", None)
    return None if tags is None else sorted(tags)


def quoted(path: tuple[str, ...]) -> str:
    """A node's path as part of a URL; braces are encoded, since clients fill templates with them."""
    return "/".join([part if _PLAIN(part) else quote(part, safe="") for part in path])


_PLAIN = re.compile(r"[A-Za-z0-9_.~-]+").fullmatch  # what needs no quoting, as most keys
