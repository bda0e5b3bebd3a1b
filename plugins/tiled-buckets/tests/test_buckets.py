"""Objects are replaced as a whole, under conditions if need be; and what is wrong is told in a sentence."""

from __future__ import annotations

import socket

import pytest
from tiled_buckets.bucket import PIECE, bucket_of, stream_object

from tiledkernel.errors import ConfigurationError, NotReady, Unavailable
from tiledkernel.nodes.storing import parse_location


def test_an_object_is_what_was_put_there(bucket):
    assert bucket.get("a/b") is None
    assert bucket.version("a/b") is None
    bucket.put("a/b", b"one")
    bucket.put("a/b", memoryview(b"two"))
    found = bucket.get("a/b")
    assert bytes(found.data) == b"two"
    assert found.version == bucket.version("a/b")


def test_an_object_is_made_only_where_there_is_none(bucket):
    version = bucket.put_if("a", b"one", None)
    assert version == bucket.version("a")
    assert bucket.put_if("a", b"two", None) is None
    assert bytes(bucket.get("a").data) == b"one"


def test_an_object_is_replaced_only_in_the_state_that_is_known(bucket):
    first = bucket.put_if("a", b"one", None)
    second = bucket.put_if("a", b"two", first)
    assert second not in (None, first)
    assert bucket.put_if("a", b"three", first) is None
    assert bytes(bucket.get("a").data) == b"two"


def test_an_object_that_is_gone_is_not_replaced(bucket):
    version = bucket.put_if("a", b"one", None)
    bucket.delete(["a"])
    assert bucket.put_if("a", b"two", version) is None
    assert bucket.get("a") is None


def test_objects_are_listed_and_deleted_by_what_their_keys_begin_with(bucket):
    for key in ("a/1", "a/2", "ab/3"):
        bucket.put(key, b"")
    assert sorted(bucket.keys("a/")) == ["a/1", "a/2"]
    bucket.delete([*bucket.keys("a/"), "a/none"])
    assert list(bucket.keys("")) == ["ab/3"]


@pytest.mark.parametrize(("start", "stop"), [(0, None), (5, None), (0, 7), (3, 9 << 20)])
def test_an_object_is_handed_out_piece_by_piece(bucket, location, start, stop):
    data = bytes(range(256)) * (40 << 10)
    bucket.put("large", data)
    size, pieces = stream_object(location, f"{location.uri}/large", start, stop)
    taken = list(pieces)
    assert size == len(data)
    assert b"".join(taken) == data[start:stop]
    assert max(map(len, taken)) < 2 * PIECE


def test_an_object_that_is_gone_is_told(location, bucket):
    with pytest.raises(Unavailable, match="no object 'none'"):
        bucket.stream("none")


@pytest.mark.parametrize("uri", ["s3://other/a", "file:///etc/passwd", "{uri}x/a", "{uri}"])
def test_what_lies_elsewhere_is_not_handed_out(location, uri):
    with pytest.raises(Unavailable, match="does not lie in"):
        stream_object(location, uri.format(uri=location.uri))


# What is wrong


def test_a_bucket_that_is_not_there(place):
    bucket = bucket_of(place("s3://nowhere", endpoint=place().options["endpoint"]))
    with pytest.raises(Unavailable, match="no bucket at 's3://nowhere'"):
        bucket.put("a", b"")


def test_an_option_that_nobody_knows(place):
    with pytest.raises(Unavailable, match=r"colour.*'writable_storage'"):
        bucket_of(place(colour="blue"))


def test_a_service_that_does_not_answer(place):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        bucket = bucket_of(place(f"http://127.0.0.1:{port}/data", retry_config={"max_retries": 0}))
        with pytest.raises(NotReady, match="does not answer") as caught:
            bucket.get("a")
    assert "secret" not in str(caught.value)


# How a configuration names it


@pytest.mark.parametrize(
    ("given", "uri", "endpoint"),
    [
        ({"provider": "s3", "uri": "s3://data/some/prefix/"}, "s3://data/some/prefix", None),
        ({"provider": "s3", "uri": "data"}, "s3://data", None),
        ({"provider": "s3", "uri": "http://minio:9000/data/p"}, "s3://data/p", "http://minio:9000"),
        ({"provider": "s3", "uri": "http://minio:9000", "config": {"bucket": "data"}}, "s3://data", "http://minio:9000"),
        ({"provider": "google", "uri": "gs://data"}, "gs://data", None),
        ({"provider": "azure", "uri": "https://host/container"}, "az://container", "https://host"),
    ],
)  # fmt: skip
def test_a_bucket_is_named_by_its_uri_or_its_address(given, uri, endpoint):
    location = parse_location(given)
    assert location.uri == uri
    assert location.options.get("endpoint") == endpoint
    assert "bucket" not in location.options


def test_an_address_alone_names_no_bucket():
    with pytest.raises(ConfigurationError, match="names no bucket"):
        parse_location({"provider": "s3", "uri": "http://minio:9000"})


@pytest.mark.parametrize(
    ("provider", "config"),
    [
        ("google", {"skip_signature": True}),
        ("azure", {"account_name": "a", "account_key": "a2V5"}),
    ],
)
def test_other_providers_are_known(provider, config):
    location = parse_location({"provider": provider, "uri": "data/prefix", "config": config})
    assert bucket_of(location).uri == location.uri
