"""Say with tags who may see and do what in tiledkernel."""

from __future__ import annotations

from tiledkernel import Command, PolicyKind, hookimpl


@hookimpl
def register_access_policies() -> list[PolicyKind]:
    """The policy that goes by tags."""
    return [
        PolicyKind(
            name="tags",
            build="tiled_access_tags.policy:build_policy",
            options="tiled_access_tags.options:TagOptions",
            also=("TagBasedAccessPolicy",),
        )
    ]


@hookimpl
def register_commands() -> list[Command]:
    """Check rules, compare them, and say why somebody may do something or not."""
    own = "tiled_access_tags.commands"
    return [
        Command(name="access check", command=f"{own}:check", help="Check a file of access rules."),
        Command(name="access diff", command=f"{own}:diff", help="List what new rules change, and for whom."),
        Command(name="access explain", command=f"{own}:explain", help="Say why a user may do something, or not."),
    ]
