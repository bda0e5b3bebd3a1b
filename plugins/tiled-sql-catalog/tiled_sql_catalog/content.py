"""What is said about a node: checked, and as it is stored."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from msgspec import Struct

from tiled_sql_catalog.entries import specs_text
from tiledkernel import wire
from tiledkernel.errors import Unprocessable
from tiledkernel.specs import MAX_LENGTH, MAX_SPECS, Spec, as_spec

MAX_METADATA = 16 * 2**20  # bytes of JSON
MAX_TAGS = 1000
MAX_TEXT = 255  # characters of a family, a tag or a token


class Content(Struct, frozen=True):
    """What can be changed about a node, checked, and as it is stored."""

    metadata: dict[str, Any]
    metadata_text: str
    specs: tuple[Spec, ...]
    specs_text: str
    access_tags: frozenset[str] | None
    tags_text: str | None

    @property
    def row(self) -> dict[str, Any]:
        """The columns of a node, or of a revision."""
        return {"metadata": self.metadata_text, "specs": self.specs_text, "access_tags": self.tags_text}


def content_of(metadata: Mapping[str, Any], specs: Sequence[Spec | str], access_tags: Iterable[str] | None) -> Content:
    """Checked content; Unprocessable names what is wrong."""
    try:
        text = text_of(metadata)
        decoded = wire.decode_json(text)
    except (RecursionError, ValueError):  # ValueError: a number that JSON has no room for
        raise Unprocessable("these metadata cannot be stored: they are nested too deeply", "body", "metadata") from None
    if len(text) > MAX_METADATA:
        raise Unprocessable(
            f"these metadata take {len(text)} characters of JSON, more than {MAX_METADATA}: store data as data",
            "body", "metadata",
        )  # fmt: skip
    known, tags = checked_specs(specs), checked_tags(access_tags)
    return Content(decoded, text, known, specs_text(known), tags, None if tags is None else text_of(sorted(tags)))


def checked_specs(specs: Sequence[Spec | str]) -> tuple[Spec, ...]:
    """Specs that can be stored; Unprocessable says why they cannot."""
    found = tuple(as_spec(spec) for spec in specs)
    if len(found) > MAX_SPECS:
        raise Unprocessable(f"{len(found)} specs are too many: at most {MAX_SPECS} are taken", "body", "specs")
    if len({spec.name for spec in found}) < len(found):
        raise Unprocessable("a spec is given twice: give each name once", "body", "specs")
    for spec in found:
        if not 0 < len(spec.name) <= MAX_LENGTH or len(spec.version or "") > MAX_LENGTH:
            raise Unprocessable(
                f"{spec.name[:80]!r} can be no spec: names and versions have 1 to {MAX_LENGTH} characters",
                "body", "specs",
            )  # fmt: skip
    return found


def checked_tags(tags: Iterable[str] | None) -> frozenset[str] | None:
    """Tags that can be stored; Unprocessable says why they cannot."""
    if tags is None:
        return None
    found = frozenset(tags)
    if len(found) > MAX_TAGS:
        raise Unprocessable(f"{len(found)} tags are too many: at most {MAX_TAGS} are taken", "body", "access_tags")
    for tag in found:
        check_text(tag, "access_tags")
    return found


def check_text(text: str, *where: str) -> str:
    """A short text that any database can store; Unprocessable if it is none."""
    if len(text) > MAX_TEXT or "\0" in text or not text.isprintable():
        raise Unprocessable(
            f"{text[:80]!a} is not accepted here: expected at most {MAX_TEXT} printable characters", "body", *where
        )
    return text


def text_of(content: Any) -> str:
    """JSON as it is stored."""
    return wire.encode_json(wire.plain(content)).decode()
