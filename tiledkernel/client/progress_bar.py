"""The bar itself: a widget in notebooks, otherwise a line on stderr that vanishes when it is done."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from tiledkernel.client.progress import in_notebook


@contextmanager
def bar(total: int) -> Iterator[Callable[[], None]]:
    """A bar for `total` requests; call what it gives once for each that is done."""
    columns = (TextColumn("Reading"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    console = Console(stderr=not in_notebook())
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("", total=total)

        def advance() -> None:
            progress.advance(task)

        yield advance
