"""Specs: names, with optional versions, for what a node promises beyond its structure."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from tiledkernel.errors import Unprocessable

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


def check_specs(specs: Sequence[Spec | str]) -> tuple[Spec, ...]:
    """The specs of one node; Unprocessable if there are too many, one is there twice, or one can be none."""
    found = tuple([as_spec(spec) for spec in specs])
    if len(found) > MAX_SPECS:
        raise Unprocessable(f"{len(found)} specs are too many: at most {MAX_SPECS} are taken", "body", "specs")
    if len({spec.name for spec in found}) < len(found):
        raise Unprocessable("a spec is given twice: give each name once", "body", "specs")
    for spec in found:
        if not 0 < len(spec.name) <= MAX_LENGTH or len(spec.version or "") > MAX_LENGTH:
            raise Unprocessable(
                f"{spec.name[:80]!r} can be no spec: names and versions have 1 to {MAX_LENGTH} characters",
                "body",
                "specs",
            )
    return found
