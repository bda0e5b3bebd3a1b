"""What became of the files."""

from __future__ import annotations

import logging
from pathlib import Path

from msgspec import Struct

logger = logging.getLogger("tiledkernel.client.register")


class Failure(Struct, frozen=True):
    """A file that did not become a node: who could not take it, and why."""

    path: Path
    plugin: str
    reason: str

    def __str__(self) -> str:
        return f"{self.path}: {self.plugin}: {self.reason}"


ADDED, UPDATED, UNCHANGED, REMOVED = "added", "updated", "unchanged", "removed"


class Report:
    """How many nodes were made, changed, left as they are and removed; what was skipped, and what failed."""

    def __init__(self) -> None:
        self.counts = dict.fromkeys((ADDED, UPDATED, UNCHANGED, REMOVED), 0)
        self.skipped: list[str] = []
        self.failures: list[Failure] = []

    def count(self, verb: str, text: str) -> None:
        """Something was done with a node, or nothing had to be done."""
        self.counts[verb] += 1
        logger.log(logging.DEBUG if verb == UNCHANGED else logging.INFO, "%s", text)

    def tell(self, level: int, text: str) -> None:
        """There is something to say about a file that becomes no node."""
        logger.log(level, "%s", text)
        if level >= logging.INFO:
            self.skipped.append(text)

    def fail(self, path: Path, plugin: str, reason: str, error: BaseException | None = None) -> None:
        """A file failed; the walk goes on."""
        self.failures.append(Failure(path, plugin, reason))
        logger.error("failed: %s: %s: %s", path, plugin, reason, exc_info=error)

    @property
    def has_changed(self) -> bool:
        """Whether anything was done."""
        return any(count for verb, count in self.counts.items() if verb != UNCHANGED)

    def __str__(self) -> str:
        counts = {**self.counts, "skipped": len(self.skipped), "failed": len(self.failures)}
        return ", ".join(f"{count} {name}" for name, count in counts.items())

    def __repr__(self) -> str:
        return f"<Registered: {self}>"
