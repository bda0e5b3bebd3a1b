"""What the client shows awkward and ragged arrays with."""

from __future__ import annotations

from tiledkernel.client.classes import ClientClass

_COPYING = "tiled_awkward.client_copying:copying_whole"

CLIENT_CLASSES = (
    ClientClass(
        "awkward",
        "tiled_awkward.awkward.client:AwkwardClient",
        writing="tiled_awkward.awkward.client_writing:writing_awkward",
        copying=_COPYING,
    ),
    ClientClass(
        "ragged",
        "tiled_awkward.ragged.client:RaggedClient",
        writing="tiled_awkward.ragged.client_writing:writing_ragged",
        copying=_COPYING,
    ),
)
