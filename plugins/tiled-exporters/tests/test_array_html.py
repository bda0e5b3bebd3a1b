"""Arrays as pages: what a browser shows, and that nothing in the data becomes part of the page."""

from __future__ import annotations

import base64
import io
from html.parser import HTMLParser

import numpy as np
import pytest
from PIL import Image
from tiled_exporters import array_html

from tiledkernel.encoding import Encoding
from tiledkernel.families.array.memory import MemoryArray
from tiledkernel.families.array.payload import ArrayPayload
from tiledkernel.media_types import Offer
from tiledkernel.slices import cut_shape

EVIL = '"><script>alert(1)</script>'
VOID = {"meta", "img", "br"}


class Page(HTMLParser):
    """The tags, rows of cells, and sentences of a page; fails if tags are not closed in order."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.open, self.rows, self.heads, self.sentences, self.images = [], [], [], [], [], []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        if tag not in VOID:
            self.open.append(tag)
        if tag == "tr":
            self.rows.append([])
        if tag in {"td", "th"}:
            self.rows[-1].append("")
        if tag in {"p", "figcaption", "h1"}:
            self.sentences.append("")
        if tag == "img":
            self.images.append(dict(attrs))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] in {"td", "th"}:
            self.rows[-1][-1] += data
        if self.open and self.open[-1] in {"p", "figcaption", "h1"}:
            self.sentences[-1] += data


def page(array, name="x", node=None, **options):
    node = node or MemoryArray(array, **options)
    payload = ArrayPayload(node, cut_shape((), node.structure.shape))
    return Page(array_html.encode(payload, Encoding(Offer("text/html"), name)))


def picture(found):
    kind, _, data = found.images[0]["src"].partition(",")
    assert kind == "data:image/png;base64"
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(data))))


def test_a_page_shows_an_image_and_its_elements():
    array = np.arange(12).reshape(3, 4)
    found = page(array, dims=("y", "x"))
    assert found.sentences[:2] == ["x", "An array of 3 × 4 elements of type int64, along y, x."]  # noqa: RUF001
    assert found.rows == [
        ["index", "0", "1", "2", "3"],
        ["0", "0", "1", "2", "3"],
        ["1", "4", "5", "6", "7"],
        ["2", "8", "9", "10", "11"],
    ]
    assert picture(found).shape == (3, 4)
    assert "black is" in found.sentences[2]
    assert found.images[0]["alt"]


def test_a_large_array_shows_its_corners_and_says_so():
    array = np.arange(1000 * 600).reshape(1000, 600)
    found = page(array)
    assert len(found.rows) == 1 + array_html.ROWS + 1
    assert len(found.rows[0]) == 1 + array_html.COLUMNS + 1
    assert found.rows[1][:3] == ["0", "0", "1"]
    assert found.rows[-1][-1] == str(array[-1, -1])
    assert "…" in found.rows[0]
    assert "the first and last of 1000 rows and 600 columns" in " ".join(found.sentences)
    assert max(picture(found).shape) <= array_html.PIXELS
    assert "Of every 2 rows and columns one is shown" in " ".join(found.sentences)


def test_of_a_large_array_only_what_is_shown_is_read():
    class Watched(MemoryArray):
        most = 0

        def read(self, cut):
            self.most = max(self.most, cut.size)
            return super().read(cut)

    node = Watched(np.zeros((2000, 3000)))
    page(None, node=node)
    assert node.most <= array_html.PIXELS**2


def test_of_a_stack_one_image_is_shown_and_the_page_says_which():
    array = np.arange(2 * 3 * 4 * 5).reshape(2, 3, 4, 5)
    found = page(array)
    assert found.rows[1][1:] == [str(value) for value in array[0, 0, 0]]
    assert "'0,0'" in " ".join(found.sentences)


def test_colours_are_shown_as_a_picture():
    found = page(np.zeros((4, 5, 3), "u1"))
    assert picture(found).shape == (4, 5, 3)
    assert found.rows == []


def test_records_have_a_column_for_each_field():
    pets = np.array([("Rex", 9, (1.5, 2)), ("Fido", 3, (3, 4))], [("name", "U10"), ("age", "i4"), ("at", "f4", (2,))])
    assert page(pets).rows == [
        ["index", "name", "age", "at"],
        ["0", "Rex", "9", "1.5, 2.0"],
        ["1", "Fido", "3", "3.0, 4.0"],
    ]


@pytest.mark.parametrize(
    ("array", "cells"),
    [
        (np.array(3.5), ["3.5"]),
        (np.array(["2026-01-02", "NaT"], "M8[D]"), ["2026-01-02", "NaT"]),
        (np.array([90], "m8[s]"), ["90 seconds"]),
        (np.array([b"a\xff"]), ["a�"]),
        (np.array([1 + 2j]), ["(1+2j)"]),
        (np.array([np.nan, -np.inf]), ["nan", "-inf"]),
        (np.array([b"\1\2"], "V2"), ["0102"]),
        (np.zeros(2, "U0"), ["", ""]),
        (np.array(["x" * 1000]), ["x" * 200 + "…"]),
        (np.array([True]), ["True"]),
    ],
)
def test_elements_of_every_type_have_a_text(array, cells):
    assert [row[1] for row in page(array).rows[1:]] == cells


@pytest.mark.parametrize("shape", [(0,), (0, 4), (3, 0), (2, 0, 5)])
def test_an_empty_array_says_so(shape):
    found = page(np.zeros(shape))
    assert "It has no elements." in found.sentences
    assert found.rows == []


@pytest.mark.parametrize(
    "array",
    [
        np.array([EVIL]),
        np.array([EVIL.encode()]),
        np.array([(EVIL, 1)], [(EVIL, "U40"), ("b", "i4")]),
        np.array([[(EVIL, 1)]], [("a", "U40"), (EVIL, "i4")]),
    ],
)
def test_nothing_in_the_data_becomes_part_of_the_page(array):
    found = page(array, name=EVIL, dims=(EVIL,) * array.ndim)
    assert "script" not in found.tags
    assert found.sentences[0] == EVIL


def test_a_browser_is_told_to_run_nothing(serve):
    response = serve({"a": np.zeros((3, 3))}).get("array/full/a?format=html")
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    assert "default-src 'none'" in response.headers["content-security-policy"]
    assert "sandbox" in response.headers["content-security-policy"]
