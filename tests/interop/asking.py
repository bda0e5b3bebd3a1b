"""A client in a process of its own, and what its answers have in common with another's."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

from .conftest import environment

KERNEL, REFERENCE = "tiledkernel", "tiled"
PATIENCE = 600.0  # seconds until a client counts as hanging


class Asking:
    """A client that is asking a server: a script, its arguments, and where it writes its answers."""

    def __init__(self, python: Path | str, script: Path, answers: Path, *arguments: str | Path) -> None:
        self.answers = answers
        self.process = subprocess.Popen(
            [python, "-W", "ignore", script, *arguments],
            env=environment(), cwd=answers.parent, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip
        self.said: list[str] = []

    def has_said(self, word: str) -> bool:
        """Wait until it has; False if it ends before."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.said.append(line)
            if line.strip() == word:
                return True
        return False

    def found(self) -> Any:
        """Its answers, as soon as it has all of them."""
        try:
            said, _ = self.process.communicate(timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise
        assert self.process.returncode == 0, "".join([*self.said, said])
        return json.loads(self.answers.read_text(encoding="utf-8"))


def outcome(answer: Any) -> Any:
    """What counts of an answer: the value, or the kind of error, whatever its words."""
    return None if answer is None else answer.get("raises", answer)
