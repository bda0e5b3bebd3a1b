"""Arrays as pages: what they are, a picture if they are an image, and a table of elements.

Of large arrays the table shows the corners, and the picture every n-th pixel; the page says so. It needs nothing from
elsewhere and runs no script; every text in it that came from data is escaped.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator, Sequence
from html import escape
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tiled_exporters import png
from tiled_exporters.parts import part_of
from tiled_exporters.suits import CHANNELS
from tiledkernel.encoding import Encoding
from tiledkernel.families.array.payload import ArrayPayload
from tiledkernel.slices import format_slice

ROWS = 60  # of a table; half from the beginning, half from the end
COLUMNS = 20
PIXELS = 512  # along each side of a picture
CHARACTERS = 200  # of an element
_STYLE = """
body { font: 1rem/1.5 system-ui, sans-serif; margin: 2rem; color: #1b1b1b; background: #fff }
img { image-rendering: pixelated; border: 1px solid #767676; min-width: 8rem; max-width: 100% }
figure { margin: 1rem 0 } figcaption, caption { text-align: left; color: #4a4a4a }
.scroll { overflow: auto; max-height: 40rem }
table { border-collapse: collapse; font-variant-numeric: tabular-nums }
th, td { padding: .1rem .6rem; text-align: right; border-bottom: 1px solid #ddd; white-space: pre }
th { color: #4a4a4a; font-weight: 600 }
"""


def encode(payload: ArrayPayload, context: Encoding) -> str:
    """A page about an array of any shape and element type."""
    payload.check_size()  # the parts that are shown lie all over the array
    name = escape(context.name or "array")
    parts = [_summary(payload)]
    plane, colour = payload, _is_colour(payload)
    leading = len(payload.shape) - (3 if colour else 2)
    empty = 0 in payload.shape
    if leading > 0 and not empty:
        plane = part_of(payload, (0,) * leading)
        parts.append(_paragraph(f"Shown is the part {format_slice((0,) * leading)!r}: choose another with 'slice='."))
    if empty:
        parts.append(_paragraph("It has no elements."))
    else:
        parts += [*_picture(plane), *([] if colour else _table(plane))]
    return (
        f'<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<title>{name}</title>\n'
        f"<style>{_STYLE}</style>\n</head>\n<body>\n<main>\n<h1>{name}</h1>\n"
        + "\n".join(parts)
        + "\n</main>\n</body>\n</html>\n"
    )


def _summary(payload: ArrayPayload) -> str:
    extent = " × ".join(map(str, payload.shape))  # noqa: RUF001 - the sign for "times"
    dims = payload.node.structure.dims
    along = f", along {', '.join(dims)}" if dims and len(dims) == len(payload.shape) else ""
    count = f"An array of {extent} elements" if payload.shape else "A single value"
    return _paragraph(f"{count} of type {_shortened(str(payload.dtype))}{along}.")


def _paragraph(text: str) -> str:
    return f"<p>{escape(text)}</p>"


def _is_colour(payload: ArrayPayload) -> bool:
    """Whether the last axis holds colours, as it does for PNG images."""
    return len(payload.shape) > 2 and payload.shape[-1] in CHANNELS and payload.dtype.kind in "biufc"


def _picture(plane: ArrayPayload) -> Iterator[str]:
    """What the PNG shows, in every n-th pixel if it is large."""
    if len(plane.shape) < 2 or plane.dtype.kind not in "biufc":
        return
    step = max(-(-length // PIXELS) for length in plane.shape[:2])
    data, told = png.draw(part_of(plane, (slice(None, None, step), slice(None, None, step))).read())
    if step > 1:
        told += f". Of every {step} rows and columns one is shown: ask for image/png to see all"
    yield (
        f'<figure>\n<img alt="The array as an image of {plane.shape[1]} by {plane.shape[0]} pixels" '
        f'src="data:image/png;base64,{base64.b64encode(data).decode()}">\n'
        f"<figcaption>Brightness: {escape(told)}.</figcaption>\n</figure>"
    )


def _table(plane: ArrayPayload) -> Iterator[str]:
    rows = _shown(plane.shape[0] if plane.shape else 1, ROWS)
    columns = _shown(plane.shape[1], COLUMNS) if len(plane.shape) > 1 else [range(1)]
    names = plane.dtype.names if len(plane.shape) < 2 else None
    heads = names or [*_labels(columns)] if names or len(plane.shape) > 1 else ["value"]
    if len(rows) + len(columns) > 2:
        yield _paragraph(
            f"Shown are the first and last of {_extent(plane.shape)}: ask for text/csv, or for a slice, to see all."
        )
    lines = [
        f'<tr><th scope="row">{label}</th>{"".join(f"<td>{cell}</td>" for cell in cells)}</tr>'
        for label, cells in zip(_labels(rows), _cells(plane, rows, columns), strict=True)
    ]
    head = "".join(f'<th scope="col">{escape(str(label))}</th>' for label in heads)
    yield (
        '<div class="scroll" role="region" aria-label="Elements" tabindex="0">\n<table>\n<caption>Elements</caption>\n'
        f'<thead><tr><th scope="col">index</th>{head}</tr></thead>\n<tbody>\n'
        + "\n".join(lines)
        + "\n</tbody>\n</table>\n</div>"
    )


def _extent(shape: tuple[int, ...]) -> str:
    return f"{shape[0]} rows and {shape[1]} columns" if len(shape) > 1 else f"{shape[0]} elements"


def _shown(length: int, most: int) -> list[range]:
    """All positions along an axis, or those at its beginning and its end."""
    return [range(length)] if length <= most else [range(most // 2), range(length - most // 2, length)]


def _labels(ranges: Sequence[range]) -> Iterator[str]:
    """The positions, with an ellipsis where some are left out."""
    for place, positions in enumerate(ranges):
        yield from ["…"] * (place > 0)
        yield from map(str, positions)


def _cells(plane: ArrayPayload, rows: Sequence[range], columns: Sequence[range]) -> Iterator[list[str]]:
    """The texts of the elements that are shown, row by row; only these are read."""
    for place, band in enumerate(rows):
        pieces = [_texts(_read(plane, band, span)) for span in columns]
        lines = [list(_joined(line)) for line in zip(*pieces, strict=True)]
        if place:
            yield ["…"] * len(lines[0])
        yield from lines


def _joined(pieces: Sequence[list[str]]) -> Iterator[str]:
    for place, piece in enumerate(pieces):
        yield from ["…"] * (place > 0)
        yield from piece


def _read(plane: ArrayPayload, band: range, span: range) -> NDArray[Any]:
    """A rectangle of elements, with two dimensions."""
    parts = (slice(band.start, band.stop), slice(span.start, span.stop))[: len(plane.shape)]
    return part_of(plane, parts).read().reshape(len(band), len(span))


def _texts(array: NDArray[Any]) -> list[list[str]]:
    """The escaped texts of elements; of a column of records, one for each field."""
    if array.dtype.names and array.shape[1] == 1:
        fields = [_texts(np.asarray(array[name]).reshape(len(array), -1)) for name in array.dtype.names]
        return [[", ".join(cells) for cells in line] for line in zip(*fields, strict=True)]
    if array.dtype.kind in "mM":
        array = array.astype(str)
    elif array.dtype.kind == "V" and not array.dtype.names:
        return [[_shortened(bytes(value).hex()) for value in line] for line in array.tolist()]
    return [[escape(_text(value)) for value in line] for line in array.tolist()]


def _text(value: Any) -> str:
    return _shortened(value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value))


def _shortened(text: str) -> str:
    return text if len(text) <= CHARACTERS else f"{text[:CHARACTERS]}…"
