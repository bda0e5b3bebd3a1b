"""Download the files behind a node as they are."""

from __future__ import annotations

import io
import threading
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, MutableMapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from msgspec import Struct

from tiledkernel.client.bodies import pieces_of
from tiledkernel.client.calls import Call, call_message
from tiledkernel.client.data_sources import Asset
from tiledkernel.client.decoders import ACCEPT_ENCODING
from tiledkernel.client.files import confined, parse_file_name, whole_file
from tiledkernel.client.parallel import Stopped, run_parallel
from tiledkernel.client.uris import sibling_route

if TYPE_CHECKING:
    from tiledkernel.client.context import Context
    from tiledkernel.client.light_httpx import httpx

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


def fetch_manifest(context: Context, uri: str, asset: Asset) -> list[str]:
    """The relative paths of the files in a directory."""
    call = call_message(sibling_route(uri, "asset/manifest"), [("id", str(asset.id))])
    manifest: list[str] = context.message(call)["manifest"]
    return manifest


def download_assets(  # noqa: PLR0913 - what to fetch, and where to put it
    context: Context,
    uri: str,
    assets: Sequence[Asset],
    destination: Destination,
    *,
    max_workers: int,
    compression: bool,
) -> list[Any]:
    """Fetch all files of the assets; the paths written, or the keys of the mapping that received them."""
    downloads = list(_downloads_of(context, uri, assets))
    url = sibling_route(uri, "asset/bytes")
    coding = ACCEPT_ENCODING if compression else "identity"
    save = _saver(destination)
    tasks = [partial(_download, context, _call(url, download, coding), download, save) for download in downloads]
    return run_parallel(tasks, max_workers)


def _downloads_of(context: Context, uri: str, assets: Sequence[Asset]) -> Iterator[Download]:
    for asset in assets:
        folder = str(asset.id) if len(assets) > 1 else ""
        if not asset.is_directory:
            yield Download(asset.id, folder)
            continue
        for relative_path in fetch_manifest(context, uri, asset):
            yield Download(asset.id, folder, relative_path)


def _call(url: str, download: Download, coding: str) -> Call:
    parameters = [("id", str(download.asset))]
    if download.relative_path is not None:
        parameters.append(("relative_path", download.relative_path))
    return Call(url=url, parameters=parameters, headers={"accept": "*/*", "accept-encoding": coding})


def _download(
    context: Context,
    call: Call,
    download: Download,
    save: Callable[[str, Iterable[Any]], Any],
    stop: threading.Event,
) -> Any:
    def read(response: httpx.Response) -> Any:
        place = download.place(response.headers.get("content-disposition", ""))
        return save(place, _until(stop, pieces_of(response)))

    return context.data(call, read)


def _until(stop: threading.Event, pieces: Iterator[Any]) -> Iterator[Any]:
    for piece in pieces:
        if stop.is_set():
            raise Stopped
        yield piece


def _saver(destination: Destination) -> Callable[[str, Iterable[Any]], Any]:
    if isinstance(destination, MutableMapping):
        return partial(_save_in_mapping, destination)
    return partial(_save_in_directory, Path.cwd() if destination is None else Path(destination))


def _save_in_directory(directory: Path, place: str, pieces: Iterable[Any]) -> Path:
    target = confined(directory, place)
    with whole_file(target) as file:
        for piece in pieces:
            file.write(piece)
    return target


def _save_in_mapping(mapping: MutableMapping[str, Any], place: str, pieces: Iterable[Any]) -> str:
    buffer = io.BytesIO()
    for piece in pieces:
        buffer.write(piece)
    buffer.seek(0)
    mapping[place] = buffer
    return place
