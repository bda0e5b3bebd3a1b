"""A service of buckets in this process, and places in one."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest
from moto.server import ThreadedMotoServer
from tiled_buckets import lease
from tiled_buckets.bucket import Bucket, bucket_of

from tiledkernel.nodes.storing import Location, new_name, parse_location

KEYS = {"access_key_id": "id", "secret_access_key": "secret", "region": "us-east-1"}


@pytest.fixture(scope="session")
def endpoint() -> Iterator[str]:
    """The address of the service."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    address = f"http://{host}:{port}"
    client = boto3.client(
        "s3", endpoint_url=address, aws_access_key_id="id", aws_secret_access_key="secret", region_name="us-east-1"
    )
    client.create_bucket(Bucket="data")
    yield address
    server.stop()


@pytest.fixture
def place(endpoint: str) -> Callable[..., Location]:
    """A location in the bucket that nobody else has; or, told otherwise, another."""

    def make(uri: str | None = None, **config: Any) -> Location:
        return parse_location(
            {"provider": "s3", "uri": uri or f"{endpoint}/data/{new_name()}", "config": {**KEYS, **config}}
        )

    return make


@pytest.fixture
def location(place: Callable[..., Location]) -> Location:
    return place()


@pytest.fixture
def bucket(location: Location) -> Bucket:
    return bucket_of(location)


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who stops is taken to have stopped sooner."""
    monkeypatch.setattr(lease, "LASTS", 2.5)
    monkeypatch.setattr(lease, "WAIT", 20.0)
