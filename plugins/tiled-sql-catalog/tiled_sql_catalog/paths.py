"""Keys of nodes, and the digests by which a node is found however deep it lies."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from hashlib import blake2b

from tiledkernel.errors import Unprocessable

MAX_KEY = 1024  # bytes of a key
MAX_SEGMENTS = 128
ROOT_PATH = b"\0" * 16


def child_path(parent: bytes, key: str) -> bytes:
    """The digest of a child's place."""
    return blake2b(parent + key.encode("utf-8", "surrogatepass"), digest_size=16).digest()


def paths_to(root: bytes, keys: Sequence[str]) -> Iterator[bytes]:
    """The digests of all places on the way down, the first below the root first."""
    path = root
    for key in keys:
        path = child_path(path, key)
        yield path


def check_key(key: str) -> str:
    """The key itself; Unprocessable says why it can be none."""
    if key in ("", ".", ".."):
        reason = "it means something else in a path"
    elif "/" in key:
        reason = "it must not contain '/', which separates keys in a path"
    elif "\0" in key:
        reason = "it must not contain a NUL character"
    else:
        try:
            if len(key.encode()) <= MAX_KEY:
                return key
        except UnicodeEncodeError:
            reason = "it contains half of a character"
        else:
            reason = f"it is longer than {MAX_KEY} bytes in UTF-8"
    shown = key[:80].encode("utf-8", "replace").decode()
    raise Unprocessable(f"{shown!r} cannot be a key: {reason}", "body", "id", value=shown)
