"""`python -m tiledkernel` is the command `tiledkernel`."""

from __future__ import annotations

from tiledkernel.cli.main import main

main()
