"""What the client shows sparse arrays with."""

from __future__ import annotations

from tiledkernel.client.classes import ClientClass

CLIENT_CLASSES = (ClientClass("sparse", "tiled_sparse.client:SparseClient"),)
