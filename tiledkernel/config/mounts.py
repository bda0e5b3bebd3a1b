"""What a configuration serves: each entry of `trees` becomes a path and a way to build the tree there."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

from msgspec import Struct, structs

from tiledkernel import references
from tiledkernel.composition import Composition
from tiledkernel.config.decode import decode
from tiledkernel.config.document import InvalidConfiguration, KeyPath, Problem
from tiledkernel.config.load import Loaded
from tiledkernel.config.model import Tree
from tiledkernel.errors import ConfigurationError, KernelError

Builder: TypeAlias = Callable[[], Any]

# Kinds of trees that an official plugin brings, for the message when it is not there.
BROUGHT_BY = {"catalog": "tiled-sql-catalog"}

# Keys at the top of a configuration that are about every tree whose kind has options of these names.
SHARED = (
    "catalog_max_overflow",
    "catalog_pool_size",
    "create_mount_nodes_if_not_exist",
    "storage_max_overflow",
    "storage_pool_size",
)


class Mount(Struct, frozen=True):
    """A tree that is ready to be built, where it goes, and where the configuration says so."""

    path: str
    build: Builder
    key: KeyPath
    origin: str


def plan_mounts(loaded: Loaded, composition: Composition) -> list[Mount]:
    """The mounts of a configuration, checked but not built; InvalidConfiguration lists what is wrong with any."""
    problems: list[Problem] = []
    mounts: list[Mount] = []
    cause: KernelError | None = None
    for key, args, tree in _entries(loaded):
        try:
            build = _builder(loaded, composition, tree, args)
        except InvalidConfiguration as error:
            problems.extend(error.problems)
        except KernelError as error:
            cause = cause or error
            where = (*key, "tree") if key != args else key
            problems.append(Problem(loaded.document.origin(where), where, str(error)))
        else:
            mounts.append(Mount(normal_path(tree.path), build, key, loaded.document.origin(key)))
    problems.extend(_misplaced(loaded))
    if problems:
        raise InvalidConfiguration(problems) from cause
    return mounts


def build_mounts(mounts: list[Mount]) -> dict[str, Any]:
    """The trees by their paths; what a tree's own code raises is told with the entry it belongs to."""
    trees: dict[str, Any] = {}
    for mount in mounts:
        try:
            trees[mount.path] = mount.build()
        except KernelError as error:
            raise InvalidConfiguration([Problem(mount.origin, mount.key, str(error))]) from error
        except Exception as error:
            message = f"the tree cannot be built: {type(error).__name__}: {error}"
            raise InvalidConfiguration([Problem(mount.origin, mount.key, message)]) from error
    return trees


def normal_path(path: str) -> str:
    """A mount path with single slashes: '/a/b'."""
    return "/" + "/".join(segment for segment in path.split("/") if segment)


def _entries(loaded: Loaded) -> Iterator[tuple[KeyPath, KeyPath, Tree]]:
    """Where an entry is written, where its arguments are, and what it says."""
    configuration = loaded.configuration
    if configuration.catalog is not None:
        yield ("catalog",), ("catalog",), Tree(tree="catalog", path="/", args=configuration.catalog)
    for index, tree in enumerate(configuration.trees):
        yield ("trees", index), ("trees", index, "args"), tree


def _builder(loaded: Loaded, composition: Composition, tree: Tree, args: KeyPath) -> Builder:
    if ":" in tree.tree:
        return _from_reference(tree.tree, tree.args)
    kind = composition.trees.get(tree.tree)
    if kind is None:
        brought = f"; it comes with {BROUGHT_BY[tree.tree]}" if tree.tree in BROUGHT_BY else ""
        miss = composition.trees.miss(tree.tree)
        raise ConfigurationError(f"{miss}{brought}; or name an object: 'module:object'{composition.plugins.hint()}")
    if kind.options is not None:
        options = _with_shared(decode(loaded.document, references.load(kind.options), args), loaded, args)
    elif tree.args:
        raise ConfigurationError(f"a tree of the kind {tree.tree!r} takes no 'args'")
    else:
        options = None
    return functools.partial(references.load(kind.build), options, composition)


def _with_shared(options: Any, loaded: Loaded, args: KeyPath) -> Any:
    """Options that also follow the keys at the top of the configuration, where they say nothing themselves."""
    given = loaded.document.at(args) or {}
    names = [name for name in SHARED if name in options.__struct_fields__ and name not in given]
    return structs.replace(options, **{name: getattr(loaded.configuration, name) for name in names})


def _from_reference(reference: str, args: dict[str, Any] | None) -> Builder:
    try:
        found = references.load(reference)
    except ConfigurationError as error:
        raise ConfigurationError(f"{error}{_renamed(reference)}") from error
    except Exception as error:
        module = reference.partition(":")[0]
        raise ConfigurationError(f"module {module!r} cannot be imported: {type(error).__name__}: {error}") from error
    # A node may happen to be callable; it is still the tree. A class always makes one.
    if isinstance(found, type) or (callable(found) and not isinstance(getattr(found, "family", None), str)):
        return functools.partial(found, **(args or {}))
    if args is not None:
        raise ConfigurationError(f"{reference!r} is an object of type {type(found).__name__}, it takes no 'args'")
    return lambda: found


def _renamed(reference: str) -> str:
    return "; modules of 'tiled' are called 'tiledkernel' here" if reference.startswith("tiled.") else ""


def _misplaced(loaded: Loaded) -> Iterator[Problem]:
    """Nothing to serve, two things at one place, or one inside another."""
    configuration, document = loaded.configuration, loaded.document
    if bool(configuration.trees) == (configuration.catalog is not None):
        yield Problem(
            document.origin(()), (), "expected exactly one of 'trees' (with at least one entry) and 'catalog'"
        )
    paths = [normal_path(tree.path) for tree in configuration.trees]
    for index, path in enumerate(paths):
        key = ("trees", index, "path")
        if {".", ".."} & set(path.split("/")):
            yield Problem(document.origin(key), key, f"{path!r}: '.' and '..' cannot be part of a path")
        for other, outer in enumerate(paths):
            if other < index and path == outer:
                yield Problem(document.origin(key), key, f"{path!r} is also the path of trees[{other}]")
            elif path != outer and path.startswith(outer.rstrip("/") + "/"):
                yield Problem(document.origin(key), key, f"{path!r} lies inside {outer!r}, the path of trees[{other}]")
