"""What can be said about CSV files when they are registered; what is not said is guessed."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct


class CsvOptions(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How files are written, in the words of `pandas.read_csv`.

    - `sep`, or `delimiter`: the character between fields.
    - `decimal`: the character before the decimals.
    - `encoding`: such as 'utf-8' or 'latin-1'.
    - `header`: the number of the row that names the columns, None if there is none; 'infer': guess.
    - `names`: the names of the columns; without `header`, all rows are data then.
    - `skiprows`: how many lines to leave out at the beginning.
    """

    sep: str | None = None
    delimiter: str | None = None
    decimal: str | None = None
    encoding: str | None = None
    header: int | Literal["infer"] | None = "infer"
    names: tuple[str, ...] | None = None
    skiprows: int = 0

    def __post_init__(self) -> None:
        """ValueError for what cannot be meant."""
        for name in ("sep", "delimiter", "decimal"):
            given = getattr(self, name)
            if given is not None and len(given.encode()) != 1:
                raise ValueError(f"{name}={given!r}: expected one character, such as ';' or a tab")
        if self.sep is not None and self.delimiter is not None and self.sep != self.delimiter:
            raise ValueError("sep and delimiter mean the same: give one of them")
        if self.separator is not None and self.separator == self.decimal:
            raise ValueError(f"{self.decimal!r} cannot both separate fields and stand before decimals")
        if self.skiprows < 0 or (isinstance(self.header, int) and self.header < 0):
            raise ValueError("skiprows and header count from 0")
        if self.names is not None and len(set(self.names)) < len(self.names):
            raise ValueError("names: each column needs a name of its own")

    @property
    def separator(self) -> str | None:
        """The character between fields, if it was said."""
        return self.delimiter if self.sep is None else self.sep

    @property
    def has_header(self) -> bool | None:
        """Whether a row names the columns; None: that is to be guessed."""
        if self.header == "infer":
            return None if self.names is None else False
        return self.header is not None

    @property
    def skipped(self) -> int:
        """How many lines to leave out before the header, or the data."""
        return self.skiprows + (self.header if isinstance(self.header, int) else 0)


DEFAULTS = CsvOptions()
