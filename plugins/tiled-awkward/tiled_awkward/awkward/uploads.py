"""Buffers of awkward arrays that somebody sends."""

from __future__ import annotations

from tiled_awkward.awkward.forms import blank_sizes, check_content, form_of, is_bounded
from tiled_awkward.awkward.structure import AwkwardStructure
from tiled_awkward.uploads import FRAME, LIMIT, read_uploaded


def limit_of(structure: AwkwardStructure) -> int:
    """How many bytes the buffers of an array may have: as many as its form and length promise, if they do."""
    form = form_of(structure)
    return min(sum(blank_sizes(form, structure.length).values()) + FRAME, LIMIT) if is_bounded(form) else LIMIT


def decode_buffers(body: memoryview, structure: AwkwardStructure) -> dict[str, memoryview]:
    """The buffers in an archive by their names; Unprocessable unless they make up an array of this structure."""
    content = read_uploaded(body, limit_of(structure))
    check_content(form_of(structure), structure.length, content)
    return content
