"""The servers of a directory: connections to whichever answers, and questions to it."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any, NamedTuple

from tiled_ldap.encryption import CheckedTls, tls_context
from tiled_ldap.library import LDAPExceptionError, LDAPSASLPrepError, ldap3
from tiled_ldap.options import LDAPOptions, several
from tiledkernel.errors import ConfigurationError, NotReady

logger = logging.getLogger(__name__)

_REST = 60.0  # seconds for which a server that did not answer comes last
_ANYTHING = "(objectClass=*)"

# Results (RFC 4511, A.1) that concern who asks; all others are faults of the server, or of the configuration.
_REFUSED = frozenset(
    {
        19,  # constraintViolation: the account is locked
        32,  # noSuchObject
        34,  # invalidDNSyntax
        48,  # inappropriateAuthentication: the entry has no password
        49,  # invalidCredentials
        50,  # insufficientAccessRights
        53,  # unwillingToPerform: the account is not active
    }
)
_FOUND, _TOO_MANY, _NOWHERE, _HIDDEN = 0, 4, 32, 50


class Entry(NamedTuple):
    """What a search found."""

    dn: str
    attributes: Mapping[str, Sequence[bytes]]

    def texts(self, attribute: str) -> list[str]:
        """The values of an attribute that are texts."""
        found = []
        for value in self.attributes.get(attribute, ()):
            with suppress(UnicodeDecodeError):
                found.append(value.decode())
        return found


class Session:
    """A connection on which somebody is bound."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    def search(self, base: str, search_filter: str, attributes: Sequence[str] = ()) -> list[Entry]:
        """At most two of the entries that lie below: more than one is one too many."""
        return self._search(base, search_filter, attributes, ldap3.SUBTREE)

    def read(self, dn: str, attributes: Sequence[str] = (), search_filter: str = _ANYTHING) -> Entry | None:
        """One entry, if it is there and matches."""
        found = self._search(dn, search_filter, attributes, ldap3.BASE)
        return found[0] if found else None

    def _search(self, base: str, search_filter: str, attributes: Sequence[str], scope: Any) -> list[Entry]:
        connection = self._connection
        try:
            connection.search(base, search_filter, scope, attributes=list(attributes) or ["1.1"], size_limit=2)
        except LDAPExceptionError as error:
            raise _unable(f"the search below {base!r} failed: {error}") from error
        code = connection.result["result"]
        if code not in {_FOUND, _TOO_MANY}:
            if code not in {_NOWHERE, _HIDDEN}:
                raise _unable(f"the search below {base!r} failed: {connection.result['description']}")
            logger.warning("nothing is to be found below %r: %s", base, connection.result["description"])
            return []
        return [
            Entry(entry["dn"], entry["raw_attributes"])
            for entry in connection.response
            if entry["type"] == "searchResEntry"
        ]


class Directory:
    """Servers with the same content; the first that answers is asked."""

    def __init__(self, options: LDAPOptions) -> None:
        self._options = options
        self._tls = CheckedTls(tls_context(options.ca_certs_file, verify=options.verify_certificates))
        self._addresses = several(options.server_address)
        plain = [address for address in self._addresses if address.lower().startswith("ldap://")]
        if options.use_ssl and plain:
            raise ConfigurationError(f"use_ssl: {plain[0]!r} says that there is none; write ldaps:// or no scheme")
        self._failed: dict[str, float] = {}
        encrypted = [self._server(address).ssl or options.use_tls for address in self._addresses]
        if not all(encrypted):
            logger.warning("passwords travel to the directory as they are: set use_tls, or use_ssl")
        elif not options.verify_certificates:
            logger.warning(
                "the directory is not asked who it is: anyone between can read passwords; give ca_certs_file"
            )

    @contextmanager
    def session(self, user: str | None, password: str | None) -> Iterator[Session | None]:
        """Bound as somebody, or as nobody for None; None if the directory refuses that, NotReady if it cannot tell."""
        connection = self._bound(user, password)
        try:
            yield None if connection is None else Session(connection)
        finally:
            if connection is not None:
                _leave(connection)

    def _bound(self, user: str | None, password: str | None) -> Any:
        """A connection to the first server that knows what to say."""
        for address in self._in_turn():
            try:
                connection = self._open(address, user, password)
            except LDAPSASLPrepError:
                return None  # no password may contain this, so it is nobody's
            except (LDAPExceptionError, OSError) as error:
                logger.warning("the directory %s does not answer: %s", address, error)
            else:
                code = connection.result["result"]
                if code == _FOUND:
                    self._failed.pop(address, None)
                    return connection
                _leave(connection)
                if code in _REFUSED:
                    return None
                logger.warning("the directory %s cannot tell: %s", address, connection.result["description"])
            self._failed[address] = time.monotonic()
        raise _unable("none of its servers answers")

    def _in_turn(self) -> list[str]:
        """All servers as configured, those last that did not answer just now."""
        since = time.monotonic() - _REST
        return sorted(self._addresses, key=lambda address: self._failed.get(address, 0.0) > since)

    def _open(self, address: str, user: str | None, password: str | None) -> Any:
        """A connection on which the server has answered to a bind."""
        server = self._server(address)
        connection = ldap3.Connection(
            server,
            user=user,
            password=password,
            authentication=ldap3.ANONYMOUS if user is None else ldap3.SIMPLE,
            client_strategy=ldap3.SYNC,
            receive_timeout=self._options.receive_timeout,
            auto_referrals=False,  # another server would be told the password
            check_names=False,  # names are sent as they are
            read_only=True,
            raise_exceptions=False,
        )
        try:
            connection.open(read_server_info=False)
            if self._options.use_tls and not server.ssl:
                _encrypt(connection)
            connection.bind(read_server_info=False)
        except BaseException:
            _leave(connection)
            raise
        return connection

    def _server(self, address: str) -> Any:
        options = self._options
        try:
            return ldap3.Server(
                address,
                port=options.server_port,
                use_ssl=options.use_ssl,
                get_info=ldap3.NONE,
                tls=self._tls,
                connect_timeout=options.connect_timeout,
            )
        except LDAPExceptionError as error:
            raise ConfigurationError(f"server_address: {address!r} is no address: {error}") from error


def _encrypt(connection: Any) -> None:
    """StartTLS, or nothing is said on this connection."""
    connection.start_tls(read_server_info=False)
    if not connection.tls_started:
        raise LDAPExceptionError("StartTLS was refused")


def _leave(connection: Any) -> None:
    """Close a connection, in whatever state it is."""
    with suppress(LDAPExceptionError, OSError):
        connection.unbind()
    if connection.socket is not None:  # one that was never open is not closed by `unbind`
        connection.socket.close()


def _unable(why: str) -> NotReady:
    logger.error("the directory cannot be asked: %s", why)
    return NotReady("the directory of users cannot be asked just now; the server's log says why", retry_after=10)
