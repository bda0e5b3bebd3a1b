"""Logging in: who that is in the directory, whether the password is right, and whether such users may come in."""

from __future__ import annotations

import logging
import re
from typing import NamedTuple

from tiled_ldap.directory import Directory, Entry, Session
from tiled_ldap.options import LDAPOptions, several
from tiled_ldap.templates import FilterTemplate, NameTemplate, bracketless, check_dn, escaped
from tiledkernel.access.logins import Identity
from tiledkernel.errors import ConfigurationError, NotReady

logger = logging.getLogger(__name__)

_MEMBER = "(|(member={dn})(uniqueMember={dn})(memberUid={name}))"
_LONGEST = 1024  # characters, of a name and of a password
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_NO_REALM = re.compile(r"[\w.-]+")


class _Account(NamedTuple):
    """Whom a name stands for: the name that the directory has, and as whom to bind, in turn."""

    name: str
    binds: tuple[str, ...]


class LDAPLogin:
    """Binds as the user; nothing else tells that a password is right."""

    def __init__(self, options: LDAPOptions) -> None:
        self.confirmation_message = options.confirmation_message
        self._options = options
        self._username = _pattern(options)
        self._templates = [NameTemplate(text) for text in several(options.bind_dn_template)]
        _check(options, self._templates)
        attribute = options.user_attribute or ""
        self._lookup = FilterTemplate(
            "lookup_dn_search_filter", options.lookup_dn_search_filter, "login", login_attr=attribute
        )
        self._condition = (
            FilterTemplate("search_filter", options.search_filter, "username", userattr=attribute)
            if options.search_filter
            else None
        )
        self._directory = Directory(options)

    def authenticate(self, username: str, password: str) -> Identity | None:
        """Who that is, if the directory takes the password; NotReady if the directory cannot be asked."""
        if not self._plausible(username, password):
            return None
        account = self._looked_up(username) if self._options.lookup_dn else self._templated(username)
        if account is None:
            return None
        for bind in account.binds:
            with self._directory.session(bind, password) as session:
                if session is not None:
                    return self._admitted(session, bind, account.name, username)
        return None

    def _plausible(self, username: str, password: str) -> bool:
        """Whether to ask at all: an empty password would bind as nobody, and succeed."""
        if not password or "\0" in password or max(len(username), len(password)) > _LONGEST:
            return False
        try:
            (username + password).encode()
        except UnicodeEncodeError:
            return False
        return not _CONTROL.search(username) and bool(self._username.match(username))

    def _templated(self, name: str) -> _Account | None:
        """Whom the templates make of a name, unless it would bring a realm or a domain of its own into one."""
        if not all(template.is_dn or _NO_REALM.fullmatch(name) for template in self._templates):
            return None
        return _Account(name, tuple(map(self._written, (template.fill(name) for template in self._templates))))

    def _written(self, dn: str) -> str:
        return bracketless(dn) if self._options.escape_userdn else dn

    def _looked_up(self, username: str) -> _Account | None:
        """The one entry that has this name."""
        options = self._options
        base, attribute = options.user_search_base or "", options.user_attribute or ""
        naming = options.lookup_dn_user_dn_attribute or attribute
        with self._directory.session(options.lookup_dn_search_user, options.lookup_dn_search_password) as session:
            if session is None:
                logger.error("the directory refuses lookup_dn_search_user, or its password")
                raise NotReady("the directory of users cannot be asked just now; the server's log says why")
            found = session.search(base, self._lookup.fill(username), [naming])
            if len(found) != 1:
                if found:
                    logger.warning("more than one entry has the name %r: nobody can log in with it", username)
                return None
            (entry,) = found
            name = _name(entry, naming, username)
            if name is None or len(session.search(base, f"({naming}={escaped(name)})")) != 1:
                logger.warning("%s: its %r is not one name that no other entry has", entry.dn, naming)
                return None
        return self._templated(name) if self._templates else _Account(name, (self._written(entry.dn),))

    def _admitted(self, session: Session, bind: str, name: str, username: str) -> Identity | None:
        """The user with the right password, if such users may come in."""
        options = self._options
        dn = bind if "=" in bind else self._dn_of(session, name)
        if self._condition is not None and not self._matches(session, self._condition.fill(name)):
            logger.info("%r does not match search_filter", name)
            return None
        if options.allowed_groups and (dn is None or not self._is_member(session, dn, name)):
            logger.info("%r is in none of allowed_groups", name)
            return None
        state = {}
        if options.auth_state_attributes and dn is not None:
            entry = session.read(dn, options.auth_state_attributes)
            if entry is not None:
                state = {key: entry.texts(key) for key in options.auth_state_attributes}
        identity = name if options.lookup_dn and options.use_lookup_dn_username else username
        return Identity(id=identity, state=state)

    def _dn_of(self, session: Session, name: str) -> str | None:
        """The name of the entry of somebody who is bound by another name, such as `alice@example.org`."""
        base, attribute = self._options.user_search_base, self._options.user_attribute
        if base is None or attribute is None:
            return None
        found = session.search(base, f"({attribute}={escaped(name)})")
        return found[0].dn if len(found) == 1 else None

    def _matches(self, session: Session, wanted: str) -> bool:
        """Whether exactly one entry does."""
        options = self._options
        return len(session.search(options.user_search_base or "", wanted, options.attributes or ())) == 1

    def _is_member(self, session: Session, dn: str, name: str) -> bool:
        wanted = _MEMBER.format(dn=escaped(dn), name=escaped(name))
        return any(session.read(group, search_filter=wanted) for group in self._options.allowed_groups or ())


def _name(entry: Entry, attribute: str, username: str) -> str | None:
    """The name that an entry has: its only one, or the one that was typed."""
    names = entry.texts(attribute)
    if len(names) > 1:
        names = [name for name in names if name.casefold() == username.casefold()]
    return names[0] if len(names) == 1 else None


def _pattern(options: LDAPOptions) -> re.Pattern[str]:
    try:
        return re.compile(options.valid_username_regex)
    except re.error as error:
        raise ConfigurationError(
            f"valid_username_regex: {options.valid_username_regex!r} is no regular expression: {error}"
        ) from error


def _check(options: LDAPOptions, templates: list[NameTemplate]) -> None:
    """What belongs together is there together."""
    search = {"user_search_base": options.user_search_base, "user_attribute": options.user_attribute}
    missing = [key for key, value in search.items() if value is None]
    if options.lookup_dn and missing:
        raise ConfigurationError(f"lookup_dn needs {' and '.join(missing)}")
    if not options.lookup_dn and not templates:
        raise ConfigurationError(
            "bind_dn_template is missing, by which users bind; or set lookup_dn to find them first"
        )
    if options.search_filter and options.user_search_base is None:
        raise ConfigurationError("search_filter needs user_search_base")
    if "{userattr}" in options.search_filter and options.user_attribute is None:
        raise ConfigurationError("search_filter has the field {userattr}, and so needs user_attribute")
    if (options.allowed_groups or options.auth_state_attributes) and missing and not all(t.is_dn for t in templates):
        raise ConfigurationError(
            "a bind_dn_template that is not the name of an entry needs user_search_base and user_attribute besides, to "
            "find the entry, for allowed_groups and auth_state_attributes"
        )
    if (options.lookup_dn_search_user is None) != (options.lookup_dn_search_password is None):
        raise ConfigurationError(
            "lookup_dn_search_user and lookup_dn_search_password go together; without both, "
            "entries are looked up as nobody"
        )
    for key in ("user_search_base", "lookup_dn_search_user"):
        value = getattr(options, key)
        if value is not None and "=" in value:
            check_dn(key, value)
    for group in options.allowed_groups or ():
        check_dn("allowed_groups", group)
