"""Archives that somebody sends: looked at before they are believed."""

from __future__ import annotations

import zipfile

from tiled_awkward.archives import read_archive
from tiledkernel.errors import Unprocessable

LIMIT = 1 << 30  # bytes that one request brings, as they travel and in memory
FRAME = 1 << 20  # bytes of an archive besides its contents


def read_uploaded(body: memoryview, limit: int) -> dict[str, memoryview]:
    """The entries of an archive, of at most `limit` bytes; Unprocessable if it is none, or damaged."""
    try:
        return read_archive(body, limit)
    except zipfile.BadZipFile as error:
        raise Unprocessable(f"the body is no ZIP archive that can be taken: {error}", "body") from error
