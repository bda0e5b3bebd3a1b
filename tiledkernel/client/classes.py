"""Which class shows a node to the user: by its specs first, then by its family.

A client plugin is a light module that an entry point of the group `tiledkernel.client` names. Its attribute
`CLIENT_CLASSES` holds records; the classes themselves are loaded when the first such node is met:

    CLIENT_CLASSES = (
        ClientClass("sparse", "tiled_sparse.client:SparseClient", writing="tiled_sparse.client_writing:writing_sparse"),
    )

What `writing` names is described in `tiledkernel.client.creating`, what `copying` names in `copying` beside it.

Single classes may also be named directly, by entry points of the group `tiled.structure_client` (or, as it was called
before, `tiled.special_client`): the entry point's name is the spec or family.
"""

from __future__ import annotations

import importlib
import logging
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from importlib.metadata import EntryPoint, PackageNotFoundError, entry_points, version
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from msgspec import Struct

from tiledkernel import references
from tiledkernel.client.errors import UnknownStructureFamily

if TYPE_CHECKING:
    from tiledkernel.client.connection import Connection

GROUP = "tiledkernel.client"
SINGLE_CLASS_GROUPS = ("tiled.special_client", "tiled.structure_client")

ClassOrReference: TypeAlias = Callable[..., Any] | str
StructureClients: TypeAlias = Literal["numpy", "dask"] | Mapping[str, ClassOrReference]

logger = logging.getLogger(__name__)


class ClientClass(Struct, frozen=True):
    """The class ("module:Class") that shows nodes of a family or spec; `dask` is its lazy variant, if any.

    `writing` ("module:function") names the plan that stores data of the family in a new node, if there is one, and
    `copying` what carries them to another server.
    """

    name: str
    cls: str
    dask: str | None = None
    writing: str | None = None
    copying: str | None = None


@cache
def installed_classes(choice: Literal["numpy", "dask"] = "numpy") -> Mapping[str, ClassOrReference | EntryPoint]:
    """What the client plugins offer, by family or spec; with "dask" the lazy variants where there are such."""
    found: dict[str, ClassOrReference | EntryPoint] = {}
    for record in installed_records():
        found[record.name] = record.dask if choice == "dask" and record.dask is not None else record.cls
    for group in SINGLE_CLASS_GROUPS:
        found.update((entry.name, entry) for entry in entry_points(group=group))
    return found


@cache
def installed_records() -> tuple[ClientClass, ...]:
    """The records of all installed client plugins; a plugin that fails is left out, with a warning."""
    entries = sorted(entry_points(group=GROUP), key=lambda entry: entry.name)
    return tuple(record for entry in entries for record in _records(entry))


def forget_installed() -> None:
    """Look again for what is installed when it is needed next: distributions came or went meanwhile."""
    installed_classes.cache_clear()
    installed_records.cache_clear()


def load_writing(family: str, distributions: Mapping[str, str]) -> Callable[..., Any]:
    """The plan that stores data of a family in a new node; UnknownStructureFamily says what to install if none is."""
    return _load_half("writing", "writes", family, distributions)


def load_copying(family: str, distributions: Mapping[str, str]) -> Callable[..., Any]:
    """What carries data of a family to another server; UnknownStructureFamily says what to install if nothing does."""
    return _load_half("copying", "copies", family, distributions)


def _load_half(
    name: Literal["writing", "copying"], verb: str, family: str, distributions: Mapping[str, str]
) -> Callable[..., Any]:
    for record in reversed(installed_records()):  # the last one shows the family, too
        reference: str | None = getattr(record, name)
        if record.name == family and reference is not None:
            return _load_class(family, reference)
    raise UnknownStructureFamily(
        f"no installed class {verb} data of the structure family {family!r}: {_advice(family, distributions)}"
    )


def _records(entry: EntryPoint) -> Iterator[ClientClass]:
    try:
        module = importlib.import_module(entry.module)
        records = tuple(module.CLIENT_CLASSES)
    except Exception as error:  # noqa: BLE001 - a plugin may raise anything, and hurts only itself
        logger.warning("the client plugin %r (%s) is left out: %r", entry.name, entry.value, error)
        return
    yield from records


def build_client(
    context: Connection,
    item: Mapping[str, Any],
    structure_clients: StructureClients,
    *,
    include_data_sources: bool = False,
) -> Any:
    """The client of the node that `item` describes."""
    chosen = choose_class(item, structure_clients, context.server_info.distributions)
    return chosen(
        context=context,
        item=item,
        structure_clients=structure_clients,
        structure=None,
        include_data_sources=include_data_sources,
    )


def choose_class(
    item: Mapping[str, Any], structure_clients: StructureClients, distributions: Mapping[str, str] | None = None
) -> Callable[..., Any]:
    """The class for a node: that of its first spec that has one, else that of its family.

    `distributions` says where families come from, as far as the server tells; it is for the error if there is none.
    """
    known = checked_structure_clients(structure_clients)
    attributes = item["attributes"]
    specs = [spec["name"] for spec in attributes.get("specs") or []]
    family = attributes["structure_family"]
    for name in [*specs, family]:
        if name in known:
            return _load_class(name, known[name])
    raise UnknownStructureFamily(
        f"no installed class shows the structure family {family!r}, which {item['id']!r} has: "
        f"{_advice(family, distributions or {})}, or pass structure_clients={{{family!r}: YourClass}}"
    )


def _advice(family: str, distributions: Mapping[str, str]) -> str:
    """What would help: to install the distribution that brings the family, or to repair it."""
    distribution = distributions.get(family, f"tiled-{family}")
    try:
        version(distribution)
    except PackageNotFoundError:
        return f"`pip install {distribution}`"
    return f"{distribution} is installed, but its client half is missing or was left out: the log says why"


def checked_structure_clients(structure_clients: StructureClients) -> Mapping[str, ClassOrReference | EntryPoint]:
    """The mapping that the user's choice stands for; ValueError explains another choice."""
    if isinstance(structure_clients, Mapping):
        return structure_clients
    if structure_clients in ("numpy", "dask"):
        return installed_classes(structure_clients)
    raise ValueError(
        f"structure_clients={structure_clients!r}: expected 'numpy', 'dask', or a mapping of families and specs to "
        "classes"
    )


def _load_class(name: str, chosen: ClassOrReference | EntryPoint) -> Callable[..., Any]:
    try:
        if isinstance(chosen, EntryPoint):
            chosen = chosen.load()
        loaded = references.load(chosen) if isinstance(chosen, str) else chosen
    except ImportError as error:
        raise UnknownStructureFamily(
            f"the client half of {name!r} cannot be loaded: {error}. Install what is missing, for tables "
            "`pip install 'tiledkernel[table]'`"
        ) from error
    assert callable(loaded)
    return loaded
