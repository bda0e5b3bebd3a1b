from __future__ import annotations

import pytest

from tiledkernel.client.files import parse_file_name
from tiledkernel.client.messages import UnexpectedAnswer
from tiledkernel.client.uris import Address, join_path, parse_address, sibling_route

HOST = "http://host:8000"


@pytest.mark.parametrize(
    ("uri", "api_uri", "path"),
    [
        (HOST, f"{HOST}/api/v1/", ()),
        (f"{HOST}/", f"{HOST}/api/v1/", ()),
        (f"{HOST}/api", f"{HOST}/api/v1/", ()),
        (f"{HOST}/api/v1", f"{HOST}/api/v1/", ()),
        (f"{HOST}/api/v1/", f"{HOST}/api/v1/", ()),
        (f"{HOST}/prefix", f"{HOST}/prefix/api/v1/", ()),
        (f"{HOST}/prefix/api/v1/metadata/a/b", f"{HOST}/prefix/api/v1/", ("a", "b")),
        (f"{HOST}/api/v1/metadata", f"{HOST}/api/v1/", ()),
        (f"{HOST}/api/v1/metadata//a//b/", f"{HOST}/api/v1/", ("a", "b")),
        (f"{HOST}/api/v1/metadata/api/v1", f"{HOST}/api/v1/", ("api", "v1")),
        (f"{HOST}/api/v1/metadata/a%20b", f"{HOST}/api/v1/", ("a b",)),
        ("https://host", "https://host/api/v1/", ()),
    ],
)
def test_a_uri_names_a_server_and_perhaps_a_node(uri: str, api_uri: str, path: tuple[str, ...]) -> None:
    assert parse_address(uri) == Address(api_uri, path)


def test_a_key_is_taken_out_of_the_uri() -> None:
    assert parse_address(f"{HOST}?api_key=K") == Address(f"{HOST}/api/v1/", (), "K")


def test_two_keys_in_a_uri_are_refused() -> None:
    with pytest.raises(ValueError, match="2 keys"):
        parse_address(f"{HOST}?api_key=K&api_key=L")


@pytest.mark.parametrize("uri", ["ftp://host", "host:8000", "localhost", "http://"])
def test_other_schemes_are_refused_with_an_example(uri: str) -> None:
    with pytest.raises(ValueError, match="http://localhost:8000"):
        parse_address(uri)


def test_segments_are_quoted() -> None:
    assert join_path(f"{HOST}/metadata/a?x=1", ("b c", "d?")) == f"{HOST}/metadata/a/b%20c/d%3F"


def test_a_link_leads_to_the_same_node_on_another_route() -> None:
    assert sibling_route(f"{HOST}/api/v1/metadata/a/metadata", "distinct") == f"{HOST}/api/v1/distinct/a/metadata"


@pytest.mark.parametrize(
    ("disposition", "name"),
    [
        ('attachment; filename="a b.tif"', "a b.tif"),
        ('attachment;filename="a\\"b"', 'a"b'),
        ("attachment; filename=a.tif", "a.tif"),
        ("attachment; filename=\"x\"; filename*=UTF-8''%C3%A9.tif", "é.tif"),
    ],
)
def test_the_server_names_files(disposition: str, name: str) -> None:
    assert parse_file_name(disposition) == name


@pytest.mark.parametrize("name", ["../a", "/etc/passwd", "..", ".", "", "a/b", "a\0b"])
def test_names_that_are_paths_are_refused(name: str) -> None:
    with pytest.raises(UnexpectedAnswer, match="plain file name"):
        parse_file_name(f'attachment; filename="{name}"')
