"""Nodes as resources: the documents of http-api 1.4 that metadata and search answer with."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import msgspec
from msgspec import Struct

from tiledkernel import references, wire
from tiledkernel.composition import Composition
from tiledkernel.errors import BadRequest, KernelError, Unavailable, Unprocessable
from tiledkernel.nodes.files import unavailable_node
from tiledkernel.nodes.writing import Sourced
from tiledkernel.records import Serializer
from tiledkernel.server.blame import Blaming
from tiledkernel.server.forms import WORDLESS, Form, Forms, Specimen
from tiledkernel.server.quoting import quoted
from tiledkernel.server.resolve import Entry, Resolver
from tiledkernel.server.selection import Selection

FIELDS = frozenset(
    {"metadata", "structure_family", "structure", "count", "sorting", "specs", "data_sources", "access_tags"}
)
MAX_INLINED = 500
MAX_INLINED_DEPTH = 5
NATURAL_ORDER = ({"key": "_", "direction": 1},)
_NOTHING = dict.fromkeys(
    ("ancestors", "structure_family", "specs", "metadata", "structure", "access_tags", "sorting", "data_sources")
)


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
        node, path, fields = entry.node, entry.path, view.fields
        family = node.family
        container = family == "container"
        shaped = "structure" in fields
        structure = meta = None
        if container:
            if shaped or "count" in fields:
                structure = self._container(entry, base, view, depth)
        elif shaped or view.links:
            structure = node.structure
            meta = self._meta(family, structure) if shaped else None
        attributes = {
            "ancestors": path[:-1],
            "structure_family": family if container or "structure_family" in fields else None,
            "specs": node.specs if "specs" in fields else None,
            "metadata": _metadata(node, view.select) if "metadata" in fields else None,
            "structure": structure if container or shaped else None,
            "access_tags": _tags(node) if "access_tags" in fields else None,
            "sorting": getattr(node, "sorting", NATURAL_ORDER) if container and "sorting" in fields else None,
            "data_sources": self._data_sources(entry) if view.data_sources else None,
        }
        links = self.links(entry, base, structure) if view.links else None
        return {"id": entry.key, "attributes": attributes, "links": links, "meta": meta}

    def listing(self, parent: Entry, children: Iterable[tuple[str, Any]], base: str, view: View) -> list[Any]:
        """The resources of children, given by their keys and nodes; those that are alike are written in one form."""
        if view.keys_only:
            form = Form(self.key((*parent.path, Specimen.key), base, view))
            return [wire.Written(form.fill(key, WORDLESS)) for key, _ in children]
        listed = self._resolver.listed
        if view.select is not None or view.data_sources:
            return [self.listed(listed(parent.child(key, node)), base, view) for key, node in children]

        def describe(specimen: Specimen) -> dict[str, Any]:
            return self.resource(parent.child(specimen.key, specimen), base, view)

        fill = Forms(describe).fill
        return [fill(key, node) or self.listed(listed(parent.child(key, node)), base, view) for key, node in children]

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
        links = {"self": f"{base}/metadata/{quoted(path)}"} if view.links else None
        attributes = {**_NOTHING, "ancestors": path[:-1]}
        return {"id": path[-1] if path else "", "attributes": attributes, "links": links, "meta": None}

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

    def _container(self, entry: Entry, base: str, view: View, depth: int) -> dict[str, Any]:
        node = entry.node
        count = len(node)
        contents = None
        if (
            "structure" in view.fields
            and depth < min(view.max_depth, MAX_INLINED_DEPTH)
            and count <= MAX_INLINED
            and (inlined := getattr(node, "inlined", None)) is not None
            and inlined(depth)
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


def _metadata(node: Any, select: Selection | None) -> Any:
    """What the owner says, or the part of it that is wanted; as it was written, if it is."""
    if select is None and (text := getattr(node, "metadata_text", None)) is not None:
        return wire.Written(text)
    metadata = node.metadata if getattr(node, "plain_metadata", False) else wire.plain(node.metadata)
    return metadata if select is None else select.of(metadata)


def _tags(node: Any) -> list[str] | None:
    """What an access policy goes by, in order; None for a node that knows nothing of such."""
    tags = getattr(node, "access_tags", None)
    return None if tags is None else sorted(tags)
