"""`tiledkernel access`: check rules, compare them, and say why somebody may do something or not."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

import click

from tiled_access_tags.comparing import Change, changes
from tiled_access_tags.definitions import NODE_SCOPES, OWN, PUBLIC
from tiled_access_tags.explaining import Verdict, verdicts
from tiled_access_tags.places import Place, way_to
from tiled_access_tags.policy import TagPolicy, listed, read_rules
from tiledkernel.access.policies import AccessPolicy
from tiledkernel.access.scopes import ALL_SCOPES, ANONYMOUS, READ_METADATA, USER
from tiledkernel.access.sight import carries_tags
from tiledkernel.access.viewer import Principal, Viewer
from tiledkernel.cli.refusal import Refusal
from tiledkernel.config.compose import compose
from tiledkernel.config.files import configuration_path, load_files
from tiledkernel.config.load import Loaded
from tiledkernel.config.security import build_policy
from tiledkernel.errors import KernelError
from tiledkernel.families.container.memory import MemoryContainer
from tiledkernel.references import modules_beside

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command()
@click.argument("file", type=_FILE)
def check(file: Path) -> None:
    """Check a file of access rules: every mistake is told, with its line."""
    rules = read_rules(file)
    counts = {
        "tag": len(rules.definitions.tags),
        "role": len(rules.definitions.roles),
        "group": len(rules.definitions.groups),
        "user": len(rules.users.keys() | rules.owned.keys()),
    }
    found = ", ".join(f"{count} {kind}{'' if count == 1 else 's'}" for kind, count in counts.items())
    click.echo(f"No errors found: {found}.")


class Trouble(Refusal):
    """Rules that cannot be compared; 1 says that they differ."""

    exit_code = 2


@click.command()
@click.argument("old", type=_FILE)
@click.argument("new", type=_FILE)
def diff(old: Path, new: Path) -> None:
    """List what the rules in the file NEW give and take away, and from whom, compared with those in OLD.

    The exit status is 0 if nobody may do more or less than before, 1 if somebody may, and 2 if a file is wrong.
    """
    try:
        found = list(changes(read_rules(old), read_rules(new)))
    except KernelError as error:
        raise Trouble.of(error) from error
    for who, theirs in groupby(found, lambda change: change.who):
        click.echo(who)
        for change in theirs:
            for line in _told(change):
                click.echo(f"  {line}")
    if found:
        sys.exit(1)
    click.echo("Nobody may do more or less than before.")


def _told(change: Change) -> Iterator[str]:
    if change.gained:
        yield f"+ {change.tag}: {', '.join(sorted(change.gained))}"
    if change.lost:
        yield f"- {change.tag}: {', '.join(sorted(change.lost))}"
    if change.owns:
        yield f"{'+' if change.owns > 0 else '-'} {change.tag}: its owner, who puts it on nodes and takes it off"


@click.command()
@click.argument("user")
@click.argument("path", required=False)
@click.option("--config", metavar="FILE", help="The configuration. [default: TILED_CONFIG, or ./config.yml]")
@click.option("--rules", type=_FILE, help="Rules to go by, instead of those of the configuration.")
@click.option("--tags", metavar="A,B", help="Access tags to explain, instead of those of the node at PATH.")
def explain(user: str, path: str | None, config: str | None, rules: Path | None, tags: str | None) -> None:
    """Say what USER may do with the node at PATH, and which rules say so.

    USER is the name of a user, 'service:UUID', or 'public' for whoever has not logged in. The trees of the
    configuration are opened here, without a server. With --tags and --rules no configuration is needed.
    """
    if (path is None) == (tags is None):
        raise click.UsageError("expected either PATH or --tags")
    loaded = None if tags is not None and rules is not None else load_files(configuration_path(config))
    with modules_beside(loaded.directory if loaded else None):
        policy = TagPolicy(read_rules(rules)) if rules is not None else _policy(loaded)
        viewer = _viewer(user, policy, loaded)
        if tags is not None:
            node = MemoryContainer({}, access_tags=filter(None, tags.split(",")))
            _tell(viewer, policy, f"a node with {_tags(node)}", node)
        elif loaded is not None and path is not None:
            with way_to(path, loaded, compose(loaded)) as way:
                _explain_way(viewer, policy, way)


def _policy(loaded: Loaded | None) -> AccessPolicy:
    policy = None if loaded is None else build_policy(loaded, compose(loaded))
    if policy is None:
        raise Refusal("the configuration has no 'access_control': the scopes of the credential alone decide")
    return policy


def _viewer(user: str, policy: AccessPolicy, loaded: Loaded | None) -> Viewer:
    """Somebody with an account of that name, an administrator if the configuration makes one of it."""
    if user == PUBLIC:
        return Viewer(name="somebody who has not logged in", scopes=ANONYMOUS)
    if user.startswith(OWN[1]):
        return Viewer(name=user, scopes=USER, principal=Principal(uuid=user.removeprefix(OWN[1]), type="service"))
    authentication = loaded.configuration.authentication if loaded else None
    provider = getattr(policy, "provider", None)
    if provider is None and authentication is not None and authentication.providers:
        provider = authentication.providers[0].provider
    admins = authentication.tiled_admins if authentication else []
    administers = any(admin.id == user and provider in {None, admin.provider} for admin in admins)
    principal = Principal(uuid="", identities=((provider or "", user),))
    return Viewer(name=user, scopes=ALL_SCOPES if administers else USER, principal=principal)


def _explain_way(viewer: Viewer, policy: AccessPolicy, way: Sequence[Place]) -> None:
    """The last place, by its own tags or those above it; and what hides it on the way."""
    shown = way[-1].name
    tagged = [place for place in way if carries_tags(place.node)]
    if not tagged:
        click.echo(f"{shown} carries no access tags, nor does anything above it: the scopes of the credential decide.")
        return
    *others, last = tagged
    above = "" if last is way[-1] else f", by the tags of {last.name} above it"
    _tell(viewer, policy, f"{shown} with {_tags(last.node)}{above}", last.node)
    for place in others:
        if READ_METADATA not in policy.allowed_scopes(place.node, viewer):
            click.echo(
                f"Not found all the same: {place.name} above it, with {_tags(place.node)}, does not show itself to "
                f"{viewer.name}."
            )


def _tell(viewer: Viewer, policy: AccessPolicy, what: str, node: Any) -> None:
    click.echo(f"{viewer.name}, and {what}:")
    alike: dict[tuple[bool, tuple[str, ...]], list[str]] = {}
    for verdict in _verdicts(viewer, policy, node):
        alike.setdefault((verdict.given, verdict.reasons), []).append(verdict.scope)
    for (given, reasons), scopes in sorted(alike.items(), key=lambda item: not item[0][0]):
        click.echo(f"  {'may' if given else 'may not'}: {', '.join(scopes)}")
        for reason in reasons:
            click.echo(f"    {reason}")


def _verdicts(viewer: Viewer, policy: AccessPolicy, node: Any) -> list[Verdict]:
    """With reasons, if the policy is one of tags."""
    if isinstance(policy, TagPolicy):
        return verdicts(policy, viewer, node.access_tags)
    allowed = policy.allowed_scopes(node, viewer)
    return [Verdict(scope, scope in allowed, ()) for scope in sorted(NODE_SCOPES)]


def _tags(node: Any) -> str:
    return f"the access tags {listed(node.access_tags)}" if node.access_tags else "no access tags"
