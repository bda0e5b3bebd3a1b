"""Which plugins a configuration chooses, and how it is told when it cannot have them."""

from __future__ import annotations

import logging

import pytest

from tiledkernel.config.compose import compose
from tiledkernel.config.document import InvalidConfiguration
from tiledkernel.config.load import load


def composed(**source):
    return compose(load(source, environ={}), third_party=False)


def message(**source):
    with pytest.raises(InvalidConfiguration) as caught:
        composed(**source)
    return str(caught.value)


def test_the_kernel_alone_can_be_chosen():
    assert list(composed().plugins.by_name) == ["kernel"]


def test_a_required_plugin_that_is_missing_stops_the_start():
    assert message(plugins={"require": ["kernle"]}) == (
        "configuration: plugins: no plugin named 'kernle' (did you mean 'kernel'?); installed: kernel"
    )


def test_disabling_a_plugin_that_is_not_there_is_a_warning(caplog):
    caplog.set_level(logging.WARNING)
    composed(plugins={"disable": ["kernle"]})
    assert "plugins.disable: no plugin named 'kernle' is installed; did you mean 'kernel'?" in caplog.text


def test_the_kernel_cannot_be_disabled():
    assert "plugins.disable[0]: the kernel's own plugin cannot be disabled" in message(plugins={"disable": ["kernel"]})


def test_preferring_a_plugin_that_is_not_there_is_an_error():
    assert "plugins.prefer.directory: no plugin named 'kernle' is installed; did you mean 'kernel'?" in message(
        plugins={"prefer": {"directory": "kernle"}}
    )


@pytest.mark.parametrize("name", ["a b", "a/b", "", "ä"])
def test_the_name_of_a_login_goes_into_addresses(name):
    with pytest.raises(InvalidConfiguration, match=r"providers\[0\]\.provider: .*letters, digits"):
        load({"authentication": {"providers": [{"provider": name, "authenticator": "x"}]}}, environ={})
