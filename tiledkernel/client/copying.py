"""How data of a family travel from one server to another: part by part, as they are.

A client plugin names a function in its record (`tiledkernel.client.classes`), which is given the descriptions of both
nodes and yields what is to be transferred. Nothing is decoded on the way:

    ClientClass("sparse", "tiled_sparse.client:SparseClient", copying="tiled_sparse.client_copying:copying_sparse")

    def copying_sparse(source: Item, target: Item) -> Iterator[Transfer]:
        for block in blocks_of(source):
            yield Transfer.of(source, target, "block", [("block", ",".join(map(str, block)))], ARROW_FILE)
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import product
from typing import Any, Self, TypeAlias

from msgspec import Struct

from tiledkernel.client.calls import Call, Parameters, call_upload, without_query
from tiledkernel.client.messages import UnexpectedAnswer
from tiledkernel.client.plans import Elsewhere, Plan, ask_bytes, ask_upload

Item: TypeAlias = Mapping[str, Any]


class Transfer(Struct, frozen=True, kw_only=True):
    """One part of the data: where it comes from, where it goes, and how many bytes it has, if that is known."""

    source: Call
    target_url: str
    parameters: Parameters
    media_type: str
    size: int | None = None

    @classmethod
    def of(  # noqa: PLR0913, PLR0917 - what a part is, on both sides
        cls,
        source: Item,
        target: Item,
        link: str,
        parameters: Parameters,
        media_type: str,
        size: int | None = None,
        asked: Parameters | None = None,
    ) -> Self:
        """The part that `parameters` name below a link that both nodes have; `asked` is said to the source as well."""
        return cls(
            source=Call(
                url=without_query(source["links"][link]),
                parameters=[*parameters, *(asked or [])],
                headers={"accept": media_type},
            ),
            target_url=target["links"][link],
            parameters=parameters,
            media_type=media_type,
            size=size,
        )

    def carrying_out(self, source: Any) -> Plan[None]:
        """Send the part on; `source` is the connection that it comes from."""
        body = yield Elsewhere(source, ask_bytes(self.source, size=self.size))
        if self.size is not None and len(body) != self.size:
            raise UnexpectedAnswer(f"{self.source.url} sent {len(body)} bytes of a part that has {self.size}")
        yield from ask_upload(call_upload("PUT", self.target_url, body, self.media_type, self.parameters))


def blocks_of(item: Item) -> Iterator[tuple[int, ...]]:
    """The indices of all chunks of an array, sparse or not."""
    yield from product(*(range(len(lengths)) for lengths in item["attributes"]["structure"]["chunks"]))
