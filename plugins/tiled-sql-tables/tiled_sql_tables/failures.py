"""What databases complain about, in words that tell the caller what to do, and nobody where the database is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeAlias

from tiledkernel.errors import Gone, KernelError, NotReady, StorageFull, Unprocessable

Translate: TypeAlias = Callable[[Exception], KernelError | None]


@contextmanager
def translated(kinds: tuple[type[Exception], ...], translate: Translate) -> Iterator[None]:
    """Turn an error of a driver into one of ours; one that is nobody's fault but ours passes as it is."""
    try:
        yield
    except kinds as error:
        found = translate(error)
        if found is None:
            raise
        raise found from error


def busy(kind: str) -> KernelError:
    """Another writer was faster, or has taken long."""
    return NotReady(f"the {kind} database of this table is busy: try again in a moment")


def down(kind: str, reason: str = "cannot be reached") -> KernelError:
    """Nobody can use the database now."""
    return NotReady(f"the {kind} database of this table {reason}: try again in a moment", retry_after=5)


def gone(kind: str) -> KernelError:
    """Somebody has removed what was there."""
    return Gone(f"the rows of this table are gone: the {kind} database has none of them any more")


def full(kind: str) -> KernelError:
    """There is no room."""
    return StorageFull(f"there is no room left for the {kind} database of this table: nothing was changed")


def unfit(kind: str, error: Exception) -> KernelError:
    """A value that the database does not take."""
    return Unprocessable(f"{kind} does not take these rows: {str(error).strip().partition(chr(10))[0]}", "body")
