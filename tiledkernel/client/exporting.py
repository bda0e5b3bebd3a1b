"""Save data in a format for people or for other programs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tiledkernel.client.calls import Parameters, call_export
from tiledkernel.client.files import Rewinder, into_file
from tiledkernel.client.plans import Plan, ask_data


def choose_format(filepath: Any, media_type: str | None) -> str:
    """The format to ask for: what was given, else all suffixes of the path."""
    if media_type is not None:
        return media_type.removeprefix(".")
    if not isinstance(filepath, (str, Path)):
        raise ValueError("a buffer has no suffix that tells the format: pass format=, such as 'csv' or 'text/csv'")  # noqa: TRY004 - documented
    suffixes = ".".join(suffix[1:] for suffix in Path(filepath).suffixes)
    if not suffixes:
        raise ValueError(
            f"{str(filepath)!r} has no suffix that tells the format: add one such as '.csv', or pass format="
        )
    return suffixes


def saving(
    url: str,
    filepath: Any,
    media_type: str | None,
    *,
    parameters: Parameters | None = None,
    choose: tuple[str, Sequence[str] | None] = ("", None),
) -> Plan[None]:
    """Download an export to a path or into a writable binary buffer; a path gets the whole file or none."""
    call = call_export(url, choose_format(filepath, media_type), parameters or [], *choose)
    if isinstance(filepath, (str, Path)):
        yield from ask_data(call, lambda _: into_file(Path(filepath)))
    else:
        rewinder = Rewinder(filepath)
        yield from ask_data(call, lambda _: rewinder.sink())
