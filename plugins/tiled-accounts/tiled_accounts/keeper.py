"""Who keeps accounts: recognises credentials, and holds what the routes for logging in share."""

from __future__ import annotations

import logging
import secrets
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from sqlalchemy import Connection

from tiled_accounts import keys, principals, revisions, sessions
from tiled_accounts.activity import Activity
from tiled_accounts.changes import watch
from tiled_accounts.database import Database
from tiled_accounts.describing import Describing
from tiled_accounts.housekeeping import Housekeeping, flush
from tiled_accounts.keys import Key
from tiled_accounts.logins import Calls, identity_of
from tiled_accounts.principals import Account
from tiled_accounts.recognised import Known, Recognised
from tiled_accounts.sessions import Ages, Session
from tiled_accounts.times import SECOND, now
from tiled_accounts.tokens import Access, IdentityClaim, Refresh, Tokens
from tiledkernel.access.logins import Bearer, BrowserLogin, Identity, TokenLogin
from tiledkernel.access.protocols import Credentials
from tiledkernel.access.scopes import ANONYMOUS, NO_SCOPES
from tiledkernel.access.settings import AccountSettings, Provider
from tiledkernel.access.viewer import Viewer
from tiledkernel.errors import KernelError, Unauthorized
from tiledkernel.records import Route

logger = logging.getLogger(__name__)

HEARSAY = 1.0  # seconds after which tokens are recognised without having asked for changes


def build_accounts(settings: AccountSettings) -> Keeper:
    """The accounts of a server; ConfigurationError if their database cannot be used."""
    return Keeper(settings)


class Keeper:
    """Knows everybody who has an account, by key or token, and everybody else as the public."""

    def __init__(self, settings: AccountSettings) -> None:
        self.settings = settings
        self.providers: Mapping[str, Provider] = {provider.name: provider for provider in settings.providers}
        self.database = Database(settings.database)
        self.tokens = Tokens(settings.secret_keys or (secrets.token_hex(32),))
        self.ages = Ages(settings.refresh_token_max_age, settings.session_max_age)
        self.calls = Calls()
        self.activity = Activity(self.database)
        self._proxied = next((each for each in settings.providers if isinstance(each.login, TokenLogin)), None)
        self._describing = Describing(settings, self.calls)
        self._keys, self._bearers = Recognised(), Recognised()
        self._asked = 0.0
        self._housekeeping = Housekeeping(self.database, self.activity)
        self.database.on_change = self._forget = _Forgetting(self._keys, self._bearers)
        self._watch = watch(self.database, self._forget)
        self._public = Viewer(name="public", scopes=ANONYMOUS if settings.allow_anonymous_access else NO_SCOPES)
        self._prepare()

    def _prepare(self) -> None:
        """The database, made if that is wanted, and with the administrators that the configuration names."""
        if self.database.in_memory:
            logger.warning(
                "accounts are kept in the memory of this process, and gone when it ends: "
                "say 'uri' under 'database' to keep them"
            )
        if self.database.in_memory or self.settings.database.init_if_not_exists:
            revisions.init(self.database, if_not_exists=True)
        else:
            revisions.check_there(self.database)
        for provider in self.settings.providers:
            if isinstance(provider.login, BrowserLogin) and not getattr(provider.login, "redirect_on_success", None):
                logger.warning(
                    "the login %r has no 'redirect_on_success': who logs in by a browser is shown tokens, as they are",
                    provider.name,
                )
        admins = self.settings.admins
        with self.database.reading() as connection:
            settled = principals.are_appointed(connection, admins)
        if not settled:
            self.database.write(lambda connection: principals.appoint(connection, admins, now()), announce=True)

    @property
    def routes(self) -> Sequence[Route]:
        """Everything below `/auth`."""
        from tiled_accounts.routes import routes_of  # noqa: PLC0415 - which know the keeper

        return routes_of(self)

    def describe(self, base: str) -> Mapping[str, Any]:
        """How to log in."""
        return self._describing.describe(base)

    def recognise(self, credentials: Credentials) -> Viewer | None:
        """The viewer of credentials that were verified lately."""
        moment = time.time()
        if credentials.api_key is not None:
            known = self._keys.get(keys.digest_of(credentials.api_key)) if self._watch.fresh() else None
        elif credentials.bearer is not None:
            if abs(moment - self._asked) > HEARSAY:  # a token lives its time out: only roles may have changed
                self._asked = moment
                self._watch.fresh()
            known = self._bearers.get(keys.digest_of(credentials.bearer))
        else:
            return self._public
        if known is None or known.expires <= moment:
            return None
        self.activity.note(known, moment)
        return known.viewer

    def identify(self, credentials: Credentials) -> Viewer:
        """The viewer of any credentials; Unauthorized if they are wrong."""
        self.keep_house()
        if credentials.api_key is not None:
            known = self._identify_key(credentials.api_key)
        elif credentials.bearer is not None:
            known = self._identify_bearer(credentials.bearer)
        else:
            return self._public
        self.activity.note(known, time.time())
        return known.viewer

    def _identify_key(self, secret: str) -> Known:
        generation = self._keys.generation
        if not keys.could_be(secret):
            raise Unauthorized("this API key is not valid")
        with self.database.reading() as connection:
            key = keys.find(connection, secret)
            accounts = principals.load(connection, [key.principal]) if key is not None else []
        if key is None or not accounts:
            raise Unauthorized("this API key is not valid: it was revoked, or has never been one")
        if key.expires is not None and key.expires <= now():
            raise Unauthorized("this API key has expired")
        account = accounts[0]
        viewer = Viewer(
            name=account.name,
            scopes=key.scopes_within(account.scopes),
            principal=account.principal,
            access_tags=key.access_tags,
        )
        expires = float("inf") if key.expires is None else key.expires / SECOND
        known = Known(viewer, expires, account.number, key.number)
        self._keys.put(keys.digest_of(secret), known, generation)
        return known

    def _identify_bearer(self, token: str) -> Known:
        generation = self._bearers.generation
        known = self._of_provider(self._proxied, token) if self._proxied is not None else self._of_session(token)
        self._bearers.put(keys.digest_of(token), known, generation)
        return known

    def _of_session(self, token: str) -> Known:
        """Whose access token of ours that is; it lives its time out, even if its session is ended before."""
        claims = self.tokens.verify(token, Access)
        with self.database.reading() as connection:
            state = sessions.state_of(connection, claims.sid)
            account = principals.find_plain(connection, claims.sub)
        if account is None or state is None:
            raise Unauthorized("this token is of an account or session that is not there any more")
        viewer = Viewer(
            name=account.name,
            scopes=account.scopes.intersection(claims.scp),
            principal=account.principal,
            state=state,
        )
        return Known(viewer, claims.exp, account.number)

    def _of_provider(self, provider: Provider, token: str) -> Known:
        """Whose token of a provider that is; its bearer gets an account at first sight."""
        bearer = self.calls.ask(provider.name, provider.login.verify, token)
        if not isinstance(bearer, Bearer):
            raise Unauthorized("this token is not valid here")
        identity = identity_of(bearer.identity, provider.name)
        if not bearer.expires > time.time():
            raise Unauthorized("this token has expired")
        moment = now()
        account = self.database.write(
            lambda connection: principals.enter(connection, provider.name, identity.id, moment)
        )
        viewer = Viewer(
            name=account.name, scopes=frozenset(bearer.scopes), principal=account.principal, state=identity.state
        )
        return Known(viewer, bearer.expires, account.number)

    def key_of(self, connection: Connection, credentials: Credentials) -> Key | None:
        """The key that was presented; None if it was none, or is not there any more."""
        secret = credentials.api_key
        return keys.find(connection, secret) if secret is not None and keys.could_be(secret) else None

    def begin_session(self, connection: Connection, provider: str, identity: Identity, state: str) -> Session:
        """A session of somebody who has just logged in."""
        moment = now()
        account = principals.enter(connection, provider, identity.id, moment)
        return sessions.create(connection, account, provider, state, self.ages, moment)

    def tokens_of(self, session: Session) -> dict[str, Any]:
        """The tokens of a session, as the wire format has them."""
        moment, account = time.time(), session.account
        idle = session.ends / SECOND - moment
        lasting = min(self.settings.access_token_max_age, idle)
        access = Access(
            sub=account.principal.uuid.replace("-", ""),
            sub_typ=account.principal.type,
            scp=sorted(account.scopes),
            ids=[IdentityClaim(id_, provider) for provider, id_ in account.principal.identities],
            sid=session.uuid,
            exp=moment + lasting,
        )
        refresh = Refresh(sid=session.uuid, gen=session.generation, exp=moment + idle)
        return {
            "access_token": self.tokens.sign(access),
            "expires_in": _seconds(lasting),
            "refresh_token": self.tokens.sign(refresh),
            "refresh_token_expires_in": _seconds(idle),
            "token_type": "bearer",
        }

    def grant(self, session: Session) -> dict[str, Any]:
        """The tokens of a new session, and whose they are."""
        principal = session.account.principal
        return self.tokens_of(session) | {
            "identity": {"id": principal.id_at(session.provider), "provider": session.provider},
            "principal": principal.uuid.replace("-", ""),
        }

    def account_of(self, connection: Connection, viewer: Viewer) -> Account:
        """The account of whoever asks; Unauthorized if that is nobody."""
        found = principals.find(connection, viewer.principal.uuid) if viewer.principal is not None else None
        if found is None:
            raise Unauthorized("log in, or present an API key: this is about your own account")
        return found

    def keep_house(self) -> None:
        """See to it that what expires is purged; whatever may leave something in the database begins with this."""
        self._housekeeping.start()

    def write_activities(self) -> None:
        """Write what was used when, so that it can be read; a failure leaves it as it was."""
        flush(self.activity)

    def close(self) -> None:
        """Write what is not yet written, end the threads, close the connections; a later request opens them again."""
        self._housekeeping.stop()
        self._watch.close()
        for provider in self.settings.providers:
            if callable(close := getattr(provider.login, "close", None)):
                with suppress(KernelError):  # which is in the log
                    self.calls.ask(provider.name, close)
        self.calls.close()
        self.database.close()


class _Forgetting:
    """Forgets everything that was remembered; it does not know the keeper, so that threads do not keep that alive."""

    def __init__(self, *remembered: Recognised) -> None:
        self._remembered = remembered

    def __call__(self) -> None:
        for each in self._remembered:
            each.clear()


def _seconds(length: float) -> float:
    """A length for people: its fractions matter only if it is short."""
    return float(round(length)) if length > 10 else round(length, 1)
