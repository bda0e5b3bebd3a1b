"""The tokens of a login: in memory, and in files that only their owner may read."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote

from tiledkernel.client.cache_dir import cache_dir, make_private
from tiledkernel.client.messages import UnexpectedAnswer
from tiledkernel.client.private_files import is_own, is_safe, make_own, write_private

ACCESS, REFRESH, IDENTITY = "access_token", "refresh_token", "id_token"
PRINCIPAL = "principal"  # whose they are; no secret

_PARTS = (REFRESH, IDENTITY, PRINCIPAL, ACCESS)  # who finds a new access token finds the rest new as well
_TOKEN = re.compile(r"[\x21-\x7e]{1,65536}")  # it has to fit into a header
_LONGEST_NAME = 150  # characters; file systems end at 255


class Tokens(Mapping[str, str]):
    """Tokens by name; none is shown by accident."""

    def __init__(self, given: Mapping[str, Any]) -> None:
        self._given: dict[str, str] = {name: given[name] for name in _PARTS if isinstance(given.get(name), str)}

    def __getitem__(self, name: str) -> str:
        return self._given[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._given)

    def __len__(self) -> int:
        return len(self._given)

    def __repr__(self) -> str:
        return f"<Tokens {{{', '.join(map(repr, self))}}}>"

    def renewed(self, given: Mapping[str, Any]) -> Tokens:
        """With new ones in the place of those that are given."""
        return Tokens({**self._given, **parse_tokens(given)})


def parse_tokens(given: Any) -> Tokens:
    """The tokens in what a server or a program gives; UnexpectedAnswer if there is no access token that can be sent."""
    tokens = Tokens(given) if isinstance(given, Mapping) else Tokens({})
    if ACCESS not in tokens:
        raise UnexpectedAnswer(f"expected tokens with an {ACCESS!r}, got {_names(given)}")
    for name, token in tokens.items():
        if not _TOKEN.fullmatch(token):
            raise UnexpectedAnswer(f"the {name!r} is no token: expected ASCII letters, digits and signs")
    return tokens


def _names(given: Any) -> str:
    """What is in an answer that is not what it should be, without anything secret."""
    return f"an object with {sorted(map(str, given))}" if isinstance(given, Mapping) else f"a {type(given).__name__}"


class TokenFiles:
    """The folder in which the login at one server is remembered, a file for each token."""

    def __init__(self, api_uri: str, root: Path | None = None) -> None:
        self.root = cache_dir() / "tokens" if root is None else Path(root).expanduser()
        self.folder = self.root / folder_name(api_uri)
        self.lock_file = self.folder / ".lock"

    def read(self) -> Tokens:
        """What is there; nothing that others have put there, and nothing that is no token."""
        try:
            if not (is_safe(self.root) and is_own(self.folder)):
                return Tokens({})
        except OSError:
            return Tokens({})
        found = {name: _read(self.folder / name) for name in _PARTS}
        return Tokens(found)

    def write(self, tokens: Tokens) -> None:
        """Put tokens there, in place of others; OSError if that cannot be."""
        self._make()
        for name in _PARTS:
            if name in tokens:
                write_private(self.folder / name, tokens[name])
            else:
                (self.folder / name).unlink(missing_ok=True)

    def write_principal(self, principal: str) -> None:
        """Note whose tokens they are; OSError if that cannot be."""
        self._make()
        write_private(self.folder / PRINCIPAL, principal)

    def _make(self) -> None:
        make_private(self.root)  # which may have been chosen, and hold other things as well
        if not is_safe(self.root):
            raise PermissionError(f"{self.root} belongs to somebody else")
        make_own(self.folder)

    def forget(self) -> None:
        """Leave no token there."""
        for name in reversed(_PARTS):
            with suppress(FileNotFoundError, NotADirectoryError):
                (self.folder / name).unlink()


def folder_name(api_uri: str) -> str:
    """What the folder of a server is called: its address, quoted."""
    name = quote(api_uri, safe="")
    if len(name) <= _LONGEST_NAME:
        return name
    return f"{name[:_LONGEST_NAME]}-{hashlib.sha256(api_uri.encode()).hexdigest()[:32]}"


def _read(file: Path) -> str | None:
    try:
        with file.open(encoding="ascii") as stream:
            text = stream.read(1 << 17).strip()
    except (OSError, UnicodeDecodeError):
        return None
    return text if _TOKEN.fullmatch(text) else None
