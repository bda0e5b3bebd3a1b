"""A sample workbook for `generate_files`."""

from __future__ import annotations

from pathlib import Path

import pandas as pd


def write_sheets(directory: Path) -> list[Path]:
    """Write a workbook of two sheets; returns its path."""
    path = directory / "tables.xlsx"
    with pd.ExcelWriter(path, engine="openpyxl") as writer:
        pd.DataFrame({"A": [1, 2, 3], "B": [4, 5, 6]}).to_excel(writer, sheet_name="Sheet 1", index=False)
        pd.DataFrame({"C": [10, 20, 30], "D": [40, 50, 60]}).to_excel(writer, sheet_name="Sheet 2", index=False)
    return [path]
