"""Readers of a site's own, chosen by media type in the configuration."""

from __future__ import annotations

import pytest

from tiledkernel.client import Context, from_context
from tiledkernel.errors import ConfigurationError
from tiledkernel.server.from_config import build_app_from_config


@pytest.fixture
def connect(site, tmp_path):
    """The client of a folder that is served with these readers."""
    contexts = []

    def make(readers, **options):
        args = {"path": str(tmp_path), "adapters_by_mimetype": readers, **options}
        app = build_app_from_config(
            {
                "trees": [{"path": "/", "tree": "bridge", "args": args}],
                "authentication": {"allow_anonymous_access": True},
            }
        )
        contexts.append(Context.from_app(app, raise_server_exceptions=False))
        return from_context(contexts[-1])

    yield make
    for context in contexts:
        context.close()


@pytest.mark.parametrize("reader", ["LabReader", "LabReader.from_uris", "open_path", "open_uri"])
def test_a_class_or_a_function_opens_files(connect, tmp_path, reader):
    (tmp_path / "run 1.lab").write_text("3\n1\n4\n")
    client = connect({"application/x-lab": f"site_adapters:{reader}"}, ext={".lab": "application/x-lab"})
    assert client["run 1"][:].tolist() == [3, 1, 4]


def test_files_are_named_by_uris(connect, tmp_path):
    (tmp_path / "run 1.lab").write_text("3")
    client = connect({"application/x-lab": "site_adapters:LabReader"}, ext={".lab": "application/x-lab"})
    assert client["run 1"].metadata["uri"] == f"file://localhost{tmp_path}/run%201.lab"


def test_a_reader_of_the_site_takes_the_place_of_a_plugins(connect, tmp_path):
    (tmp_path / "data.bin").write_text("7\n8\n")
    (tmp_path / "spaced.stuff").write_text("9\n")
    client = connect(
        {"application/octet-stream": "site_adapters:LabReader"}, ext={".stuff": "application/octet-stream"}
    )
    assert client["data"][:].tolist() == [7, 8]
    assert client["spaced"][:].tolist() == [9]


def test_a_file_that_changes_is_opened_again(connect, tmp_path):
    file = tmp_path / "run.lab"
    file.write_text("3")
    client = connect({"application/x-lab": "site_adapters:LabReader"}, ext={".lab": "application/x-lab"})
    assert client["run"][:].tolist() == [3]
    file.write_text("3\n4")
    assert client["run"][:].tolist() == [3, 4]


def test_a_file_that_the_reader_cannot_open_hurts_only_itself(connect, tmp_path):
    (tmp_path / "good.lab").write_text("3")
    (tmp_path / "bad.lab").write_text("x")
    client = connect({"application/x-lab": "site_adapters:LabReader"}, ext={".lab": "application/x-lab"})
    assert client["good"][:].tolist() == [3]
    assert "invalid literal" in client["bad"].metadata["unavailable"]["reason"]


def test_files_keep_what_the_server_knows_of_them(connect, tmp_path):
    (tmp_path / "run.lab").write_text("3")
    client = connect({"application/x-lab": "site_adapters:LabReader"}, ext={".lab": "application/x-lab"})
    source = client.new_variation(include_data_sources=True)["run"].data_sources()[0]
    assert source.mimetype == "application/x-lab"
    assert source.assets[0].data_uri.endswith("/run.lab")


@pytest.mark.parametrize(
    ("reference", "sentence"),
    [
        ("nowhere:Reader", "adapters_by_mimetype: application/x-lab: no module named 'nowhere'"),
        ("site_adapters:Nobody", "module 'site_adapters' has no 'Nobody'"),
        ("site_adapters:NUMBERS", "is no reader: expected a class with 'from_uris', or a function"),
    ],
)
def test_what_is_no_reader_stops_the_start(connect, reference, sentence):
    with pytest.raises(ConfigurationError, match=sentence):
        connect({"application/x-lab": reference}, ext={".lab": "application/x-lab"})


def test_a_function_without_parameters_is_no_reader(connect, site, monkeypatch):
    monkeypatch.setattr(site, "nothing", lambda: None, raising=False)
    with pytest.raises(ConfigurationError, match="expected a parameter for a path or a URI"):
        connect({"application/x-lab": "site_adapters:nothing"})
