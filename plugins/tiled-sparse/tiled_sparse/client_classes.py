"""What the client shows sparse arrays with."""

from __future__ import annotations

from tiledkernel.client.classes import ClientClass

CLIENT_CLASSES = (
    ClientClass(
        "sparse",
        "tiled_sparse.client:SparseClient",
        writing="tiled_sparse.client_writing:writing_sparse",
        copying="tiled_sparse.client_copying:copying_sparse",
    ),
)
