"""What one viewer sees of a tree: nodes that a policy hides are not there, wherever somebody looks.

Sight enters at the root. Every container that is reached through it shows visible children only: one with a catalog
finds them itself (`Seeing`), any other is looked through child by child (`tiledkernel.nodes.seen`).
"""

from __future__ import annotations

import logging
from abc import abstractmethod
from collections.abc import Callable, Hashable, Sequence
from typing import Any, TypeVar

from tiledkernel.ability import Ability
from tiledkernel.access.policies import AccessPolicy, Modifying, Remembered
from tiledkernel.access.scopes import ALL_SCOPES, READ_METADATA
from tiledkernel.access.viewer import Viewer
from tiledkernel.errors import Forbidden, KernelError, NotFound

logger = logging.getLogger(__name__)

T = TypeVar("T")

VISIBLE = frozenset({READ_METADATA})
MAX_DECISIONS = 10_000  # remembered for one viewer
MAX_SIGHTS = 1000  # viewers that are remembered


class Seeing(Ability):
    """A container that shows only what somebody sees, whatever is asked of it and of containers below it."""

    @abstractmethod
    def seen(self, sight: Sight | None) -> Any | None:
        """The same container as it is seen (for None: whole); None if it cannot tell, and must be looked through."""


class WithSessionState(Ability):
    """A tree that is another one for everybody who has logged in, as one that asks a service in the user's name."""

    @abstractmethod
    def with_session_state(self, state: Any) -> Any:
        """The tree for a session with this state."""


class Sight:
    """What a viewer may do with nodes, as a policy says; a node is visible if all scopes in `needed` are among it."""

    def __init__(
        self,
        viewer: Viewer,
        policy: AccessPolicy | None,
        needed: frozenset[str] = VISIBLE,
        decisions: dict[Hashable, frozenset[str]] | None = None,
    ) -> None:
        self.viewer = viewer
        self.policy = policy
        self.needed = needed
        self.swift = policy is None or isinstance(policy, Remembered)  # whether a decision never blocks
        self.root: Any = None  # of the tree as it is seen, once somebody looked
        self._decisions = {} if decisions is None else decisions

    def demanding(self, scopes: frozenset[str]) -> Sight:
        """The same viewer's sight of those nodes only with which these scopes are allowed."""
        needed = VISIBLE | scopes
        return self if needed == self.needed else Sight(self.viewer, self.policy, needed, self._decisions)

    def allowed(self, node: Any) -> frozenset[str]:
        """What the policy lets the viewer do with a node that carries tags."""
        if self.policy is None:
            return ALL_SCOPES
        if not self.swift:
            return self._ask(self.policy, node)
        tags = node.access_tags
        known = self._decisions.get(tags)
        if known is None:
            known = self._ask(self.policy, node)
            if len(self._decisions) >= MAX_DECISIONS:
                self._decisions.clear()
            self._decisions[tags] = known
        return known

    def admits(self, node: Any) -> bool:
        """Whether a node is visible: one that carries no tags is, with what is around it."""
        return not carries_tags(node) or self.needed <= self.allowed(node)

    def require(self, governor: Any | None, scopes: frozenset[str], path: Sequence[str]) -> None:
        """Forbidden, naming what is missing, unless all scopes are allowed where the tags of `governor` decide.

        NotFound if not even its existence is.
        """
        if governor is None or governor is UNGOVERNED or self.policy is None:
            return
        allowed = self.allowed(governor)
        if not allowed >= VISIBLE:
            raise NotFound(f"no such entry: {list(path)!r}")
        if not scopes <= allowed:
            missing = ", ".join(sorted(scopes - allowed))
            shown = "/".join(path)
            raise Forbidden(
                f"the access policy does not let you do this with {shown!r}: it denies the scopes [{missing}]"
            )

    def filters(self) -> Sequence[Any] | None:
        """Queries that all visible nodes match, and no others; None if each node must be asked about."""
        if self.policy is None:
            return ()
        return _asked(self.policy.filters, self.viewer, self.needed)

    def tags_of_new(self, access_tags: frozenset[str] | None) -> frozenset[str] | None:
        """The tags of a node that the viewer makes; None without a policy, since nobody would go by them."""
        return None if self.policy is None else frozenset(_asked(self.policy.init_node, self.viewer, access_tags))

    def tags_of_changed(self, node: Any, access_tags: frozenset[str]) -> frozenset[str] | None:
        """The tags that a node gets if the viewer wants these; None without a policy."""
        policy: Any = self.policy
        if isinstance(policy, Modifying):
            return frozenset(_asked(policy.modify_node, node, self.viewer, access_tags))
        return self.tags_of_new(access_tags)

    def _ask(self, policy: AccessPolicy, node: Any) -> frozenset[str]:
        return frozenset(_asked(policy.allowed_scopes, node, self.viewer))


def _asked(method: Callable[..., T], *arguments: Any) -> T:
    """What a policy says; a policy that fails denies."""
    try:
        return method(*arguments)
    except KernelError:
        raise
    except Exception as error:
        logger.exception("the access policy failed, so access is denied")
        raise Forbidden("the access policy could not decide, so access is denied: the server's log says why") from error


class Sights:
    """The sight of every viewer; what was decided is remembered as long as the rules stay what they are."""

    def __init__(self, policy: AccessPolicy | None) -> None:
        self.policy = policy
        self._revision_of: Callable[[], Hashable] | None = getattr(policy, "revision", None)
        self._revision: Hashable = None
        self._known: dict[int, tuple[Viewer, Sight]] = {}

    def of(self, viewer: Viewer) -> Sight:
        """What a viewer sees."""
        if self._revision_of is None:
            return Sight(viewer, self.policy)
        revision = self._revision_of()
        if revision != self._revision or len(self._known) >= MAX_SIGHTS:
            self._known, self._revision = {}, revision
        known = self._known.get(id(viewer))  # which is nobody else's as long as the viewer is kept here
        if known is None:
            known = self._known[id(viewer)] = viewer, Sight(viewer, self.policy)
        return known[1]


def has_session_state(root: Any) -> bool:
    """Whether the tree, or one that is mounted in it, is another one for everybody."""
    if isinstance(root, WithSessionState):
        return True
    if getattr(root, "family", None) != "container" or not getattr(root, "in_memory", False):
        return False
    return any(isinstance(root[key], WithSessionState) for key in root)


class Ungoverned:
    """Stands for the governor of an entry, where there is a policy but nothing so far carries tags."""


UNGOVERNED = Ungoverned()


def carries_tags(node: Any) -> bool:
    """Whether policies decide about a node, and not about what is around it."""
    return getattr(node, "access_tags", None) is not None
