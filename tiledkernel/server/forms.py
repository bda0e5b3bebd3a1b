"""Listings of nodes that are alike: what all have in common is written once, and what is each one's own is put in.

A form is made by describing a specimen whose own texts are marks, so that it says what the describer says.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Hashable
from operator import itemgetter
from typing import Any

from tiledkernel import wire
from tiledkernel.nodes.protocols import Worded, Words
from tiledkernel.server.quoting import is_plain, quoted_key

_MARK = secrets.token_hex(16)  # which nobody's names hold
_KEY, _SPECS, _METADATA, _TAG = (f"{_MARK}{letter}" for letter in "ksmt")
_COUNT = int.from_bytes(secrets.token_bytes(7)) + (1 << 60)


WORDLESS = Words(None, "", "", "")  # of a node of which only the key is told


class Specimen:
    """A node like others, whose own words are marks."""

    key = _KEY

    def __init__(self, node: Any) -> None:
        self.family = node.family
        self.structure = getattr(node, "structure", None)
        self.sorting = getattr(node, "sorting", None)
        self.specs = _SPECS
        self.metadata_text = f'"{_METADATA}"'
        self.access_tags = (_TAG,)

    def __len__(self) -> int:
        return _COUNT


class Form:
    """The JSON of a resource with places for what is each node's own."""

    def __init__(self, resource: dict[str, Any]) -> None:
        parts = _PLACES.split(wire.encode_json(resource).decode())
        self._parts = parts
        self._own = itemgetter(*[_ORDER[place] for place in parts[1::2]], -1, -1)

    def fill(self, key: str, words: Words) -> str:
        """The JSON of one node."""
        plain = is_plain(key)
        own = (
            f'"{key}"' if plain else wire.encode_json(key).decode(), key if plain else quoted_key(key),
            words.metadata, words.specs, words.tags, str(words.count), "",
        )  # fmt: skip
        parts = self._parts.copy()
        parts[1::2] = self._own(own)[:-2]
        return "".join(parts)


_ORDER = {
    f'"{_KEY}"': 0, _KEY: 1, f'"{_METADATA}"': 2, f'"{_SPECS}"': 3, f'["{_TAG}"]': 4, str(_COUNT): 5,
}  # fmt: skip
_PLACES = re.compile(f"({'|'.join(map(re.escape, _ORDER))})")


class Forms:
    """The forms of one listing; `describe` makes the resource of a specimen."""

    def __init__(self, describe: Callable[[Specimen], dict[str, Any]]) -> None:
        self._describe = describe
        self._forms: dict[Hashable, Form] = {}

    def fill(self, key: str, node: Any) -> wire.Written | None:
        """The resource of a node; None if it is not like any other."""
        words = node.words() if isinstance(node, Worded) else None
        if words is None:
            return None
        form = self._forms.get(words.form)
        if form is None:
            form = self._forms[words.form] = Form(self._describe(Specimen(node)))
        return wire.Written(form.fill(key, words))
