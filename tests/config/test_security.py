"""Logins and policies of a configuration: what cannot be had stops the start, and names the key."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tiledkernel.access.single_user import SingleUser
from tiledkernel.composition import Composition
from tiledkernel.config.document import InvalidConfiguration
from tiledkernel.config.load import Loaded, load
from tiledkernel.config.security import build_accounts, build_policy, check_security
from tiledkernel.hookspecs import hookimpl
from tiledkernel.plugins import discover
from tiledkernel.records import AccountKeeper, Authenticator, PolicyKind

HERE = __name__


class Anybody:
    """A login of a site's own."""

    def __init__(self, greeting: str = "hello") -> None:
        self.greeting = greeting

    def authenticate(self, username: str, password: str) -> str | None:
        return username if password else None


class Allowing:
    """A policy of a site's own: three methods."""

    def __init__(self, **options: Any) -> None:
        self.options = options

    def allowed_scopes(self, node: Any, viewer: Any) -> frozenset[str]:
        return frozenset()

    def filters(self, viewer: Any, scopes: frozenset[str]) -> None:
        return None

    def init_node(self, viewer: Any, access_tags: Any) -> frozenset[str]:
        return frozenset()


class Tokens:
    """A login whose tokens are taken as they are."""

    def verify(self, token: str) -> Any:
        raise NotImplementedError

    def endpoints(self) -> Any:
        raise NotImplementedError


def broken(**options: Any) -> Any:
    raise OSError("the directory service is down")


class Kept:
    """What a keeper was told."""

    def __init__(self, settings: Any) -> None:
        self.settings = settings


def build_known(options: None) -> Anybody:
    assert options is None
    return Anybody("known")


class Plugin:
    """A plugin with a keeper, a login and a policy."""

    __name__ = "toy"

    @hookimpl
    def register_account_keepers(self) -> list[AccountKeeper]:
        return [AccountKeeper(name="toy", build=f"{HERE}:Kept")]

    @hookimpl
    def register_authenticators(self) -> list[Authenticator]:
        return [Authenticator(name="known", build=f"{HERE}:build_known", also=("KnownAuthenticator",))]

    @hookimpl
    def register_access_policies(self) -> list[PolicyKind]:
        return [PolicyKind(name="rules", build=f"{HERE}:Allowing", also=("RulesPolicy",))]


KERNEL = Composition(discover(third_party=False))
WITH_TOY = Composition(discover(third_party=False, extra={"toy": Plugin()}))


@pytest.fixture(autouse=True)
def _importable(monkeypatch: pytest.MonkeyPatch) -> None:
    """The references above lead here, however this module is called."""
    import sys

    monkeypatch.setitem(sys.modules, HERE, sys.modules[__name__])


def configured(**sections: Any) -> Loaded:
    return load({"catalog": {}, **sections}, environ={})


def providers(*authenticators: str, **more: Any) -> Loaded:
    listed = [{"provider": f"p{number}", "authenticator": name} for number, name in enumerate(authenticators)]
    return configured(authentication={"providers": listed, **more})


def refused(build: Callable[..., Any], loaded: Loaded, composition: Composition = WITH_TOY) -> str:
    with pytest.raises(InvalidConfiguration) as caught:
        build(loaded, composition)
    return str(caught.value)


def test_without_providers_there_is_one_user() -> None:
    accounts = build_accounts(configured(authentication={"single_user_api_key": "secret"}), KERNEL)
    assert isinstance(accounts, SingleUser)
    assert accounts.key == "secret"


def test_a_keeper_is_told_what_the_configuration_says() -> None:
    loaded = providers(
        "known", f"{HERE}:Anybody", tiled_admins=[{"provider": "p0", "id": "ada"}], secret_keys=["new", "old"],
        session_max_age=60, allow_anonymous_access=True,
    )  # fmt: skip
    settings = build_accounts(loaded, WITH_TOY).settings
    assert [(provider.name, provider.login.greeting) for provider in settings.providers] == [
        ("p0", "known"),
        ("p1", "hello"),
    ]
    assert settings.admins == (("p0", "ada"),)
    assert (settings.secret_keys, settings.session_max_age) == (("new", "old"), 60.0)
    assert settings.allow_anonymous_access
    assert settings.database.uri is None


@pytest.mark.parametrize("name", ["known", "KnownAuthenticator", "tiled.authenticators:KnownAuthenticator"])
def test_a_login_goes_by_its_name_and_by_that_of_its_class_in_tiled(name) -> None:
    (provider,) = build_accounts(providers(name), WITH_TOY).settings.providers
    assert provider.login.greeting == "known"


@pytest.mark.parametrize("name", ["rules", "tiled.access_control.access_policies:RulesPolicy"])
def test_a_policy_does_so_too(name, monkeypatch) -> None:
    monkeypatch.setattr(Allowing, "__init__", lambda self, options: None)
    loaded = configured(access_control={"access_policy": name})
    assert isinstance(build_policy(loaded, WITH_TOY), Allowing)


def test_a_policy_of_ones_own_gets_its_arguments() -> None:
    policy = build_policy(configured(access_control={"access_policy": f"{HERE}:Allowing", "args": {"a": 1}}), KERNEL)
    assert policy.options == {"a": 1}


def test_without_a_policy_there_is_none() -> None:
    assert build_policy(configured(), KERNEL) is None


@pytest.mark.parametrize(
    ("authenticator", "words"),
    [
        ("oidcc", "authenticator: no authenticator named 'oidcc'; installed: known; or name a class of your own"),
        ("no_such_module:X", "authenticator: no module named 'no_such_module'"),
        (f"{HERE}:broken", "cannot be built: OSError: the directory service is down"),
        (f"{HERE}:KERNEL", "is no login: it needs the method authenticate(username, password)"),
    ],
)
def test_a_login_that_cannot_be_had_stops_the_start(authenticator, words) -> None:
    message = refused(build_accounts, providers(authenticator))
    assert message.startswith("configuration: authentication.providers[0].authenticator: ")
    assert words in message


@pytest.mark.parametrize(
    ("policy", "words"),
    [
        ("tagss", "no access policy named 'tagss'"),
        (f"{HERE}:broken", "cannot be built: OSError: the directory service is down"),
        (f"{HERE}:Anybody", "is no access policy: it needs the methods allowed_scopes, filters, init_node"),
    ],
)
def test_a_policy_that_cannot_be_had_stops_the_start(policy, words) -> None:
    message = refused(build_policy, configured(access_control={"access_policy": policy}))
    assert message.startswith("configuration: access_control.access_policy: ")
    assert words in message


def test_logins_need_somebody_who_keeps_accounts() -> None:
    message = refused(build_accounts, providers(f"{HERE}:Anybody"), KERNEL)
    assert message.endswith("logins need one plugin that keeps accounts: none is installed; pip install tiled-accounts")


def test_a_name_is_there_once() -> None:
    twice = [{"provider": "p", "authenticator": "known"}] * 2
    message = refused(build_accounts, configured(authentication={"providers": twice}))
    assert message == "configuration: authentication.providers[1].provider: 'p' is there twice"


def test_administrators_come_from_a_provider_that_there_is() -> None:
    message = refused(build_accounts, providers("known", tiled_admins=[{"provider": "q", "id": "ada"}]))
    assert message.endswith("tiled_admins[0].provider: no provider named 'q'; there is: p0")


def test_a_server_with_logins_has_no_single_user() -> None:
    message = refused(build_accounts, providers("known", single_user_api_key="secret"))
    assert "single_user_api_key: a server with providers has no single user" in message
    assert "'secret'" not in message


def test_tokens_of_a_provider_stand_alone() -> None:
    message = refused(build_accounts, providers("known", f"{HERE}:Tokens"))
    assert "'p1' takes the tokens of its provider as they are, and so must be the only one" in message


def test_a_login_without_options_takes_none() -> None:
    listed = [{"provider": "p", "authenticator": "known", "args": {"a": 1}}]
    message = refused(build_accounts, configured(authentication={"providers": listed}))
    assert message == "configuration: authentication.providers[0].args: 'known' takes no 'args'"


def test_a_check_finds_all_that_can_be_told_without_building_anything() -> None:
    loaded = configured(
        authentication={
            "providers": [
                {"provider": "a", "authenticator": "nobody"},
                {"provider": "a", "authenticator": "known", "args": {"x": 1}},
                {"provider": "b", "authenticator": f"{HERE}:broken"},
            ]
        },
        access_control={"access_policy": "no_such_module:Policy"},
    )
    message = refused(check_security, loaded)
    assert [line.split(": ")[1] for line in message.splitlines() if "configuration: " in line] == [
        "authentication.providers[0].authenticator",
        "authentication.providers[1].args",
        "access_control.access_policy",
        "authentication.providers[1].provider",
    ]
    check_security(configured(), KERNEL)
