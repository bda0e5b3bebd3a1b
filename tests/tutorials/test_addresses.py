"""The addresses that the readmes give to a browser, or to any program that speaks HTTP."""

from __future__ import annotations

import io

import httpx
import pandas as pd
import pytest

PNG = b"\x89PNG\r\n\x1a\n"


@pytest.fixture(scope="module")
def url(start_server) -> str:
    return start_server("serve", "demo").url


def fetch(address: str) -> httpx.Response:
    response = httpx.get(address)
    assert response.status_code == 200, response.text
    return response


def test_a_table_as_csv(url: str) -> None:
    response = fetch(f"{url}/api/v1/table/full/long_table?format=csv")
    header, *rows = response.text.splitlines()
    assert response.headers["content-type"].startswith("text/csv")
    assert (header, len(rows)) == ("A,B,C", 100_000)


@pytest.mark.parametrize("spelling", ["xslx", "xlsx"])
@pytest.mark.parametrize("choosing", ["field", "column"])
def test_columns_of_a_table_for_excel(url: str, spelling: str, choosing: str) -> None:
    columns = f"{choosing}=A&{choosing}=B"
    sheet = fetch(f"{url}/api/v1/table/full/short_table?format={spelling}&{columns}")
    read = pd.read_excel(io.BytesIO(sheet.content), engine="openpyxl")
    assert list(read) == ["A", "B"]
    assert len(read) == 100
    assert (read["B"] - 2 * read["A"]).abs().max() < 1e-12


def test_a_whole_table_for_excel(url: str) -> None:
    sheet = fetch(f"{url}/api/v1/table/full/short_table?format=xslx")
    assert list(pd.read_excel(io.BytesIO(sheet.content), engine="openpyxl")) == ["A", "B", "C"]


def test_columns_are_chosen_in_one_way_at_a_time(url: str) -> None:
    response = httpx.get(f"{url}/api/v1/table/full/long_table?format=csv&field=A&column=B")
    assert response.status_code == 400
    assert "column" in response.json()["detail"]


@pytest.mark.parametrize(
    ("query", "width", "height"), [("format=png", 1000, 1000), ("format=png&slice=:50,100:200", 100, 50)]
)
def test_an_image_as_png(url: str, query: str, width: int, height: int) -> None:
    response = fetch(f"{url}/api/v1/array/full/medium_image?{query}")
    header = response.content[:24]
    assert response.headers["content-type"] == "image/png"
    assert header[:8] == PNG
    assert (int.from_bytes(header[16:20]), int.from_bytes(header[20:24])) == (width, height)


def test_the_documentation_of_the_interface(url: str) -> None:
    page = fetch(f"{url}/docs")
    assert page.headers["content-type"].startswith("text/html")
    assert fetch(f"{url}/openapi.json").json()["openapi"].startswith("3.")
