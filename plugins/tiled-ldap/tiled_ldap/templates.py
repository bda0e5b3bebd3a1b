"""Texts of a configuration into which names of users are put: names of entries, and filters."""

from __future__ import annotations

import re
import string

from tiled_ldap.library import LDAPInvalidDnError, LDAPInvalidFilterError, parse_dn, parse_filter
from tiledkernel.errors import ConfigurationError

_PLAIN = re.compile(r"[^A-Za-z0-9._@-]")
_BRACKETS = re.compile(r"[()*]")
_SAMPLE = "user"


def escaped(value: str) -> str:
    r"""A value that means itself, in the name of an entry (RFC 4514) and in a filter (RFC 4515) alike.

    Both have `\XX` for any byte, so nothing has to be known of what is special where.
    """
    return _PLAIN.sub(lambda found: _pairs(found[0]), value)


def bracketless(name: str) -> str:
    r"""The name of an entry, without brackets and stars: some servers want these as `\XX` there, too."""
    return _BRACKETS.sub(lambda found: _pairs(found[0]), name)


def _pairs(character: str) -> str:
    return "".join(f"\\{byte:02x}" for byte in character.encode())


class Template:
    """A text with fields such as `{username}`, which are filled with escaped values."""

    def __init__(self, key: str, text: str, field: str, **constants: str) -> None:
        """`field` has to occur in it; `constants` are other fields with what the configuration says for them."""
        try:
            found = {parts[1:] for parts in string.Formatter().parse(text) if parts[1] is not None}
        except ValueError as error:
            raise ConfigurationError(f"{key}: {text!r}: {error}; write a brace that is meant twice") from error
        known = {(name, "", None) for name in (field, *constants)}
        if (field, "", None) not in found or not found <= known:
            may = "".join(f", and may have {{{name}}}" for name in constants)
            raise ConfigurationError(f"{key}: {text!r} has to have the field {{{field}}}{may}, and no other")
        self._text = text
        self._field = field
        self._constants = constants

    def fill(self, value: str) -> str:
        """The text with this value, which is escaped."""
        return self._text.format(**self._constants, **{self._field: escaped(value)})


class FilterTemplate(Template):
    """A filter; it is parsed once with a sample, so that a mistake stops the start."""

    def __init__(self, key: str, text: str, field: str, **constants: str) -> None:
        super().__init__(key, text, field, **constants)
        try:
            parse_filter(  # type: ignore[no-untyped-call]  # the stubs have no types for it
                self.fill(_SAMPLE), schema=None, auto_escape=True, auto_encode=True, validator=None, check_names=False
            )
        except LDAPInvalidFilterError as error:
            raise ConfigurationError(f"{key}: {text!r} is no filter: {error}") from error


class NameTemplate(Template):
    """Who binds: the name of an entry, or what else the server takes, such as `{username}@example.org`."""

    def __init__(self, text: str) -> None:
        super().__init__("bind_dn_template", text, "username")
        self.is_dn = "=" in text
        if self.is_dn:
            check_dn("bind_dn_template", self.fill(_SAMPLE))


def check_dn(key: str, name: str) -> None:
    """ConfigurationError if that is not the name of an entry."""
    try:
        parse_dn(name)
    except LDAPInvalidDnError as error:
        raise ConfigurationError(
            f"{key}: {name!r} is not the name of an entry (uid=x,ou=people,...): {error}"
        ) from error
