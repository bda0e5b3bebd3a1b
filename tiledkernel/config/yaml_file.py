"""Read one YAML file into a `Document`: duplicates are errors, aliases cannot explode, `${VAR}` is expanded."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn

import yaml
from yaml.constructor import SafeConstructor

from tiledkernel.config.document import Document, InvalidConfiguration, KeyPath, Problem

MAX_BYTES = 4_000_000
MAX_VALUES = 100_000  # aliases can make a small file mean billions of values
MAX_DEPTH = 50

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_VARIABLE = re.compile(r"\$(?:\{([A-Za-z_]\w*)\}|([A-Za-z_]\w*))")
_TAG = "tag:yaml.org,2002:"
_MERGE = f"{_TAG}merge"
_COLLECTIONS = frozenset({f"{_TAG}map", f"{_TAG}seq"})


def read_yaml(path: Path, environ: Mapping[str, str] | None = None, *, example: str = "trees: [...]") -> Document:
    """The content of a file; InvalidConfiguration with file and line if it is no mapping in clean YAML.

    `example` is what such a file may hold, for the message if it holds something else.
    """
    text = _read_text(path)
    try:
        _check_depth(path, text)
        root = yaml.compose(text, Loader=_Loader)
    except yaml.MarkedYAMLError as error:
        line = f":{error.problem_mark.line + 1}" if error.problem_mark else ""
        _refuse(
            f"{path}{line}", (), f"this is not YAML: {error.problem}{f', {error.context}' if error.context else ''}"
        )
    except (yaml.YAMLError, RecursionError) as error:
        _refuse(str(path), (), f"this is not YAML: {error}")
    document = Document(origins={(): str(path)})
    if root is None or root.tag == f"{_TAG}null":
        return document
    if not isinstance(root, yaml.MappingNode):
        _refuse(str(path), (), f"expected a mapping of keys, such as {example!r}")
    document.data = _Builder(path, document, os.environ if environ is None else environ).value(root, ())
    return document


def _read_text(path: Path) -> str:
    try:
        if path.stat().st_size > MAX_BYTES:
            _refuse(str(path), (), f"larger than {MAX_BYTES} bytes: this is no configuration")
        return path.read_text("utf-8-sig")
    except UnicodeDecodeError as error:
        _refuse(str(path), (), f"this is not UTF-8 text: {error}")
    except OSError as error:
        _refuse(str(path), (), f"cannot be read: {error.strerror}")


def _check_depth(path: Path, text: str) -> None:
    """Refuse deep nesting before nodes are made, which is recursive C code that overflows the stack."""
    depth = 0
    for event in yaml.parse(text, Loader=_Loader):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > MAX_DEPTH:
            _refuse(
                f"{path}:{event.start_mark.line + 1 if event.start_mark else 0}",
                (),
                f"nested more than {MAX_DEPTH} levels deep",
            )


def _refuse(origin: str, path: KeyPath, message: str) -> NoReturn:
    raise InvalidConfiguration([Problem(origin, path, message)])


class _Builder:
    """Makes plain values of YAML nodes, and notes where each key was written."""

    def __init__(self, path: Path, document: Document, environ: Mapping[str, str]) -> None:
        self._path = path
        self._document = document
        self._environ = environ
        self._scalars = SafeConstructor()
        self._count = 0

    def value(self, node: yaml.Node, path: KeyPath) -> Any:
        self._count += 1
        if self._count > MAX_VALUES or len(path) > MAX_DEPTH:
            self._refuse(node, (), f"more than {MAX_VALUES} values or {MAX_DEPTH} levels: check the aliases (*name)")
        self._document.origins[path] = self._place(node)
        if isinstance(node, yaml.CollectionNode) and node.tag not in _COLLECTIONS:
            self._refuse(node, path, f"a value that YAML cannot mean: the tag {node.tag!r} is unknown here")
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path)
        if isinstance(node, yaml.SequenceNode):
            return [self.value(item, (*path, index)) for index, item in enumerate(node.value)]
        return self._scalar(node, path)

    def _mapping(self, node: yaml.MappingNode, path: KeyPath) -> dict[str, Any]:
        result = self._merged(node, path)
        lines: dict[str, int] = {}
        for key_node, value_node in node.value:
            if key_node.tag == _MERGE:
                continue
            key = self._key(key_node, path)
            if key in lines:
                self._refuse(key_node, (*path, key), f"the key is given twice, first in line {lines[key]}")
            lines[key] = key_node.start_mark.line + 1
            result[key] = self.value(value_node, (*path, key))
            self._document.origins[(*path, key)] = self._place(key_node)
        self._document.origins[path] = self._place(node)
        return result

    def _merged(self, node: yaml.MappingNode, path: KeyPath) -> dict[str, Any]:
        """What `<<` brings; of several mappings the first that has a key wins, and the mapping's own keys over all."""
        result: dict[str, Any] = {}
        for key_node, value_node in node.value:
            if key_node.tag == _MERGE:
                several = isinstance(value_node, yaml.SequenceNode)
                for source in value_node.value if several else [value_node]:
                    if not isinstance(source, yaml.MappingNode):
                        self._refuse(source, path, "'<<' takes a mapping, or a list of mappings")
                    result = {**self.value(source, path), **result}
        return result

    def _key(self, node: yaml.Node, path: KeyPath) -> str:
        key = self._construct(node, path) if isinstance(node, yaml.ScalarNode) else node
        if not isinstance(key, str):
            shown = repr(getattr(node, "value", "")) if isinstance(node, yaml.ScalarNode) else "a list or mapping"
            self._refuse(node, path, f"{shown} as a key: keys are text; put it in quotes")
        return key

    def _scalar(self, node: yaml.Node, path: KeyPath) -> Any:
        value = self._construct(node, path)
        if not isinstance(value, str) or "$" not in value:
            return value
        expanded = _VARIABLE.sub(lambda match: self._variable(match, path), value)
        if expanded != value:
            self._document.from_text.add(path)
        return expanded

    def _variable(self, match: re.Match[str], path: KeyPath) -> str:
        name = match[1] or match[2]
        if name not in self._environ:
            self._document.unset[path] = name
            return match[0]
        return self._environ[name]

    def _construct(self, node: yaml.Node, path: KeyPath) -> Any:
        try:
            return self._scalars.construct_object(node)
        except (yaml.YAMLError, ValueError, OverflowError) as error:
            message = getattr(error, "problem", None) or str(error)
            self._refuse(node, path, f"a value that YAML cannot mean: {message}")

    def _place(self, node: yaml.Node) -> str:
        return f"{self._path}:{node.start_mark.line + 1}"

    def _refuse(self, node: yaml.Node, path: KeyPath, message: str) -> NoReturn:
        _refuse(self._place(node), path, message)
