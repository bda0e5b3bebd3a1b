r"""The header of an XDI file, version 1.0: versions, fields, comments and labels, from lines and to lines.

As metadata of a table it is

    {
        "xdi_version": "1.0",
        "extra_version": "GSE/1.0",
        "fields": {"Element": {"symbol": "Cu", "edge": "K"}, "Column": {"1": "energy eV", "2": "i0"}},
        "comments": "Cu foil at room temperature\nsecond line",
    }

with `extra_version` and `comments` only where a file has them. Field names do not tell upper from lower case: of a
field that occurs twice the last value counts.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from msgspec import Struct

from tiledkernel import wire

VERSION = "1.0"
_VERSION_LINE = re.compile(r"#[ \t]*XDI/([0-9]+(?:\.[0-9]+)*)[ \t]*(.*)")
_FIELD = re.compile(r"#[ \t]*([A-Za-z][A-Za-z0-9_-]*)\.([A-Za-z0-9_-]+)[ \t]*:[ \t]*(.*)")
_END_OF_FIELDS = re.compile(r"#[ \t]*/{3,}[ \t]*")
_END_OF_HEADER = re.compile(r"#[ \t]*-{3,}[ \t]*")
_END_OF_LINE = re.compile(r"[\r\n\v\f\x1c-\x1e\x85\u2028\u2029]+")
_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9_-]+")
_NOT_IN_LABELS = re.compile(r"[\s\x00-\x1f\x7f]+")
_COLUMN = "column"
_RULE = "# /////////////"
_LINE = "# -------------"


class Header(Struct):
    """What stands above the numbers; `labels` is the line of column names, if there is one."""

    version: str
    extra: str
    fields: dict[str, dict[str, str]]
    comments: list[str]
    labels: list[str] | None = None

    def metadata(self) -> dict[str, Any]:
        """As the metadata of a table."""
        found: dict[str, Any] = {"xdi_version": self.version}
        if self.extra:
            found["extra_version"] = self.extra
        found["fields"] = self.fields
        if self.comments:
            found["comments"] = "\n".join(self.comments)
        return found

    def column_names(self, count: int | None) -> list[str]:
        """A distinct name for each of `count` columns: from the field `Column.N`, from the labels, or made up.

        None is the count of a file without rows: it has as many columns as labels, or fields that name columns.
        """
        told = self.fields.get(_key_of(self.fields, _COLUMN) or "", {})
        if count is None:
            count = len(self.labels or told)
        labels = self.labels if self.labels is not None and len(self.labels) == count else [""] * count
        names: list[str] = []
        for place, label in enumerate(labels, start=1):
            words = told.get(str(place), "").split()
            name = words[0] if words else label or f"column{place}"
            names.append(name if name not in names else f"{name}_{place}")
        return names


def parse_header(lines: Iterator[tuple[int, str]]) -> Header:
    """Take the lines of a header, but not the labels, from numbered ones; ValueError says what is wrong with it."""
    first = _VERSION_LINE.fullmatch(next(lines, (1, ""))[1].rstrip())
    if first is None:
        raise ValueError("the first line is not '# XDI/1.0': this is no XDI file")
    header = Header(first[1], first[2], {}, [])
    in_comments = False
    for number, line in lines:
        text = line.strip(" \t")
        if not text:
            continue
        if not text.startswith("#"):
            raise ValueError(
                f"line {number} does not begin with '#': the line '# ---', which ends the header, is missing"
            )
        if _END_OF_HEADER.fullmatch(text):
            return header
        if in_comments:
            header.comments.append(text[1:].removeprefix(" "))
        elif _END_OF_FIELDS.fullmatch(text):
            in_comments = True
        elif field := _FIELD.fullmatch(text):  # what is no field is ignored, as the format wants it
            _put(header.fields, *field.groups())
    raise ValueError("the header has no end: the line '# ---' is missing")


def _put(fields: dict[str, dict[str, str]], family: str, name: str, value: str) -> None:
    section = fields.setdefault(_key_of(fields, family) or family, {})
    section[_key_of(section, name) or name] = value


def _key_of(mapping: Mapping[str, Any], name: str) -> str | None:
    """The key that is spelled like `name` but for upper and lower case."""
    return next((key for key in mapping if key.lower() == name.lower()), None)


def header_lines(metadata: Mapping[str, Any], columns: Sequence[str]) -> Iterator[str]:
    """The lines of the header for a table with these columns."""
    version = _one_line(metadata.get("xdi_version") or VERSION)
    extra = _one_line(metadata.get("extra_version") or "")
    yield f"# XDI/{version if re.fullmatch('[0-9]+([.][0-9]+)*', version) else VERSION} {extra}".rstrip()
    labels = [_NOT_IN_LABELS.sub("_", name) or f"column{place}" for place, name in enumerate(columns, start=1)]
    sections = list(_sections(metadata))
    told = [_one_line(value) for family, name, value in sections if family.lower() == _COLUMN and name.isdecimal()]
    for place, label in enumerate(labels, start=1):
        # With its unit, whatever number the column had among those of the whole table.
        yield f"# Column.{place}: {next((value for value in told if value.split()[:1] == [label]), label)}"
    for family, name, value in sections:
        if family.lower() != _COLUMN:
            yield f"# {family}.{name}: {_one_line(value)}".rstrip()
    yield _RULE
    for line in _comments(metadata.get("comments")):
        yield f"# {line}".rstrip()
    yield _LINE
    yield f"# {' '.join(labels)}"


def _sections(metadata: Mapping[str, Any]) -> Iterator[tuple[str, str, Any]]:
    """Family, name and value of each field: those of `fields`, or of all metadata if there is none."""
    fields = metadata.get("fields")
    if not isinstance(fields, Mapping):
        own = ("xdi_version", "extra_version", "comments", "fields")
        fields = {key: value for key, value in metadata.items() if key not in own}
    for key, value in fields.items():
        family, dot, name = str(key).partition(".")
        if isinstance(value, Mapping):
            yield from ((_family(str(key)), _word(str(inner)), content) for inner, content in value.items())
        elif dot:
            yield _family(family), _word(name), value
        else:
            yield "Metadata", _word(str(key)), value


def _family(name: str) -> str:
    """A name that begins with a letter."""
    word = _word(name)
    return word if word[0].isalpha() else f"X{word}"


def _word(name: str) -> str:
    return _NOT_IN_NAMES.sub("_", name) or "_"


def _one_line(value: Any) -> str:
    """A value as text without ends of lines; what is neither a text nor a number as JSON."""
    text = value if isinstance(value, str) else wire.encode_json(wire.plain(value)).decode().strip('"')
    return _END_OF_LINE.sub(" ", text).strip(" \t")


def _comments(comments: Any) -> Iterator[str]:
    lines = comments.split("\n") if isinstance(comments, str) else comments if isinstance(comments, list) else []
    for line in lines:
        text = _END_OF_LINE.sub(" ", str(line))
        # A comment that looks like the end of the header would be it.
        yield f"| {text}" if _END_OF_HEADER.fullmatch(f"# {text}".rstrip()) else text
