"""What commands share that talk to a server: the option `--profile`, and how they connect and fail."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import click

from tiledkernel.cli.profile import warn
from tiledkernel.cli.refusal import Refusal
from tiledkernel.client.context import Context
from tiledkernel.client.errors import LoginError
from tiledkernel.client.light_httpx import httpx
from tiledkernel.client.profiles.connect import context_from_profile, from_profile
from tiledkernel.client.profiles.errors import ProfileError, ProfileNotFound
from tiledkernel.client.profiles.writing import get_default_profile_name

profile_option = click.option("--profile", metavar="NAME", help="Which server. [default: the default profile]")

_CHOOSE = (
    "Make one:\n\n    tiledkernel profile create URI\n\nor choose one:\n\n"
    "    tiledkernel profile set-default NAME\n\nor name one for this command: --profile NAME\n"
)


@contextmanager
def connected(profile: str | None) -> Iterator[Any]:
    """The client of a profile, or of the default one; what the server or the network refuse becomes a refusal."""
    with _refusing(profile) as name:
        client = _connect(from_profile, name, is_default=profile is None)
        try:
            yield client
        finally:
            client.context.close()


@contextmanager
def recognised(profile: str | None, **settings: Any) -> Iterator[Context]:
    """The connection of a profile, as who is remembered to have logged in there; nobody is asked to log in."""
    with introduced(profile, **settings) as context:
        if not context.authenticated:
            context.use_cached_tokens()
        yield context


@contextmanager
def introduced(profile: str | None, **settings: Any) -> Iterator[Context]:
    """The connection of a profile, with the key that this has, if any."""
    with _refusing(profile) as name:
        context: Context = _connect(context_from_profile, name, is_default=profile is None, **settings)
        try:
            yield context
        except ValueError as error:
            raise Refusal(str(error)) from error
        finally:
            context.close()


def require_login(context: Context) -> None:
    """A refusal if the server does not know who asks."""
    if not context.server_info.authentication.providers:
        raise Refusal("This server has no accounts: it knows one key, which its configuration sets.")
    if not context.authenticated:
        raise Refusal("You are not logged in. Log in first:\n\n    tiledkernel login\n")


@contextmanager
def _refusing(profile: str | None) -> Iterator[str]:
    """The name of the profile; what goes wrong with it is told with it."""
    name = get_default_profile_name() if profile is None else profile
    if name is None:
        raise Refusal(f"There is no default profile. {_CHOOSE}")
    with warnings.catch_warnings():
        warnings.simplefilter("always", UserWarning)
        warnings.showwarning = lambda message, *_: warn(str(message))
        try:
            yield name
        except (httpx.HTTPStatusError, LoginError) as error:
            raise Refusal(f"profile {name!r}: {error}") from error
        except httpx.RequestError as error:
            raise Refusal(f"profile {name!r}: {error.request.url}: {error or type(error).__name__}") from error


def _connect(connect: Callable[..., Any], name: str, *, is_default: bool, **settings: Any) -> Any:
    try:
        return connect(name, **settings)
    except ProfileNotFound as error:
        if is_default:
            raise Refusal(f"{error}\n\n{name!r} was the default profile. {_CHOOSE}") from error
        raise
    except (ProfileError, LoginError):
        raise
    except (RuntimeError, ValueError, KeyError) as error:
        raise Refusal(f"profile {name!r}: {error}") from error
