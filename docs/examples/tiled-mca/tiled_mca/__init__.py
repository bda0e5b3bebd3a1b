"""Serve spectra of multichannel analysers (.mca)."""

from __future__ import annotations

from tiledkernel import Reader, hookimpl

READER = Reader(
    media_type="application/x-mca",
    suffixes=(".mca",),
    signatures=(b"<<PMCA SPECTRUM>>",),
    open="tiled_mca.reader:open_mca",
)


@hookimpl
def register_readers() -> list[Reader]:
    """The one format of this plugin."""
    return [READER]
