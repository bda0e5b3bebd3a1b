"""What the claims of a token must say for it to count here."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from joserfc.errors import ClaimError, ExpiredTokenError, MissingClaimError
from joserfc.jwt import ClaimsOption, JWTClaimsRegistry

from tiledkernel.errors import Unauthorized

LEEWAY = 30  # seconds by which clocks may differ


def check_claims(claims: Mapping[str, Any], *, issuer: str, audience: str) -> None:
    """Unauthorized unless a token is of this issuer, for this audience, about somebody, and good at this moment."""
    expected: dict[str, ClaimsOption] = {
        "iss": {"essential": True, "value": issuer},
        "aud": {"essential": True, "value": audience},
        "sub": {"essential": True},
        "exp": {"essential": True},
        "iat": {"essential": True},
    }
    try:
        JWTClaimsRegistry(lambda: int(time.time()), leeway=LEEWAY, **expected).validate(dict(claims))
    except ExpiredTokenError as error:
        raise Unauthorized("the token has expired, or the clock of this server or of the provider is wrong") from error
    except MissingClaimError as error:
        raise Unauthorized(f"the token lacks the claims {error.claim}") from error
    except ClaimError as error:
        raise Unauthorized(f"the claim {error.claim!r} of the token is not what it must be here") from error
