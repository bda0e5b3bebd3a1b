"""The names of principals and sessions."""

from __future__ import annotations

from uuid import UUID


def parse_uuid(given: str | UUID) -> UUID:
    """A UUID, however it is written."""
    try:
        return given if isinstance(given, UUID) else UUID(given)
    except (ValueError, AttributeError, TypeError):
        raise ValueError(
            f"{given!r} is no UUID: expected one as `whoami()` and `admin.list_principals()` show them"
        ) from None
