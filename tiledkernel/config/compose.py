"""The plugins that a configuration chooses, composed."""

from __future__ import annotations

import logging
from collections.abc import Iterator

from tiledkernel.composition import Composition
from tiledkernel.config.decode import did_you_mean
from tiledkernel.config.document import InvalidConfiguration, KeyPath, Problem
from tiledkernel.config.load import Loaded
from tiledkernel.errors import PluginError
from tiledkernel.plugins import KERNEL, Plugins, discover

logger = logging.getLogger(__name__)


def compose(loaded: Loaded, *, third_party: bool = True) -> Composition:
    """Discover and compose as `plugins:` says; without `third_party` with the kernel's own features only."""
    choices = loaded.configuration.plugins
    try:
        plugins = discover(disable=choices.disable, require=choices.require, third_party=third_party)
        composition = Composition(plugins, choices.prefer)
    except PluginError as error:
        raise InvalidConfiguration([_at_plugins(loaded, error)]) from error
    problems = list(_wrong_choices(loaded, plugins))
    if problems:
        raise InvalidConfiguration(problems)
    return composition


def _at_plugins(loaded: Loaded, error: PluginError) -> Problem:
    return Problem(loaded.document.origin(("plugins",)), ("plugins",), str(error))


def _wrong_choices(loaded: Loaded, plugins: Plugins) -> Iterator[Problem]:
    choices, document = loaded.configuration.plugins, loaded.document
    for index, name in enumerate(choices.disable):
        key: KeyPath = ("plugins", "disable", index)
        if name == KERNEL:
            yield Problem(document.origin(key), key, "the kernel's own plugin cannot be disabled")
        elif name not in plugins.by_name:  # no error: one configuration may serve several installations
            near = did_you_mean(name, list(plugins.by_name))
            logger.warning("%s: plugins.disable: no plugin named %r is installed%s", document.origin(key), name, near)
    for thing, name in choices.prefer.items():
        if name not in plugins.by_name:
            key = ("plugins", "prefer", thing)
            near = did_you_mean(name, list(plugins.by_name))
            yield Problem(document.origin(key), key, f"no plugin named {name!r} is installed{near}")
