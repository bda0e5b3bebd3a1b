"""What all plugins together can do: the frozen look-up tables that a server works with."""

from __future__ import annotations

import itertools
import weakref
from collections.abc import Hashable, Iterator, Mapping, Sequence
from typing import Any

from msgspec import structs

from tiledkernel import references
from tiledkernel.errors import PluginError
from tiledkernel.nodes.deferred import Deferred
from tiledkernel.plugins import KERNEL, Plugins
from tiledkernel.records import (
    AccountKeeper,
    Authenticator,
    Command,
    Compressor,
    Conversion,
    Family,
    PolicyKind,
    QueryType,
    Reader,
    Ref,
    Router,
    Serializer,
    Storage,
    TreeKind,
    Validator,
)
from tiledkernel.registry import Registry
from tiledkernel.specs import Spec


class Composition:
    """Registries of everything that the active plugins contribute.

    `prefer` maps a clashing name (for serializers 'family media/type', for readers a suffix) to the plugin that wins.
    """

    def __init__(self, plugins: Plugins, prefer: Mapping[str, str] | None = None) -> None:
        self.plugins = plugins
        self.prefer = dict(prefer or {})
        self.families: Registry[Family] = self._registry("family", "register_families")
        self.trees: Registry[TreeKind] = self._registry("tree", "register_trees")
        self.queries: Registry[QueryType] = self._registry("query", "register_queries")
        self.authenticators: Registry[Authenticator] = self._registry("authenticator", "register_authenticators")
        self.account_keepers: Registry[AccountKeeper] = self._registry("account keeper", "register_account_keepers")
        self.policies: Registry[PolicyKind] = self._registry("access policy", "register_access_policies")
        self.routers: Registry[Router] = self._registry("router", "register_routers")
        self.commands: Registry[Command] = self._registry("command", "register_commands")
        self.compressors: Registry[Compressor] = Registry("compressor", self.prefer)
        self.serializers: Registry[Serializer] = Registry("serializer", self.prefer)
        self.readers: list[tuple[Reader, str]] = list(plugins.records("register_readers"))
        for compressor, plugin in plugins.records("register_compressors"):
            if _usable(compressor.needs):
                self.compressors.add(compressor.coding, compressor, plugin)
        for serializer, plugin in plugins.records("register_serializers"):
            if _usable(serializer.needs):
                self.serializers.add(f"{serializer.target} {serializer.media_type}", serializer, plugin)
        self.storages: Registry[Storage] = Registry("storage", self.prefer)
        for storage, plugin in plugins.records("register_storages"):
            if _usable(storage.needs):
                self.storages.add(f"{storage.family} {storage.media_type}", storage, plugin)
        self.validators: Registry[Validator] = Registry("validator", self.prefer)
        for validator, plugin in plugins.records("register_validators"):
            self.validators.add(validator.spec, validator, plugin)
        self.conversions: list[Conversion] = [record for record, _ in plugins.records("register_conversions")]
        self._adopters = self._collect_adopters()
        self._kinds: dict[type, Ref | None] = {}  # which function adopts objects of a class
        self._identities = Identities()

    def without_broken(self) -> Composition:
        """A composition without the plugins whose families or routes cannot be loaded; itself if all can."""
        broken = dict(self._broken())
        for plugin, error in broken.items():
            self.plugins.fail(plugin, error)
        return Composition(self.plugins, self.prefer).without_broken() if broken else self

    def _broken(self) -> Iterator[tuple[str, Exception]]:
        families = [(self.families.plugin_of(name), family) for name, family in self.families.items()]
        needed: list[tuple[str, str | None]] = [
            *((plugin, family.links) for plugin, family in families),
            *((plugin, family.routes) for plugin, family in families),
            *((self.routers.plugin_of(name), router.routes) for name, router in self.routers.items()),
        ]
        for plugin, reference in needed:
            try:
                if reference is not None:
                    references.load(reference)
            except Exception as error:  # noqa: BLE001 - a plugin may raise anything; it hurts only itself
                yield plugin, error

    def _registry(self, kind: str, hook: str) -> Registry[Any]:
        registry: Registry[Any] = Registry(kind, self.prefer)
        for record, plugin in self.plugins.records(hook):
            registry.add(record.name, record, plugin)
        return registry

    def _collect_adopters(self) -> Registry[Ref]:
        """Which function makes nodes of the objects of a class, by the class's full name."""
        adopters: Registry[Ref] = Registry("adopter of", self.prefer)
        for hook in ("register_families", "register_adopters"):
            for record, plugin in self.plugins.records(hook):
                for name in record.adopts if record.adopt else ():
                    adopters.add(name, record.adopt, plugin)
        return adopters

    def serializers_for(self, target: str) -> list[Serializer]:
        """The formats of a family or a spec, in the order in which they are listed; its own before converted ones."""
        chosen = {serializer.media_type: serializer for serializer in self._made_for(target)}
        for conversion in self.conversions:
            if conversion.source == target:
                for serializer in self._made_for(conversion.target):
                    if serializer.convert is None:  # one step: what was converted already wants another payload
                        converted = structs.replace(serializer, target=target, convert=conversion.convert, suits=None)
                        chosen.setdefault(serializer.media_type, converted)
        return sorted(chosen.values(), key=lambda serializer: serializer.rank)

    def _made_for(self, target: str) -> list[Serializer]:
        return [serializer for serializer in self.serializers.values() if serializer.target == target]

    def targets(self) -> list[str]:
        """All families, and all specs that have formats of their own."""
        formats = (serializer.target for serializer in self.serializers.values())
        return list(dict.fromkeys([*self.families, *formats, *(conversion.source for conversion in self.conversions)]))

    def distributions(self) -> dict[str, str]:
        """The distributions that families of plugins come from, which their clients need too."""
        named = {name: self.plugins.by_name[self.families.plugin_of(name)] for name in self.families}
        return {
            name: plugin.distribution for name, plugin in named.items() if plugin.name != KERNEL and plugin.distribution
        }

    def _adopter(self, kind: type) -> Ref | None:
        for base in kind.__mro__:
            adopter = self._adopters.get(f"{base.__module__}.{base.__qualname__}")
            if adopter is not None:
                return adopter
        return None

    def adopt(self, live: Any, metadata: Mapping[str, Any] | None = None, specs: Sequence[Spec | str] = ()) -> Any:
        """The node for a live object: a node itself, or an array, table, mapping ... that a family adopts."""
        if isinstance(getattr(live, "family", None), str):
            return live
        if isinstance(live, Deferred):
            return self.adopt(live.get(), metadata, specs)
        kind = type(live)
        if kind not in self._kinds:
            self._kinds[kind] = self._adopter(kind)
        reference = self._kinds[kind]
        if reference is not None:
            return references.load(reference)(live, metadata, specs, self._identities.of(live))
        raise PluginError(
            f"no family adopts {type(live).__module__}.{type(live).__qualname__} objects; expected a node or one of: "
            f"{', '.join(sorted(self._adopters))}{self.plugins.hint()}"
        )


def _usable(modules: Sequence[str]) -> bool:
    return all(map(references.installed, modules))


class Identities:
    """A number for each live object that is never used again, as `id()` may be."""

    def __init__(self) -> None:
        self._numbers: dict[int, tuple[weakref.ref[Any], int]] = {}
        self._count = itertools.count()

    def of(self, live: Any) -> Hashable:
        """The number of `live`; None for objects that do not tell when they vanish."""
        key = id(live)
        known = self._numbers.get(key)
        if known is not None and known[0]() is live:
            return "live", known[1]
        try:
            reference = weakref.ref(live, lambda _: self._numbers.pop(key, None))
        except TypeError:
            return None
        number = next(self._count)
        self._numbers[key] = (reference, number)
        return "live", number
