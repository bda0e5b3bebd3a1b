"""Find plugins, load them one by one, and keep those that fail apart, with the reason.

The kernel's own features are a plugin too (`tiledkernel.builtins`). Entry points are loaded here rather than by
pluggy, so that every failure names its plugin and the distribution that brought it.
"""

from __future__ import annotations

import difflib
import logging
from collections.abc import Collection, Iterable, Iterator, Mapping
from importlib.metadata import EntryPoint, entry_points
from types import ModuleType
from typing import Any, Literal, TypeAlias

import msgspec
import pluggy

from tiledkernel import __api__, hookspecs, records
from tiledkernel.errors import PluginError

logger = logging.getLogger(__name__)

State: TypeAlias = Literal["active", "disabled", "set aside"]
KERNEL = "kernel"

# A plugin of these decides security: if it fails, nothing starts.
SECURITY_HOOKS = frozenset({"register_authenticators", "register_account_keepers", "register_access_policies"})

RECORDS: Mapping[str, type[msgspec.Struct]] = {
    "register_families": records.Family,
    "register_adopters": records.Adopter,
    "register_readers": records.Reader,
    "register_storages": records.Storage,
    "register_validators": records.Validator,
    "register_serializers": records.Serializer,
    "register_conversions": records.Conversion,
    "register_compressors": records.Compressor,
    "register_trees": records.TreeKind,
    "register_queries": records.QueryType,
    "register_authenticators": records.Authenticator,
    "register_account_keepers": records.AccountKeeper,
    "register_access_policies": records.PolicyKind,
    "register_routers": records.Router,
    "register_commands": records.Command,
}


class Plugin(msgspec.Struct, kw_only=True):
    """One plugin: where it comes from, whether it works, and what it contributes (hook name -> records).

    `security` marks those that decide who may do what; nothing starts if one of them failed.
    """

    name: str
    module: str
    distribution: str = ""
    version: str = ""
    state: State = "active"
    reason: str = ""
    security: bool = False
    contributions: dict[str, list[Any]] = msgspec.field(default_factory=dict)


class Plugins:
    """The plugins of one server or command, each asked once."""

    def __init__(self, plugins: Mapping[str, Plugin], require: Collection[str] = ()) -> None:
        self.by_name = dict(plugins)
        self._required = frozenset({KERNEL, *require})

    def __iter__(self) -> Iterator[Plugin]:
        return iter(self.by_name.values())

    def records(self, hook: str) -> Iterable[tuple[Any, str]]:
        """All records that active plugins gave for `hook`, each with its plugin's name; the kernel's first."""
        for plugin in self.by_name.values():
            for record in plugin.contributions.get(hook, ()):
                yield record, plugin.name

    @property
    def set_aside(self) -> list[Plugin]:
        """Plugins that failed."""
        return [plugin for plugin in self.by_name.values() if plugin.state == "set aside"]

    def fail(self, name: str, error: Exception) -> None:
        """Set a plugin aside that turns out not to work; PluginError if it is required."""
        plugin = self.by_name[name]
        if name in self._required:
            raise PluginError(f"plugin {name!r} is required, but it failed: {_say(error)}") from error
        plugin.contributions.clear()
        _fail(plugin, _say(error), error)

    def hint(self) -> str:
        """The end of a sentence about something missing: plugins that failed and might have had it."""
        return "".join(f"; plugin {plugin.name!r} is set aside: {plugin.reason}" for plugin in self.set_aside)


def discover(
    *,
    disable: Collection[str] = (),
    require: Collection[str] = (),
    third_party: bool = True,
    extra: Mapping[str, Any] | None = None,
    strict: bool = True,
) -> Plugins:
    """Load the kernel's own plugin, those that entry points name, and `extra` ones (name -> module or object).

    A plugin that fails is set aside and reported; one that is required, or decides security, raises PluginError.
    Without `third_party` only the kernel and `extra` are loaded. Without `strict` nothing raises: for tools that
    show what is wrong.
    """
    manager = pluggy.PluginManager(hookspecs.PROJECT)
    manager.add_hookspecs(hookspecs)
    found: dict[str, Plugin] = {}
    for entry in _entries(third_party=third_party):
        plugin = _described(entry)
        if plugin.name in found:
            clash = _clash(found[plugin.name], plugin)
            found[clash.name] = clash
            continue
        found[plugin.name] = plugin
        if plugin.name in disable and plugin.name != KERNEL:
            plugin.state = "disabled"
            continue
        _load(manager, plugin, entry)
    for name, module in (extra or {}).items():
        plugin = Plugin(name=name, module=getattr(module, "__name__", type(module).__name__))
        if name in found:
            plugin = _clash(found[name], plugin)
        else:
            _register(manager, plugin, module)
        found[plugin.name] = plugin
    if strict:
        _check(found, require)
    return Plugins(found, require if strict else ())


def _entries(*, third_party: bool) -> list[EntryPoint]:
    entries = sorted(entry_points(group=hookspecs.GROUP), key=lambda entry: (entry.name != KERNEL, entry.name))
    own = [entry for entry in entries if entry.name == KERNEL and entry.module.startswith("tiledkernel.")]
    if not own:  # run from a source tree that is not installed
        own = [EntryPoint(name=KERNEL, value="tiledkernel.builtins", group=hookspecs.GROUP)]
    others = [entry for entry in entries if entry not in own]
    return [own[0], *others] if third_party else own[:1]


def _described(entry: EntryPoint) -> Plugin:
    distribution = entry.dist
    return Plugin(
        name=entry.name,
        module=entry.value,
        distribution=distribution.name if distribution else "",
        version=distribution.version if distribution else "",
    )


def _clash(first: Plugin, second: Plugin) -> Plugin:
    origins = [plugin.distribution or plugin.module for plugin in (first, second)]
    reason = f"two plugins are named {second.name!r}: {origins[0]} and {origins[1]}"
    logger.warning("plugin %r is set aside: %s", second.name, reason)
    return msgspec.structs.replace(second, name=f"{second.name} ({origins[1]})", state="set aside", reason=reason)


def _load(manager: pluggy.PluginManager, plugin: Plugin, entry: EntryPoint) -> None:
    try:
        module = entry.load()
    except (Exception, SystemExit) as error:  # noqa: BLE001 - a plugin may raise anything; it hurts only itself
        _fail(plugin, f"{entry.value} cannot be imported: {_say(error)}", error)
        return
    _register(manager, plugin, module)


def _register(manager: pluggy.PluginManager, plugin: Plugin, module: ModuleType | Any) -> None:
    """Ask a plugin everything, once; on any failure nothing of it is kept."""
    try:
        _check_api(module)
        manager.register(module, name=plugin.name)
        _check_names(manager, module)
        for hook, record_type in RECORDS.items():
            plugin.contributions[hook] = _ask(manager, module, hook, record_type)
    except (Exception, SystemExit) as error:  # noqa: BLE001 - see _load
        plugin.security = any(hasattr(module, hook) for hook in SECURITY_HOOKS)
        if manager.is_registered(module):
            manager.unregister(module)
        plugin.contributions.clear()
        _fail(plugin, _say(error), error)


def _check_api(module: Any) -> None:
    api = getattr(module, "kernel_api", __api__)
    if api > __api__:
        raise PluginError(f"it was written for kernel API {api}, this is {__api__}: upgrade tiledkernel")


def _check_names(manager: pluggy.PluginManager, module: Any) -> None:
    """A misspelt hook is an error; pluggy would never call it."""
    for name in dir(module):
        if manager.parse_hookimpl_opts(module, name) is not None and name not in RECORDS:
            near = difflib.get_close_matches(name, RECORDS, n=1)
            raise PluginError(f"there is no hook named {name!r}" + (f"; did you mean {near[0]!r}?" if near else ""))


def _ask(manager: pluggy.PluginManager, module: Any, hook: str, record_type: type[msgspec.Struct]) -> list[Any]:
    for implementation in getattr(manager.hook, hook).get_hookimpls():
        if implementation.plugin is module:
            answer = list(implementation.function() or ())
            for record in answer:
                _check_record(record, record_type, hook)
            return answer
    return []


def _check_record(record: Any, record_type: type[msgspec.Struct], hook: str) -> None:
    if not isinstance(record, record_type):
        raise PluginError(
            f"{hook} returned {type(record).__name__} {record!r}: expected {record_type.__name__} records"
        )
    for field in msgspec.structs.fields(record_type):
        value = getattr(record, field.name)
        if field.type is records.Ref and isinstance(value, str) and ":" not in value:
            raise PluginError(f"{hook}: {field.name}={value!r} is no reference: expected 'module:object'")


def _say(error: BaseException) -> str:
    return str(error) if isinstance(error, PluginError) else f"{type(error).__name__}: {error}"


def _fail(plugin: Plugin, reason: str, error: BaseException) -> None:
    plugin.state = "set aside"
    plugin.reason = reason
    logger.warning("plugin %r is set aside: %s", plugin.name, reason, exc_info=error)


def _check(found: Mapping[str, Plugin], require: Collection[str]) -> None:
    """What the configuration names, and what decides security, must work."""
    if found[KERNEL].state != "active":
        raise PluginError(f"the kernel's own plugin failed: {found[KERNEL].reason}")
    for plugin in found.values():
        if plugin.security and plugin.state == "set aside":
            raise PluginError(
                f"plugin {plugin.name!r} decides who may log in, and it failed: {plugin.reason}; "
                f"repair it, or disable it in the configuration"
            )
    for name in require:
        if name not in found:
            near = difflib.get_close_matches(name, found, n=1)
            hint = f" (did you mean {near[0]!r}?)" if near else ""
            raise PluginError(f"no plugin named {name!r}{hint}; installed: {', '.join(sorted(found))}")
        if found[name].state != "active":
            raise PluginError(f"plugin {name!r} is required, but it is {found[name].state}: {found[name].reason}")
