"""Specs: names, with optional versions, for what a node promises beyond its structure."""

from __future__ import annotations

from msgspec import Struct

MAX_SPECS = 20
MAX_LENGTH = 255


class Spec(Struct, frozen=True):
    """A named promise about a node, such as `Spec('xarray_dataset')` or `Spec('scan', version='2')`."""

    name: str
    version: str | None = None

    def __repr__(self) -> str:
        return f"Spec({self.name!r})" if self.version is None else f"Spec({self.name!r}, version={self.version!r})"


def as_spec(value: str | Spec) -> Spec:
    """A spec from its name, or the spec itself."""
    return Spec(value) if isinstance(value, str) else value
