"""The policy that goes by tags.

- A node may be used as its tags allow, taken together. One without any is for administrators only.
- A node that was written without tags gets one that says who wrote it, and belongs to that user.
- Whoever puts a tag on a node, or takes it off, must own the tag, and must be able to read and write the node then.
- A credential that is restricted to tags reaches what carries these, and not what its user wrote without any.
"""

from __future__ import annotations

import functools
import logging
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from tiled_access_tags.definitions import (
    NODE_SCOPES,
    OWN,
    PUBLIC,
    Definitions,
    definitions_in,
    normal_scopes,
    read_definitions,
)
from tiled_access_tags.options import TagOptions
from tiled_access_tags.rules import NOTHING, Rules, compile_rules
from tiled_access_tags.watching import Watched
from tiledkernel import references
from tiledkernel.access.policies import AccessPolicy, Modifying, Remembered
from tiledkernel.access.scopes import ALL_SCOPES, NO_SCOPES, READ_DATA, READ_METADATA, WRITE_DATA, WRITE_METADATA
from tiledkernel.access.viewer import Viewer
from tiledkernel.config.decode import did_you_mean
from tiledkernel.config.document import Document, InvalidConfiguration, Problem
from tiledkernel.errors import ConfigurationError, Forbidden
from tiledkernel.queries import AccessTagsFilter

logger = logging.getLogger(__name__)

KEPT = frozenset({READ_METADATA, READ_DATA, WRITE_METADATA, WRITE_DATA})  # by whoever changes tags


class TagPolicy(Modifying, Remembered, AccessPolicy):
    """Decides by `rules`, which may be watched; `provider` is the way to log in whose ids are the names of users."""

    def __init__(self, rules: Rules | Watched[Rules], provider: str | None = None) -> None:
        self._source = rules
        self.provider = provider

    @property
    def rules(self) -> Rules:
        """Those in force."""
        return self._source.value if isinstance(self._source, Watched) else self._source

    def revision(self) -> int:
        """How many times the rules have changed."""
        return self._source.revision() if isinstance(self._source, Watched) else 0

    def allowed_scopes(self, node: Any, viewer: Viewer) -> frozenset[str]:
        """What the tags of a node allow, taken together."""
        if viewer.administers:
            return ALL_SCOPES
        return self._allowed(node.access_tags, viewer)

    def filters(self, viewer: Viewer, scopes: frozenset[str]) -> Sequence[AccessTagsFilter]:
        """For each scope the tags that give it: one of them is enough for it, and all scopes are wanted."""
        if viewer.administers:
            return ()
        wanted = {self._tags_with(scope, viewer) for scope in scopes}
        return tuple(AccessTagsFilter(sorted(tags)) for tags in sorted(wanted, key=len))

    def init_node(self, viewer: Viewer, access_tags: frozenset[str] | None) -> frozenset[str]:
        """The tags that were asked for, if the viewer may give them; without any, the node belongs to the viewer."""
        if access_tags is None:
            return self._untagged(viewer)
        self._check_change(access_tags, access_tags, viewer)
        return access_tags

    def modify_node(self, node: Any, viewer: Viewer, access_tags: frozenset[str]) -> frozenset[str]:
        """The tags that were asked for, if the viewer may give, and take away, those that differ."""
        before = frozenset(node.access_tags)
        if access_tags != before:
            self._check_change(access_tags ^ before, access_tags, viewer, gone=before - access_tags)
        return access_tags

    def own_tag(self, viewer: Viewer) -> str | None:
        """The tag of what the viewer writes without any; None for those without an account, or an id that counts."""
        user = self.user(viewer)
        if user is None or viewer.principal is None:
            return None
        return f"{OWN[viewer.principal.type == 'service']}{user}"

    def _allowed(self, tags: Iterable[str], viewer: Viewer) -> frozenset[str]:
        rules, user, own = self.rules, self.user(viewer), self._reached(viewer)
        tables = rules.tables(user, known=viewer.principal is not None)
        allowed = NO_SCOPES
        for tag in tags if viewer.access_tags is None else viewer.access_tags.intersection(tags):
            for table in tables:
                if tag in table:
                    allowed |= table[tag]
            if tag == own:
                allowed |= rules.own
        return allowed

    def _tags_with(self, scope: str, viewer: Viewer) -> frozenset[str]:
        rules, own = self.rules, self._reached(viewer)
        tables = rules.tables(self.user(viewer), known=viewer.principal is not None)
        tags = frozenset(tag for table in tables for tag, scopes in table.items() if scope in scopes)
        if viewer.access_tags is not None:
            tags &= viewer.access_tags
        return tags | {own} if own is not None and scope in rules.own else tags

    def user(self, viewer: Viewer) -> str | None:
        """The name by which the rules know the viewer; None for those without an account, or an id that counts."""
        return None if viewer.principal is None else viewer.principal.id_at(self.provider)

    def _reached(self, viewer: Viewer) -> str | None:
        """The tag of the viewer's own nodes, if the credential leads to them."""
        return self.own_tag(viewer) if viewer.access_tags is None else None

    def _untagged(self, viewer: Viewer) -> frozenset[str]:
        own = self.own_tag(viewer)
        if viewer.access_tags is not None:
            raise Forbidden(
                "this credential is restricted to access tags, and so cannot make a node that belongs to its user: "
                f"give access_tags, of these: {listed(viewer.access_tags)}"
            )
        if own is not None:
            return frozenset({own})
        if viewer.administers:
            return NOTHING
        raise Forbidden(
            f"{viewer.name!r} has no id"
            + (f" at the provider {self.provider!r}" if self.provider else "")
            + ", so nothing can belong to it: log in with an account that has one"
        )

    def _check_change(
        self, changed: frozenset[str], result: frozenset[str], viewer: Viewer, gone: frozenset[str] = NOTHING
    ) -> None:
        """Forbidden unless the viewer may give or take the `changed` tags, and keeps a node with the `result`."""
        if viewer.administers:
            self._check_defined(changed - gone)
            return
        mine = self._owned(viewer)
        for tag in sorted(changed - mine):
            reason = (
                "only administrators make nodes public, or no longer public"
                if tag == PUBLIC
                else f"only its owners put it on a node, or take it off; yours are: {listed(mine)}"
            )
            raise Forbidden(f"you may not change the access tag {tag!r}: {reason}")
        if not result:
            raise Forbidden(
                "a node without access tags is for administrators only: give it tags that you own, or leave "
                "'access_tags' out for a new one, which then belongs to you"
            )
        lost = KEPT - self._allowed(result, viewer)
        if lost:
            raise Forbidden(
                f"with the access tags {listed(result)} you would not be able to use this node yourself: they do not "
                f"give you the scopes [{', '.join(sorted(lost))}]; add a tag that does"
            )

    def _check_defined(self, tags: Iterable[str]) -> None:
        """Administrators may do everything, but a tag that nobody has defined is a mistake."""
        known = self.rules.tags
        for tag in sorted(tags):
            if tag not in known and not tag.startswith(OWN):
                raise Forbidden(
                    f"no access tag {tag!r} is defined{did_you_mean(tag, sorted(known))}; define it in the access rules"
                )

    def _owned(self, viewer: Viewer) -> frozenset[str]:
        """The tags that the viewer may give and take away with this credential."""
        user = self.user(viewer)
        owned = NOTHING if user is None else self.rules.owned.get(user, NOTHING)
        if viewer.access_tags is not None:
            return owned & viewer.access_tags
        own = self.own_tag(viewer)
        return owned if own is None else owned | {own}


def build_policy(options: TagOptions) -> TagPolicy:
    """The policy that a configuration describes; ConfigurationError says what is wrong with it."""
    scopes = _restriction(options.scopes)
    if options.file is not None and options.definitions is not None:
        raise ConfigurationError("the rules are either in a 'file' or in 'definitions': leave one of the two out")
    if options.definitions is not None:
        return TagPolicy(compile_rules(_inline(options.definitions), scopes), options.provider)
    if options.file is None:
        parser = options.access_tags_parser is not None or options.tags_db is not None
        raise ConfigurationError(
            "expected 'file', the YAML file of the rules"
            + (
                "; here they are not compiled into a database: name the file from which that was done instead of "
                "'access_tags_parser' and 'tags_db'"
                if parser
                else ", or 'definitions', the rules themselves"
            )
        )
    for name in ("access_tags_parser", "tags_db"):
        if getattr(options, name) is not None:
            logger.warning("access_control: %r says nothing here: the rules are those in %r", name, options.file)
    read = functools.partial(read_rules, scopes=scopes)
    return TagPolicy(Watched(references.beside(options.file), read, "the access rules"), options.provider)


def read_rules(path: Path, scopes: frozenset[str] = NODE_SCOPES) -> Rules:
    """The rules of a file; InvalidConfiguration tells everything that is wrong, with its lines."""
    return compile_rules(read_definitions(path), scopes)


def _inline(data: dict[str, Any]) -> Definitions:
    """Rules that stand in the configuration, which knows the lines of what is wrong with them."""
    try:
        return definitions_in(Document(data=data, origins={(): ""}))
    except InvalidConfiguration as error:
        raise InvalidConfiguration(
            Problem("", ("definitions", *problem.path), problem.message) for problem in error.problems
        ) from None


def _restriction(scopes: Sequence[str] | None) -> frozenset[str]:
    if scopes is None:
        return NODE_SCOPES
    for scope in sorted(normal_scopes(scopes) - ALL_SCOPES):
        raise ConfigurationError(f"scopes: {scope!r}: no such scope{did_you_mean(scope, sorted(ALL_SCOPES))}")
    return normal_scopes(scopes) & NODE_SCOPES


def listed(names: Iterable[str], *, quoted: bool = True) -> str:
    """Names for a sentence, not too many of them."""
    found = [repr(name) if quoted else name for name in sorted(names)]
    return ", ".join(found[:20]) + (f" and {len(found) - 20} more" if len(found) > 20 else "") or "none"
