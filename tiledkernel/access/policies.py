"""What an access policy is to the kernel: three methods say who may see and do what.

A policy decides about nodes that carry access tags (`access_tags`, a frozenset; empty: none are on record). What
cannot carry any, such as what lies inside a file, is as accessible as the nearest node above it that does.

`allowed_scopes` and `filters` must agree: a child of a container is listed if, and only if, `read:metadata` is among
its scopes. A policy that raises denies; nothing is shown that it did not allow.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Hashable, Sequence
from typing import Any

from tiledkernel.ability import Ability
from tiledkernel.access.viewer import Viewer


class AccessPolicy(Ability):
    """Who may see and do what. The methods are plain, called in a thread, and may block.

    One with a method `close` is closed with the server; requests that come later find it open again.
    """

    @abstractmethod
    def allowed_scopes(self, node: Any, viewer: Viewer) -> frozenset[str]:
        """What the viewer may do with a node; the kernel takes those that the credential confers as well."""

    @abstractmethod
    def filters(self, viewer: Viewer, scopes: frozenset[str]) -> Sequence[Any] | None:
        """Queries (of `tiledkernel.queries`) that all nodes match, and no others, with which the viewer may do this.

        An empty sequence: all nodes; None: no query can say it, ask about each node.
        """

    @abstractmethod
    def init_node(self, viewer: Viewer, access_tags: frozenset[str] | None) -> frozenset[str]:
        """The tags of a node that the viewer makes with these tags (None: it did not say); Forbidden if it may not."""


class Modifying(Ability):
    """A policy that decides about changes of tags by itself; of others, `init_node` decides about the new tags."""

    @abstractmethod
    def modify_node(self, node: Any, viewer: Viewer, access_tags: frozenset[str]) -> frozenset[str]:
        """The tags that the node gets if the viewer wants these; Forbidden if it may not."""


class Remembered(Ability):
    """A policy whose decisions depend on the viewer and on the tags of a node only, and may be remembered."""

    @abstractmethod
    def revision(self) -> Hashable:
        """A value that differs after every change of the rules; it is asked for every request, and never blocks."""
