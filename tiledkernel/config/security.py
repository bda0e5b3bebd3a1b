"""Who keeps accounts, how one logs in, and which policy decides: whatever of it cannot be had stops the start."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any, TypeVar

from tiledkernel import references
from tiledkernel.access.logins import BrowserLogin, PasswordLogin, TokenLogin
from tiledkernel.access.policies import AccessPolicy
from tiledkernel.access.protocols import Accounts
from tiledkernel.access.settings import AccountSettings, DatabaseSettings, Provider
from tiledkernel.access.single_user import SingleUser
from tiledkernel.composition import Composition
from tiledkernel.config.decode import decode
from tiledkernel.config.document import InvalidConfiguration, KeyPath, Problem
from tiledkernel.config.load import Loaded
from tiledkernel.errors import ConfigurationError
from tiledkernel.records import AccountKeeper, Authenticator, PolicyKind
from tiledkernel.registry import Registry

Kind = TypeVar("Kind", Authenticator, PolicyKind)

# Where configurations of Tiled find what plugins bring here; the names of the classes are in `also` of the records.
_KNOWN_MODULES = ("authenticators", "access_control.access_policies")
_PACKAGES = ("tiled", "tiledkernel")
_BROUGHT_BY = "tiled-accounts"
_LOGINS = (PasswordLogin, BrowserLogin, TokenLogin)


def build_accounts(loaded: Loaded, composition: Composition) -> Accounts:
    """Those who keep accounts, if there are ways to log in; else the one user with the one key."""
    configuration = loaded.configuration.authentication
    if not configuration.providers:
        return SingleUser(
            configuration.single_user_api_key, allow_anonymous_access=configuration.allow_anonymous_access
        )
    _check(loaded)
    providers = tuple(_providers(loaded, composition))
    tokens = [provider.name for provider in providers if isinstance(provider.login, TokenLogin)]
    if tokens and len(providers) > 1:
        raise _invalid(
            loaded,
            ("authentication", "providers"),
            f"{tokens[0]!r} takes the tokens of its provider as they are, and so must be the only one",
        )
    database = loaded.configuration.database
    settings = AccountSettings(
        providers=providers,
        admins=tuple((admin.provider, admin.id) for admin in configuration.tiled_admins),
        secret_keys=tuple(configuration.secret_keys),
        allow_anonymous_access=configuration.allow_anonymous_access,
        access_token_max_age=configuration.access_token_max_age,
        refresh_token_max_age=configuration.refresh_token_max_age,
        session_max_age=configuration.session_max_age,
        database=DatabaseSettings(
            uri=database.uri,
            init_if_not_exists=database.init_if_not_exists,
            pool_size=database.pool_size,
            max_overflow=database.max_overflow,
            pool_pre_ping=database.pool_pre_ping,
        ),
    )
    keeper = _keeper(loaded, composition)
    build: Callable[[AccountSettings], Accounts] = references.load(keeper.build)
    accounts: Accounts = _guarded(loaded, ("authentication",), lambda: build(settings), keeper.name)
    return accounts


def build_policy(loaded: Loaded, composition: Composition) -> AccessPolicy | None:
    """The policy of a configuration; None: the scopes of the credential alone decide."""
    section = loaded.configuration.access_control
    if section is None:
        return None
    key: KeyPath = ("access_control", "access_policy")
    policy = _build(loaded, composition.policies, section.access_policy, key, section.args)
    if not isinstance(policy, AccessPolicy):
        methods = ", ".join(sorted(AccessPolicy.__abstractmethods__))
        raise _invalid(loaded, key, f"{section.access_policy!r} is no access policy: it needs the methods {methods}")
    return policy


def check_security(loaded: Loaded, composition: Composition) -> None:
    """What can be told of logins and policy without building them; InvalidConfiguration lists what is wrong."""
    problems: list[Problem] = []
    parts: list[tuple[Registry[Any], str, KeyPath]] = [
        (composition.authenticators, provider.authenticator, ("authentication", "providers", index, "authenticator"))
        for index, provider in enumerate(loaded.configuration.authentication.providers)
    ]
    if loaded.configuration.access_control is not None:
        policy = loaded.configuration.access_control.access_policy
        parts.append((composition.policies, policy, ("access_control", "access_policy")))
    for known, name, key in parts:
        try:
            _find(loaded, known, name, key, loaded.document.at((*key[:-1], "args")) or {})
        except InvalidConfiguration as error:
            problems.extend(error.problems)
    try:
        if loaded.configuration.authentication.providers:
            _check(loaded)
            _keeper(loaded, composition)
    except InvalidConfiguration as error:
        problems.extend(error.problems)
    if problems:
        raise InvalidConfiguration(problems)


def _keeper(loaded: Loaded, composition: Composition) -> AccountKeeper:
    """The one plugin that keeps accounts."""
    keepers = composition.account_keepers.values()
    if len(keepers) == 1:
        return keepers[0]
    found = ", ".join(sorted(composition.account_keepers)) or "none is installed"
    advice = f"pip install {_BROUGHT_BY}" if not keepers else "disable all plugins but one of these"
    raise _invalid(
        loaded, ("authentication", "providers"), f"logins need one plugin that keeps accounts: {found}; {advice}"
    )


def _providers(loaded: Loaded, composition: Composition) -> Iterator[Provider]:
    for index, provider in enumerate(loaded.configuration.authentication.providers):
        key: KeyPath = ("authentication", "providers", index, "authenticator")
        login = _build(loaded, composition.authenticators, provider.authenticator, key, provider.args)
        if not isinstance(login, _LOGINS):
            raise _invalid(
                loaded,
                key,
                f"{provider.authenticator!r} is no login: it needs the method authenticate(username, password), or "
                "depart and arrive, or verify and endpoints",
            )
        yield Provider(provider.provider, login)


def _check(loaded: Loaded) -> None:
    """Providers have names of their own, and administrators one of these."""
    authentication = loaded.configuration.authentication
    names = [provider.provider for provider in authentication.providers]
    for index, name in enumerate(names):
        if name in names[:index]:
            raise _invalid(loaded, ("authentication", "providers", index, "provider"), f"{name!r} is there twice")
    for index, admin in enumerate(authentication.tiled_admins):
        if admin.provider not in names:
            key: KeyPath = ("authentication", "tiled_admins", index, "provider")
            raise _invalid(loaded, key, f"no provider named {admin.provider!r}; there is: {', '.join(names)}")
    if authentication.single_user_api_key is not None:
        key = ("authentication", "single_user_api_key")
        raise _invalid(loaded, key, "a server with providers has no single user: leave this key out")


def _build(loaded: Loaded, known: Registry[Kind], name: str, key: KeyPath, args: Mapping[str, Any]) -> Any:
    """What a record, or a site's own class or function, makes of its options."""
    build, shown = _find(loaded, known, name, key, args)
    try:
        return _guarded(loaded, key, build, shown)
    except InvalidConfiguration as error:
        where = (*key[:-1], "args")
        raise InvalidConfiguration(_placed(loaded, problem, where) for problem in error.problems) from error


def _find(
    loaded: Loaded, known: Registry[Kind], name: str, key: KeyPath, args: Mapping[str, Any]
) -> tuple[Callable[[], Any], str]:
    """What makes the thing of a name with its options, which are checked; and its name for messages."""
    record = _record(known, name)
    if record is None and ":" not in name:
        raise _invalid(loaded, key, f"{known.miss(name)}; or name a class of your own: 'module:Class'")
    if record is None:
        found = _guarded(loaded, key, lambda: references.load(name), name)
        return partial(_site, found, args), name
    where = (*key[:-1], "args")
    if record.options is None and args:
        raise _invalid(loaded, where, f"{record.name!r} takes no 'args'")
    kind = None if record.options is None else references.load(record.options)
    options = None if kind is None else decode(loaded.document, kind, where)
    return partial(references.load(record.build), options), record.name


def _placed(loaded: Loaded, problem: Problem, where: KeyPath) -> Problem:
    """A problem that is told without a place is one with the options: it gets their place in the configuration."""
    if problem.origin:
        return problem
    path = (*where, *problem.path)
    return Problem(loaded.document.origin(path), path, problem.message)


def _record(known: Registry[Kind], name: str) -> Kind | None:
    """The record of a name, or of the class that the name is of in Tiled."""
    module, _, attribute = name.rpartition(":")
    package, _, rest = module.partition(".")
    short = attribute if package in _PACKAGES and rest in _KNOWN_MODULES else name
    found = known.get(short)
    return found or next((record for record in known.values() if short in record.also), None)


def _site(found: Any, args: Mapping[str, Any]) -> Any:
    """A class or function of a site's own is called with its options; anything else is what it is."""
    if inspect.isclass(found) or inspect.isroutine(found):
        return found(**args)
    if args:
        raise ConfigurationError(f"an object of type {type(found).__name__} takes no 'args'")
    return found


def _guarded(loaded: Loaded, key: KeyPath, build: Callable[[], Any], name: str) -> Any:
    """What is built; InvalidConfiguration names it if it cannot be, whatever it raises."""
    try:
        return build()
    except InvalidConfiguration:
        raise
    except ConfigurationError as error:
        raise _invalid(loaded, key, str(error)) from error
    except Exception as error:
        raise _invalid(loaded, key, f"{name!r} cannot be built: {type(error).__name__}: {error}") from error


def _invalid(loaded: Loaded, key: KeyPath, message: str) -> InvalidConfiguration:
    return InvalidConfiguration([Problem(loaded.document.origin(key), key, message)])
