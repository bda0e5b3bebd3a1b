"""What the kernel asks of those who know callers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from msgspec import Struct

from tiledkernel.access.viewer import Viewer

if TYPE_CHECKING:
    from tiledkernel.records import Route


class Credentials(Struct, frozen=True):
    """What a request presents: an API key from the query, a header or a cookie; or a bearer token."""

    api_key: str | None = None
    bearer: str | None = None


class Accounts(Protocol):
    """Tells who presents given credentials.

    Its routes are served below `/api/v1`, such as those for logging in. One with a method `close` is closed with the
    server; requests that come later find it open again.
    """

    @property
    def routes(self) -> Sequence[Route]:
        """What is served besides."""

    def recognise(self, credentials: Credentials) -> Viewer | None:
        """The viewer, if that is known at once; None if `identify` has to be asked. Unauthorized if they are wrong.

        It is called on the event loop and never blocks.
        """

    def identify(self, credentials: Credentials) -> Viewer:
        """The viewer; Unauthorized if the credentials are wrong. It is called in a thread, and may block."""

    def describe(self, base: str) -> Mapping[str, Any]:
        """The section `authentication` of the root document: `required`, `providers` and `links`."""
