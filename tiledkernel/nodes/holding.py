"""One writer at a time of data that rest in a folder, which may be another one by the time that it is their turn."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path

from tiledkernel.errors import NotFound, Unavailable
from tiledkernel.nodes.durable import locked
from tiledkernel.nodes.protocols import DataSource
from tiledkernel.nodes.storing import Keeper


@contextmanager
def holding(keeper: Keeper, folder_of: Callable[[DataSource], Path], *, shared: bool = False) -> Iterator[DataSource]:
    """The data source as it is by now, and nobody else changes its folder meanwhile; of `shared` holders many do.

    NotFound if the node is gone, Unavailable if its folder is.
    """
    lock, source = _take(keeper, folder_of, shared=shared)
    with lock:
        yield source


@contextmanager
def unless_named(keeper: Keeper, made: DataSource, remove: Callable[[], object]) -> Iterator[None]:
    """Remove new data if something goes wrong before the catalog names them."""
    try:
        yield
    except BaseException:
        if not _may_be_named(keeper, made):
            remove()
        raise


def _may_be_named(keeper: Keeper, made: DataSource) -> bool:
    """Whether the catalog names data, or cannot say that it does not."""
    try:
        return _uris(keeper.current()) == _uris(made)
    except NotFound:
        return False
    except Exception:  # noqa: BLE001 - the failure that led here is what is told
        return True


def _uris(source: DataSource) -> list[str]:
    return [asset.data_uri for asset in source.assets]


def _take(
    keeper: Keeper, folder_of: Callable[[DataSource], Path], *, shared: bool
) -> tuple[AbstractContextManager[object], DataSource]:
    while True:
        folder = folder_of(keeper.current())
        with ExitStack() as stack:
            found = _lock(stack, folder, shared=shared)
            source = keeper.current()
            if folder_of(source) == folder:
                if not found:
                    raise Unavailable(f"the folder {folder.name!r}, where the data rested, is gone")
                return stack.pop_all(), source


def _lock(stack: ExitStack, folder: Path, *, shared: bool) -> bool:
    """Wait for the lock of a folder; whether the folder is there."""
    try:
        stack.enter_context(locked(folder, shared=shared))
    except FileNotFoundError:
        return False
    return True
