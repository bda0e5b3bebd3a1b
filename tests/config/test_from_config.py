"""Applications made from configurations."""

from __future__ import annotations

import sys

import pytest

from tiledkernel.config.document import InvalidConfiguration
from tiledkernel.config.files import load_files
from tiledkernel.server import factory
from tiledkernel.server.from_config import build_app_from_config
from tiledkernel.specs import Spec

TREE = "tree = {'a': [1, 2, 3]}\nother = {'b': 1.5}\n"
SOURCE = {"trees": [{"tree": "beside_app:tree", "path": "/"}], "authentication": {"single_user_api_key": "abc"}}


@pytest.fixture
def config(write):
    """The path of a configuration with a module beside it."""
    write(TREE, "beside_app.py")
    text = "trees:\n- {tree: 'beside_app:tree', path: /one}\n- {tree: 'beside_app:other', path: /two/deep}\n"
    return write(text + "authentication: {single_user_api_key: abc}\nresponse_bytesize_limit: 1000\n")


@pytest.fixture(autouse=True)
def _forget_the_application():
    factory.app_factory.cache_clear()
    yield
    factory.app_factory.cache_clear()


def keys(app):
    return list(app.state.root_tree)


def test_a_file_becomes_an_application(config):
    app = build_app_from_config(config, third_party=False)
    assert keys(app) == ["one", "two"]
    assert app.state.service.settings.response_bytesize_limit == 1000
    assert (app.state.api_key, app.state.api_key_generated) == ("abc", False)


def test_a_path_may_be_text(config):
    assert keys(build_app_from_config(str(config), third_party=False)) == ["one", "two"]


def test_a_loaded_configuration_becomes_an_application(config):
    assert keys(build_app_from_config(load_files(config), third_party=False)) == ["one", "two"]


def test_a_mapping_becomes_an_application(config, monkeypatch):
    monkeypatch.syspath_prepend(str(config.parent))
    app = build_app_from_config(SOURCE, third_party=False)
    assert keys(app) == ["a"]


def test_the_import_path_is_as_before(config):
    before = list(sys.path)
    build_app_from_config(config, third_party=False)
    assert sys.path == before


def test_plugins_can_be_disabled(config, write):
    write(config.read_text() + "plugins: {disable: [csv]}\n")
    composition = build_app_from_config(config).state.service.composition
    assert composition.plugins.by_name["csv"].state == "disabled"
    assert "csv" not in {plugin for _, plugin in composition.readers}


def test_what_is_wrong_stops_with_all_of_it():
    with pytest.raises(InvalidConfiguration) as caught:
        build_app_from_config({"tree": [], "uvicorn": {"port": "x"}})
    assert len(caught.value.problems) == 2


def test_asgi_servers_find_the_application_by_name(config, monkeypatch):
    monkeypatch.setenv("TILED_CONFIG", str(config))
    assert keys(factory.app) == ["one", "two"]
    assert factory.app is factory.app_factory()


def test_the_factory_has_nothing_else():
    with pytest.raises(AttributeError, match="has no attribute 'apple'"):
        _ = factory.apple


VALIDATORS = """
number = 3

def check(spec, metadata, node, family, structure):
    return {**metadata, "checked": spec.name}
"""


def test_specs_are_declared_with_their_validators(write):
    write(TREE, "beside_app.py")
    write(VALIDATORS, "beside_specs.py")
    path = write(
        "trees: [{tree: 'beside_app:tree', path: /}]\nreject_undeclared_specs: true\n"
        "specs: [{spec: scan, validator: 'beside_specs:check'}, {spec: raw}]\n"
    )
    settings = build_app_from_config(path, third_party=False).state.service.settings
    assert settings.reject_undeclared_specs
    assert settings.specs["raw"] is None
    assert settings.specs["scan"](Spec("scan"), {"a": 1}, None, None, None) == {"a": 1, "checked": "scan"}


@pytest.mark.parametrize(
    ("specs", "message"),
    [
        (
            "[{spec: a, validator: 'beside_specs:nothing'}]",
            r"specs\[0\]\.validator: module 'beside_specs' has no 'nothing'",
        ),
        ("[{spec: a, validator: 'beside_specs:number'}]", r"specs\[0\]\.validator: .* is no function, but of type int"),
        ("[{spec: a, validator: 'beside_nothing:x'}]", r"specs\[0\]\.validator: no module named 'beside_nothing'"),
        ("[{spec: a}, {spec: a}]", r"specs\[1\]\.spec: 'a' is declared twice"),
    ],
)
def test_a_spec_that_cannot_be_declared_stops_the_start(write, specs, message):
    write(TREE, "beside_app.py")
    write(VALIDATORS, "beside_specs.py")
    path = write(f"trees: [{{tree: 'beside_app:tree', path: /}}]\nspecs: {specs}\n")
    with pytest.raises(InvalidConfiguration, match=message):
        build_app_from_config(path, third_party=False)
