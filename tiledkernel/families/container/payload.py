"""A container, or some of its children, for encoders that walk through it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tiledkernel.errors import BadRequest
from tiledkernel.server.resolve import Entry, Resolver


class ContainerPayload:
    """A container with all children, or only those named in `fields`; `limit` is how many bytes may be read of it."""

    __slots__ = ("entry", "fields", "limit", "resolver")

    def __init__(
        self, resolver: Resolver, entry: Entry, fields: Sequence[str] | None = None, limit: int | None = None
    ) -> None:
        self.resolver = resolver
        self.entry = entry
        self.fields = fields
        self.limit = limit

    def children(self) -> Iterator[tuple[str, Entry]]:
        """Keys and entries of the children; BadRequest names a field that is none. Broken links have no node."""
        if self.fields is None:
            for key, entry in self.resolver.children(self.entry):
                yield key, self.resolver.with_data(entry)
            return
        for key in self.fields:
            found = list(self.resolver.children(self.entry, iter([key])))
            if not found:
                raise BadRequest(
                    f"no child {key!r} in {'/'.join(self.entry.path) or 'the root'!r}: 'field' names children"
                )
            yield key, self.resolver.with_data(found[0][1])

    def below(self, entry: Entry) -> ContainerPayload:
        """A child container, whole."""
        return ContainerPayload(self.resolver, entry, limit=self.limit)
