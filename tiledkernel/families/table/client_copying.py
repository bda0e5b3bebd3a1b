"""Tables travel partition by partition."""

from __future__ import annotations

from collections.abc import Iterator

from tiledkernel.client.copying import Item, Transfer
from tiledkernel.media_types import ARROW_FILE


def copying_table(source: Item, target: Item) -> Iterator[Transfer]:
    """The partitions."""
    for number in range(source["attributes"]["structure"]["npartitions"]):
        yield Transfer.of(source, target, "partition", [("partition", str(number))], ARROW_FILE)
