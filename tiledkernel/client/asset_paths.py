"""Where the files behind a node are, for programs that share a file system with the server."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import unquote, urlsplit

from tiledkernel.client.node import Node


def get_asset_filepaths(node: Node) -> list[Path]:
    """The paths of the files and directories behind a node; ValueError if one of them is no file.

    >>> get_asset_filepaths(client["scan"])
    [PosixPath('/data/scan.h5')]
    """
    uris = [asset.data_uri for source in node.data_sources() or [] for asset in source.assets]
    return [_path_of(uri) for uri in uris]


def _path_of(uri: str) -> Path:
    parts = urlsplit(uri)
    if parts.scheme != "file":
        raise ValueError(f"{uri!r} is no file: only file: URIs have a path; read() gets the data all the same")
    return Path(unquote(parts.path))
