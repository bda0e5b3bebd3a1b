"""Names that published tutorials import from here; each lives in the module of its subject."""

from __future__ import annotations

from tiledkernel.client.conflicts import Conflicts
from tiledkernel.client.outline import gen_tree, tree

__all__ = ["Conflicts", "gen_tree", "tree"]
