"""What the client shows awkward and ragged arrays with."""

from __future__ import annotations

from tiledkernel.client.classes import ClientClass

CLIENT_CLASSES = (
    ClientClass("awkward", "tiled_awkward.awkward.client:AwkwardClient"),
    ClientClass("ragged", "tiled_awkward.ragged.client:RaggedClient"),
)
