"""Imports point one way: who may import whom, read off the source without running it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
KERNEL = ROOT / "tiledkernel"
MODULES = sorted(KERNEL.rglob("*.py"))

# Which modules make up a layer; the first pattern that fits decides.
LAYERS = {
    "registering": (  # where a client meets the readers of the installed plugins
        "tiledkernel.registering*",
        "tiledkernel.client.register",
        "tiledkernel.client.register_files",
    ),
    "client": ("tiledkernel.client*", "tiledkernel.families.*.client*", "tiledkernel.utils", "tiledkernel.profiles"),
    "words": (
        "tiledkernel",
        "tiledkernel.ability",
        "tiledkernel.blocks",
        "tiledkernel.compressors",
        "tiledkernel.encoding",
        "tiledkernel.errors",
        "tiledkernel.hookspecs",
        "tiledkernel.media_types",
        "tiledkernel.queries",
        "tiledkernel.query_texts",
        "tiledkernel.records",
        "tiledkernel.references",
        "tiledkernel.registry",
        "tiledkernel.settings",
        "tiledkernel.slices",
        "tiledkernel.specs",
        "tiledkernel.wire",
    ),
    "structures": (
        "tiledkernel.families",
        "tiledkernel.families.*.structure",
        "tiledkernel.families.*.describe",
        "tiledkernel.families.*.paging",
        "tiledkernel.families.*.dtypes",
        *(f"tiledkernel.families.{family}" for family in ("array", "bytes", "container", "table")),
    ),
    "nodes": ("tiledkernel.nodes*", "tiledkernel.access*", "tiledkernel.families.*.memory"),
    "composition": ("tiledkernel.plugins", "tiledkernel.composition", "tiledkernel.builtins", "tiledkernel.trees"),
    "documents": (  # YAML with good errors, whatever it says: configurations of servers, profiles of clients
        "tiledkernel.config",
        "tiledkernel.config.decode",
        "tiledkernel.config.document",
        "tiledkernel.config.shapes",
        "tiledkernel.config.yaml_file",
    ),
    "configuration": ("tiledkernel.config*",),
    "assembly": (  # where servers and configurations meet; `tiledkernel.server` itself lists their public names
        "tiledkernel.server",
        "tiledkernel.server.factory",
        "tiledkernel.server.from_config",
        "tiledkernel.server.simple",
    ),
    "server": ("tiledkernel.server*",),
    "families": ("tiledkernel.families.*",),
    "commands": ("tiledkernel.cli*", "tiledkernel.__main__"),
    "testing": ("tiledkernel.testing*",),
    "examples": ("tiledkernel.examples*",),
}

# What each layer may import besides itself.
BELOW = {
    "words": set(),
    "structures": {"words"},
    "nodes": {"words", "structures"},
    "composition": {"words", "structures", "nodes"},
    "documents": {"words"},
    "configuration": {"words", "structures", "nodes", "composition", "documents"},
    "server": {"words", "structures", "nodes", "composition"},
    "assembly": {"words", "structures", "nodes", "composition", "documents", "configuration", "server"},
    "families": {"words", "structures", "nodes", "server"},
    "client": {"words", "structures", "documents"},
    "registering": {"words", "structures", "nodes", "composition", "client"},
    "commands": {
        "words",
        "structures",
        "nodes",
        "composition",
        "documents",
        "configuration",
        "server",
        "assembly",
        "client",
        "registering",
    },
    "testing": {"words", "structures", "nodes", "composition", "server", "assembly", "client"},
    "examples": {"words", "structures", "nodes"},
}

# Imports that wait inside a function, each with its reason.
LATE = {}


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def layer_of(module: str) -> str | None:
    for layer, patterns in LAYERS.items():
        if any(fnmatchcase(module, pattern) for pattern in patterns):
            return layer
    return None


def is_module(name: str) -> bool:
    path = ROOT.joinpath(*name.split("."))
    return path.with_suffix(".py").is_file() or (path / "__init__.py").is_file()


def imported(node: ast.AST) -> Iterator[str]:
    """Modules that an import statement names; `from package import module` names the module."""
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        assert not node.level, f"line {node.lineno}: imports are absolute here"
        for alias in node.names:
            below = f"{node.module}.{alias.name}"
            yield below if is_module(below) else str(node.module)


def imports(path: Path) -> set[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {name for node in ast.walk(tree) for name in imported(node)}


def late_imports(path: Path) -> set[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    return {name for function in functions for node in ast.walk(function) for name in imported(node)}


@pytest.mark.parametrize("path", MODULES, ids=module_name)
def test_a_module_imports_only_what_lies_below_its_layer(path: Path) -> None:
    layer = layer_of(module_name(path))
    assert layer is not None, f"{module_name(path)} belongs to no layer: add it to LAYERS"
    own = {name for name in imports(path) if name.partition(".")[0] == "tiledkernel"}
    above = {name for name in own if layer_of(name) not in BELOW[layer] | {layer}}
    assert not above, f"{module_name(path)} ({layer}) imports {', '.join(sorted(above))}"


@pytest.mark.parametrize("path", MODULES, ids=module_name)
def test_the_kernel_imports_no_plugin(path: Path) -> None:
    assert not {name for name in imports(path) if name.startswith("tiled_")}


def test_the_client_knows_no_web_framework() -> None:
    """A client can be installed, and imported, without the server."""
    frameworks = ("litestar", "uvicorn", "starlette", "tiledkernel.server")
    found = {
        (module_name(path), name)
        for path in MODULES
        if layer_of(module_name(path)) == "client"
        for name in imports(path)
        if name.startswith(frameworks)
    }
    assert not found


@pytest.mark.parametrize("path", MODULES, ids=module_name)
def test_only_http_modules_know_the_web_framework(path: Path) -> None:
    if layer_of(module_name(path)) not in ("server", "assembly", "commands", "testing"):
        assert not {name for name in imports(path) if name.partition(".")[0] in ("litestar", "uvicorn")}


@pytest.mark.parametrize("path", MODULES, ids=module_name)
def test_imports_stand_at_the_top(path: Path) -> None:
    """An import inside a function hides a dependency; the few that are wanted stand in LATE with their reason."""
    assert late_imports(path) == set(LATE.get(module_name(path), {}))


def test_every_exception_is_still_needed() -> None:
    known = {module_name(path) for path in MODULES}
    assert set(LATE) <= known
    assert all(reason for names in LATE.values() for reason in names.values())


def test_a_layer_may_only_import_layers_below() -> None:
    """The table itself has no cycle."""
    done: set[str] = set()
    while len(done) < len(BELOW):
        ready = {layer for layer, below in BELOW.items() if layer not in done and below <= done}
        assert ready, f"these layers may import each other: {sorted(BELOW.keys() - done)}"
        done |= ready
