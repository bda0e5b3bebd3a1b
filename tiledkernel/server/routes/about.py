"""The root document: what this server is and can do."""

from __future__ import annotations

from datetime import timedelta

from tiledkernel import __version__
from tiledkernel.access.scopes import NO_SCOPES
from tiledkernel.records import Route
from tiledkernel.server.answers import Message
from tiledkernel.server.request import Request
from tiledkernel.server.validators import expires

COMPATIBLE = "0.2.20"  # the version of Tiled whose HTTP API this is
LIFETIME = timedelta(minutes=10)


def about(request: Request) -> Message:
    """Versions, formats, queries, and how to log in."""
    service = request.service
    negotiator = service.negotiator
    base = request.base
    formats: dict[str, list[str]] = {family: [] for family in service.composition.families} | negotiator.formats
    content = {
        "api_version": 0,
        "library_version": f"{COMPATIBLE}+tiledkernel.{__version__}",
        "formats": formats,
        "aliases": negotiator.aliases,
        "queries": service.queries.names,
        "authentication": service.accounts.describe(base),
        "links": {"self": base, "documentation": f"{base.removesuffix('/api/v1')}/docs"},
        "meta": {"root_path": f"{request.root_path}/api", "distributions": service.composition.distributions()},
    }
    return Message(content, headers=expires(LIFETIME))


ROUTES = (Route(path="/", handler=about, scopes=NO_SCOPES),)
