"""Copy trees from one server to another."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping
from typing import Any, Literal, TypeAlias

from msgspec.structs import replace

from tiledkernel.client.classes import load_copying
from tiledkernel.client.copying import Item
from tiledkernel.client.creating import creating_node
from tiledkernel.client.data_sources import DataSource, parse_data_source
from tiledkernel.client.deleting import deleting
from tiledkernel.client.errors import ClientError
from tiledkernel.client.node import Node
from tiledkernel.client.plans import Elsewhere, Plan, together
from tiledkernel.families.container.client import Container
from tiledkernel.specs import Spec

OnConflict: TypeAlias = Literal["error", "warn", "skip"]

_CONFLICTS = ("error", "warn", "skip")
_AT_ONCE = 4  # parts of one node on their way, each of them in memory


def copy(source: Any, dest: Container, on_conflict: OnConflict = "error") -> None:
    """Copy nodes into a container, of the same server or of another one.

    Of files that are registered the registration is copied: the other server must reach them under the same names. Data
    that a server stores travel part by part. Metadata and specs go along, access tags do not.

    Parameters
    ----------
    source
        A container, the results of a search, or a list of items, such as `container.items().head(3)`.
    dest
        Where to. Each child keeps its key.
    on_conflict
        What to do about a key that is taken there: raise the `ClientError` ("error"), warn and go on with the next
        ("warn"), or just go on ("skip"). What was not copied whole is taken away again, so that `copy` may be repeated
        with "skip" after a failure.

    Examples
    --------
    >>> copy(here, there)
    >>> copy(here.search(Key("color") == "blue"), there["blue"], on_conflict="skip")
    """
    if on_conflict not in _CONFLICTS:
        raise ValueError(f"on_conflict={on_conflict!r}: expected {', '.join(map(repr, _CONFLICTS))}")
    if not isinstance(dest, Container):
        raise TypeError(f"{dest!r} takes no copies: expected a container")
    if isinstance(source, Node) and not isinstance(source, Container):
        raise TypeError(f"{source!r} is no container: to copy it alone, pass [('its key', node)]")
    copying = _Copying(dest, on_conflict)
    if isinstance(source, Container):
        copying.check(source)
        plan = copying.children(source, dest)
    else:
        items = list(source.items() if isinstance(source, Mapping) else source)
        plan = copying.items(_checked_items(items, copying), dest)
    done: None = dest.context.run(plan)
    return done


class _Copying:
    """A copy under way."""

    def __init__(self, dest: Container, on_conflict: OnConflict) -> None:
        self._dest = dest
        self._on_conflict = on_conflict

    def check(self, source: Node) -> None:
        """TypeError or ValueError if a node cannot be copied to where it is to go."""
        if type(source.context) is not type(self._dest.context):
            raise TypeError("one client waits and the other is asynchronous: connect to both in the same way")
        below = source.path_parts == self._dest.path_parts[: len(source.path_parts)]
        if below and source.path_parts != self._dest.path_parts and source.context.shares_server(self._dest.context):
            raise ValueError(f"{source.uri} cannot be copied into itself, to {self._dest.uri}")

    def items(self, items: Iterable[tuple[str, Node]], dest: Container) -> Plan[None]:
        """Copy nodes under the keys that are given."""
        for key, node in items:
            described = yield Elsewhere(node.context, node._including_data_sources())  # noqa: SLF001 - its description
            yield from self._node(node, key, described.item, dest)

    def children(self, source: Container, dest: Container) -> Plan[None]:
        """Copy what is in a container."""
        described = yield Elsewhere(source.context, source._including_data_sources())  # noqa: SLF001 - as above
        for page in described.descriptions().pages():
            for item in (yield Elsewhere(source.context, page)):
                yield from self._node(source, item["id"], item, dest)

    def _node(self, beside: Node, key: str, item: Item, dest: Container) -> Plan[None]:
        """Copy one node, which comes from where `beside` does."""
        said = item["attributes"]
        family = said["structure_family"]
        sources = [parse_data_source(source) for source in said.get("data_sources") or []]
        registered = bool(sources) and all(source.management == "external" for source in sources)
        stored = not registered and family != "container"
        transfers = load_copying(family, dest.context.server_info.distributions) if stored else None
        try:
            made = yield from creating_node(
                dest,
                family,
                [_elsewhere(source) for source in sources] if registered else _anew(item) if stored else [],
                key=key,
                metadata=said["metadata"],
                specs=[Spec(spec["name"], spec.get("version")) for spec in said.get("specs") or []],
                shown=False,
            )
        except ClientError as error:
            self._pass_over(key, dest, error)
            return
        if transfers is not None:
            yield from self._data(beside, transfers(item, made), made)
        elif not registered:
            inner = Container(beside.context, item=item, include_data_sources=True)
            yield from self.children(inner, Container(dest.context, item=made))

    def _data(self, beside: Node, transfers: Iterable[Any], made: Item) -> Plan[None]:
        try:
            yield from together((part.carrying_out(beside.context) for part in transfers), _AT_ONCE)
        except Exception:
            yield from deleting(made["links"]["self"], recursive=False, external_only=False)
            raise

    def _pass_over(self, key: str, dest: Container, error: ClientError) -> None:
        """A node that could not be made: raise why, unless it is there already and that is fine."""
        if error.response.status_code != 409 or self._on_conflict == "error":
            raise error
        if self._on_conflict == "warn":
            where = "/".join([*dest.path_parts, key])
            warnings.warn(f"{where!r} is there already, and is left as it is", UserWarning, stacklevel=2)


def _elsewhere(source: DataSource) -> DataSource:
    """A data source as another server may register it: what the first one knows it by means nothing there."""
    return replace(source, id=None, assets=[replace(asset, id=None) for asset in source.assets])


def _anew(item: Item) -> list[DataSource]:
    """The data source of a node whose data another server is to store, in its own way."""
    said = item["attributes"]
    return [DataSource(structure_family=said["structure_family"], structure=said["structure"])]


def _checked_items(items: list[Any], copying: _Copying) -> list[tuple[str, Node]]:
    for item in items:
        if not (isinstance(item, tuple) and len(item) == 2 and isinstance(item[0], str) and isinstance(item[1], Node)):
            raise TypeError(f"{item!r:.80} is no item: expected pairs of key and node, as container.items() gives them")
        copying.check(item[1])
    return items
