"""A service of buckets in this process, and places in one."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from tiled_buckets import lease
from tiled_buckets.bucket import Bucket, bucket_of
from werkzeug.serving import make_server

from tiledkernel.nodes.storing import Location, new_name, parse_location

KEYS = {"access_key_id": "id", "secret_access_key": "secret", "region": "us-east-1"}


def one_at_a_time(app: Any) -> Any:
    """An application that answers one request after the other.

    A condition of a request and what the request does belong together in S3; moto looks first and writes then.
    """
    turn = threading.Lock()

    def answer(environ: Any, start_response: Any) -> list[bytes]:
        with turn:
            return [b"".join(app(environ, start_response))]

    return answer


@pytest.fixture(scope="session")
def endpoint() -> Iterator[str]:
    """The address of the service."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    app = one_at_a_time(DomainDispatcherApplication(create_backend_app))
    server = make_server("127.0.0.1", 0, app, threaded=True)
    serving = threading.Thread(target=server.serve_forever, daemon=True)
    serving.start()
    address = f"http://127.0.0.1:{server.server_port}"
    client = boto3.client(
        "s3", endpoint_url=address, aws_access_key_id="id", aws_secret_access_key="secret", region_name="us-east-1"
    )
    client.create_bucket(Bucket="data")
    yield address
    server.shutdown()
    serving.join(10)
    server.server_close()


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
