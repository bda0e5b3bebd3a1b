"""Let an HTTP service, such as Open Policy Agent, say who may see and do what in tiledkernel."""

from __future__ import annotations

from tiledkernel import PolicyKind, hookimpl


@hookimpl
def register_access_policies() -> list[PolicyKind]:
    """The policy that asks a service."""
    return [
        PolicyKind(
            name="service",
            build="tiled_access_service.policy:build_policy",
            options="tiled_access_service.options:ServiceOptions",
            also=("ExternalPolicyDecisionPoint",),
        )
    ]
