"""Write sample files to serve: `python -m tiledkernel.examples.generate_files DIR`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from tiledkernel import references

TABLE = ",A,B\n0,1,4\n1,2,5\n2,3,6\n"

# What is written, the function that does it, and the modules that it needs.
KINDS = (
    ("the TIFF images", "tiledkernel.examples.sample_images:write_images", ("numpy", "tifffile")),
    ("tables.xlsx", "tiledkernel.examples.sample_sheets:write_sheets", ("pandas", "openpyxl")),
)


def generate_files(directory: Path) -> list[Path]:
    """Write images and tables into `directory`, and return their paths.

    A kind of file whose library is not installed is left out, with a line on stderr.
    """
    directory.mkdir(parents=True, exist_ok=True)
    table = directory / "another_table.csv"
    table.write_text(TABLE, encoding="utf-8")
    paths = [table]
    for what, write, modules in KINDS:
        missing = [module for module in modules if not references.installed(module)]
        if missing:
            _tell(f"leaving out {what}: install {' and '.join(missing)} to have them written")
        else:
            paths += references.load(write)(directory)
    return paths


def main(arguments: Sequence[str]) -> int:
    """Run the script; returns its exit code."""
    if len(arguments) != 1 or arguments[0].startswith("-"):
        _tell("usage: python -m tiledkernel.examples.generate_files DIR")
        return 2
    try:
        paths = generate_files(Path(arguments[0]))
    except OSError as error:
        _tell(f"cannot write to {arguments[0]}: {error.strerror}")
        return 1
    _tell(f"wrote {len(paths)} files to {arguments[0]}")
    return 0


def _tell(text: str) -> None:
    print(text, file=sys.stderr)  # noqa: T201 - a script tells what it does


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
