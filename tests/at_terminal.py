"""A command at a terminal, and a person who types there."""

from __future__ import annotations

import os
import pty
import select
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

PATIENCE = 60.0  # seconds


def at_terminal(
    command: Sequence[str | Path],
    answers: Sequence[tuple[str, str]],
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
) -> tuple[str, int]:
    """What is on the screen at the end, and the exit status; each answer is typed when its question has come."""
    screen, terminal = pty.openpty()
    streams = {"stdin": terminal, "stdout": terminal, "stderr": terminal}
    process = subprocess.Popen(command, cwd=cwd, env=env, start_new_session=True, **streams)
    os.close(terminal)
    waiting, shown, seen, deadline = list(answers), "", 0, time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if select.select([screen], [], [], 0.1)[0]:
            try:
                shown += os.read(screen, 4096).decode()
            except OSError:  # the other side is closed
                break
        if waiting and waiting[0][0] in shown[seen:]:
            seen = len(shown)
            os.write(screen, f"{waiting.pop(0)[1]}\n".encode())
    else:
        process.kill()
    os.close(screen)
    return shown.replace("\r\n", "\n"), process.wait(PATIENCE)
