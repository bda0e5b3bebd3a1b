"""What a package exports is what it says that it exports, and each public thing says what it is."""

from __future__ import annotations

import ast
import importlib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = [ROOT / "tiledkernel", *sorted(ROOT.glob("plugins/*/tiled_*"))]
MODULES = sorted(path for source in SOURCES for path in source.rglob("*.py"))
PACKAGES = [path for path in MODULES if path.name == "__init__.py"]


def identity(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def parse(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def declared(tree: ast.Module) -> list[str] | None:
    """The value of `__all__`, if there is one."""
    for node in tree.body:
        if isinstance(node, ast.Assign) and any(isinstance(t, ast.Name) and t.id == "__all__" for t in node.targets):
            return list(ast.literal_eval(node.value))
    return None


def brought_in(tree: ast.Module) -> set[str]:
    """Names that a package takes from its own modules: the reason for such an import is to pass the name on."""
    return {
        alias.asname or alias.name
        for node in tree.body
        if isinstance(node, ast.ImportFrom) and str(node.module).startswith("tiledkernel.")
        for alias in node.names
    }


def undocumented(body: list[ast.stmt], prefix: str = "") -> Iterator[str]:
    """Public classes and functions without a docstring, and the public methods of public classes."""
    for node in body:
        if not isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) or node.name.startswith("_"):
            continue
        decorators = {ast.unparse(decorator) for decorator in node.decorator_list}
        if ast.get_docstring(node) is None and not decorators & {"overload", "override", "typing.override"}:
            yield prefix + node.name
        if isinstance(node, ast.ClassDef):
            yield from undocumented(node.body, f"{prefix}{node.name}.")


@pytest.mark.parametrize("path", PACKAGES, ids=identity)
def test_a_package_exports_what_it_brings_together(path: Path) -> None:
    tree = parse(path)
    names = declared(tree)
    if path.parent.parent.name == "plugins" or path.parent.name.startswith("tiled_"):
        return  # a plugin's package holds its hooks
    defined = {name for name in brought_in(tree) if not name.startswith("_")}
    assert defined <= set(names or ()), f"missing in __all__: {sorted(defined - set(names or ()))}"


@pytest.mark.parametrize("path", [path for path in MODULES if declared(parse(path))], ids=identity)
def test_each_exported_name_exists_and_stands_in_order(path: Path) -> None:
    names = declared(parse(path))
    parts = path.relative_to(ROOT).with_suffix("").parts
    module = importlib.import_module(".".join(part for part in parts if part != "__init__"))
    assert names is not None
    assert len(set(names)) == len(names)
    assert not [name for name in names if not hasattr(module, name)]


@pytest.mark.parametrize("path", MODULES, ids=identity)
def test_public_things_say_what_they_are(path: Path) -> None:
    tree = parse(path)
    assert ast.get_docstring(tree) or not tree.body, f"{identity(path)} has no docstring"
    assert not list(undocumented(tree.body))


def test_a_plugin_author_finds_every_record_in_the_kernels_face() -> None:
    """Whatever a hook returns can be imported from `tiledkernel` itself."""
    records = parse(ROOT / "tiledkernel" / "records.py")
    structs = {node.name for node in records.body if isinstance(node, ast.ClassDef)}
    assert structs <= set(declared(parse(ROOT / "tiledkernel" / "__init__.py")) or ())
