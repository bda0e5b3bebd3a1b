"""Who somebody is to this server, from the claims of a provider."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tiled_oidc.options import ProviderOptions
from tiledkernel.errors import Unauthorized

MAX_ID = 256  # characters


def id_of(claims: Mapping[str, Any], options: ProviderOptions) -> str:
    """The id that the claims give; Unauthorized if they give none, or not what is required of everybody."""
    for name, expected in options.required_claims.items():
        if not _has(claims.get(name), expected):
            raise Unauthorized(f"the provider knows you, but your claim {name!r} is not one that may log in here")
    name = options.user_id_claim
    found = claims.get(name)
    if not isinstance(found, str) or not found.strip():
        raise Unauthorized(f"the provider's token has no claim {name!r}, a text, which says who you are")
    if len(found) > MAX_ID or not found.isprintable() or found != found.strip():
        raise Unauthorized(f"the claim {name!r} of the provider's token cannot be an id: {found[:MAX_ID]!r}")
    if name == "email" and claims.get("email_verified") is not True:
        raise Unauthorized("the provider has not verified that the mail address of its token is yours")
    user, at, domain = found.rpartition("@")
    return user if at and user and domain.lower() in {known.lower() for known in options.domains} else found


def _has(found: Any, expected: str | list[str]) -> bool:
    """Whether a claim, or one of the items of one that is a list, is an expected value."""
    accepted = [expected] if isinstance(expected, str) else expected
    return any(value in accepted for value in (found if isinstance(found, list) else [found]) if isinstance(value, str))
