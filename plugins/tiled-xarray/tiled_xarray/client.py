"""The client of a dataset; xarray and pandas load when variables are read."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from tiled_xarray.specs import COORDINATE, DATA_VARIABLE
from tiledkernel import references
from tiledkernel.client.calls import call_export
from tiledkernel.client.plans import Plan, ask_bytes
from tiledkernel.families.container.client import Container
from tiledkernel.media_types import ARROW_FILE

if TYPE_CHECKING:
    import xarray


class DatasetClient(Container):
    """A dataset on the server: a container of arrays, of which some are coordinates of the others.

    >>> ds.read()
    >>> ds.read(["temperature"])
    >>> ds["temperature"][:10]
    """

    def read(self, variables: str | Sequence[str] | None = None, *, optimize_wide_table: bool = True) -> xarray.Dataset:
        """All variables, or those named with the coordinates that belong to them.

        Parameters
        ----------
        variables
            Names of data variables or coordinates; all if left out.
        optimize_wide_table
            Whether one-dimensional variables are fetched together, as a table, instead of one by one.

        Examples
        --------
        >>> ds.read(["temperature"]).temperature.mean("time")
        """
        reading: Callable[..., Plan[xarray.Dataset]] = references.load("tiled_xarray.client_dataset:reading")
        return self._run(reading(self, checked_names(variables), together=optimize_wide_table))

    def describing_variables(self) -> Plan[dict[str, Mapping[str, Any]]]:
        """The server's descriptions of the variables by name; ValueError if something else is among them."""
        found = {item["id"]: item for item in (yield from self.descriptions().taking())}
        for name, item in found.items():
            if not roles_of(item) & {COORDINATE.name, DATA_VARIABLE.name}:
                raise ValueError(
                    f"{name!r} in {self.uri} is no variable of a dataset: it has neither of the specs "
                    f"{COORDINATE.name!r} and {DATA_VARIABLE.name!r}"
                )
        return found

    def fetching_table(self, names: Sequence[str]) -> Plan[bytes | bytearray]:
        """Some variables together, as an Arrow file."""
        return ask_bytes(call_export(self._link("full"), ARROW_FILE, [], "field", names))

    def client_of(self, item: Mapping[str, Any]) -> Any:
        """The client of a variable that the server has described."""
        return self._client_of(item)

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:  # noqa: FBT001 - IPython calls it so
        del cycle
        printer.text(f"<{type(self).__name__} {list(self)}>")


def roles_of(item: Mapping[str, Any]) -> set[str]:
    """The names of the specs of a node."""
    return {spec["name"] for spec in item["attributes"].get("specs") or []}


def checked_names(variables: str | Sequence[str] | None) -> list[str] | None:
    """The names of variables as a list; None for all."""
    return [variables] if isinstance(variables, str) else None if variables is None else list(variables)
