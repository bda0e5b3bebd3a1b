"""What commands share that talk to a server: the option `--profile`, and how they connect and fail."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click

from tiledkernel.cli.profile import warn
from tiledkernel.cli.refusal import Refusal
from tiledkernel.client.light_httpx import httpx
from tiledkernel.client.profiles.connect import from_profile
from tiledkernel.client.profiles.errors import ProfileError, ProfileNotFound, ProfileWarning
from tiledkernel.client.profiles.writing import get_default_profile_name

profile_option = click.option("--profile", metavar="NAME", help="Which server. [default: the default profile]")

_CHOOSE = (
    "Make one:\n\n    tiledkernel profile create URI\n\nor choose one:\n\n"
    "    tiledkernel profile set-default NAME\n\nor name one for this command: --profile NAME\n"
)


@contextmanager
def connected(profile: str | None) -> Iterator[Any]:
    """The client of a profile, or of the default one; what the server or the network refuse becomes a refusal."""
    name = get_default_profile_name() if profile is None else profile
    if name is None:
        raise Refusal(f"There is no default profile. {_CHOOSE}")
    try:
        client = _connect(name, is_default=profile is None)
        try:
            yield client
        finally:
            client.context.close()
    except httpx.HTTPStatusError as error:
        raise Refusal(f"profile {name!r}: {error}") from error
    except httpx.RequestError as error:
        raise Refusal(f"profile {name!r}: {error.request.url}: {error or type(error).__name__}") from error


def _connect(name: str, *, is_default: bool) -> Any:
    told: list[str] = []
    with warnings.catch_warnings():
        warnings.simplefilter("always", ProfileWarning)
        warnings.showwarning = lambda message, *_: told.append(str(message))
        try:
            return from_profile(name)
        except ProfileNotFound as error:
            if is_default:
                raise Refusal(f"{error}\n\n{name!r} was the default profile. {_CHOOSE}") from error
            raise
        except ProfileError:
            raise
        except (RuntimeError, ValueError, KeyError) as error:
            raise Refusal(f"profile {name!r}: {error}") from error
        finally:
            for text in told:
                warn(text)
