"""Download the files behind a node as they are."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, MutableMapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias
from urllib.parse import unquote, urlsplit

from msgspec import Struct, structs

from tiledkernel.client.calls import Call, call_message
from tiledkernel.client.data_sources import Asset
from tiledkernel.client.decoders import ACCEPT_ENCODING
from tiledkernel.client.files import IntoFile, IntoMapping, confined, parse_file_name
from tiledkernel.client.plans import Plan, ask_data, ask_message, together
from tiledkernel.client.uris import sibling_route
from tiledkernel.wire import JSON

if TYPE_CHECKING:
    from tiledkernel.client.light_httpx import httpx
    from tiledkernel.client.sinks import Sink

Destination: TypeAlias = str | Path | MutableMapping[str, Any] | None
_OUTDATED = "destination_directory"


class Download(Struct, frozen=True):
    """One file to fetch: which, and below which folder of the destination; its name may be the server's to say."""

    asset: int | None
    folder: str = ""
    relative_path: str | None = None

    def place(self, disposition: str) -> str:
        """The relative path to write to, given the answer's `Content-Disposition`."""
        name = self.relative_path if self.relative_path is not None else parse_file_name(disposition)
        return f"{self.folder}/{name}" if self.folder else name


def pop_outdated_destination(destination: Destination, outdated: Mapping[str, Any]) -> Destination:
    """The destination, which older programs call `destination_directory`."""
    for name in outdated:
        if name != _OUTDATED:
            raise TypeError(f"raw_export() got an unexpected keyword argument {name!r}")
    if _OUTDATED not in outdated:
        return destination
    if destination is not None:
        raise TypeError("raw_export() got both destination and its old name destination_directory: pass the first")
    warnings.warn("destination_directory= is now called destination=", DeprecationWarning, stacklevel=3)
    old: Destination = outdated[_OUTDATED]
    return old


def asking_manifest(uri: str, asset: Asset) -> Plan[list[str]]:
    """The relative paths of the files in a directory; a server may also say where they lie on its disk."""
    call = call_message(sibling_route(uri, "asset/manifest"), [("id", str(asset.id))])
    answer = yield from ask_message(structs.replace(call, headers={"accept": JSON}))  # the form that all servers have
    directory = unquote(urlsplit(asset.data_uri).path).rstrip("/") + "/"
    return [path.removeprefix(directory) for path in answer["manifest"]]


def downloading_assets(
    uri: str, assets: Sequence[Asset], destination: Destination, *, max_workers: int, compression: bool
) -> Plan[list[Any]]:
    """Fetch all files of the assets; the paths written, or the keys of the mapping that received them."""
    downloads = yield from _finding_downloads(uri, assets)
    url = sibling_route(uri, "asset/bytes")
    coding = ACCEPT_ENCODING if compression else "identity"
    plans = [ask_data(_call(url, download, coding), partial(_sink_of, destination, download)) for download in downloads]
    return (yield from together(plans, max_workers))


def _sink_of(destination: Destination, download: Download, headers: httpx.Headers) -> Sink[Any]:
    place = download.place(headers.get("content-disposition", ""))
    if isinstance(destination, MutableMapping):
        return IntoMapping(destination, place)
    return IntoFile(confined(Path.cwd() if destination is None else Path(destination), place))


def _finding_downloads(uri: str, assets: Sequence[Asset]) -> Plan[list[Download]]:
    found: list[Download] = []
    for asset in assets:
        folder = str(asset.id) if len(assets) > 1 else ""
        if asset.is_directory:
            paths = yield from asking_manifest(uri, asset)
            found += [Download(asset.id, folder, relative_path) for relative_path in paths]
        else:
            found.append(Download(asset.id, folder))
    return found


def _call(url: str, download: Download, coding: str) -> Call:
    parameters = [("id", str(download.asset))]
    if download.relative_path is not None:
        parameters.append(("relative_path", download.relative_path))
    return Call(url=url, parameters=parameters, headers={"accept": "*/*", "accept-encoding": coding})
