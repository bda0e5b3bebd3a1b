"""Logging in at a provider in a browser: it comes back with what it left with, once, and in the same browser."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from tiledkernel.access.logins import Departure
from tiledkernel.errors import NotReady

from .site import BASE, IdentityProvider, Passwords, Site

HERE = "/auth/provider/ext"


class Browser:
    """Keeps cookies, and leaves them out where a browser does."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.cookies: dict[str, str] = {}

    def __call__(self, method: str, path: str, *, from_elsewhere: bool = False, **options: Any) -> httpx.Response:
        """A request; of those that other sites cause, only visits bring cookies (SameSite=Lax)."""
        cookies = {} if from_elsewhere and method != "GET" else self.cookies
        response = self.site(method, path, cookies=cookies, **options)
        for cookie in response.headers.get_list("set-cookie"):
            (name, value), *attributes = (part.strip().partition("=")[::2] for part in cookie.split(";"))
            assert ("HttpOnly", "") in attributes
            assert any(name.lower() == "samesite" and value.lower() == "lax" for name, value in attributes)
            self.cookies.pop(name, None)
            if value:
                self.cookies[name] = value
        return response

    def leave(self, state: str | None = None, how: str = "authorize") -> str:
        """Go to the provider; the state with which it is to come back."""
        response = self("GET", f"{HERE}/{how}", params={} if state is None else {"state": state})
        assert response.status_code == 307, response.text
        query = parse_qs(urlsplit(response.headers["location"]).query)
        assert query["redirect_uri"] == [f"{BASE}{HERE}/code"]
        return query["state"][0]

    def come_back(self, state: str, code: str = "code-of-alice", **more: str) -> httpx.Response:
        return self("GET", f"{HERE}/code", params={"code": code, "state": state, **more}, from_elsewhere=True)


@pytest.fixture
def ext(open_site: Callable[..., Site], uri: str) -> Site:
    return open_site(uri, logins={"ext": IdentityProvider()})


def test_a_browser_that_comes_back_has_tokens(ext: Site) -> None:
    browser = Browser(ext)
    response = browser.come_back(browser.leave())
    assert response.status_code == 200
    assert response.json()["identity"] == {"id": "alice", "provider": "ext"}
    assert response.headers["cache-control"] == "no-store"
    assert ext.get("/auth/whoami", token=response.json()["access_token"])["identities"][0]["id"] == "alice"
    assert not any(name.startswith("tiled_login") for name in browser.cookies)


def test_the_state_of_the_caller_is_passed_on_unchanged(ext: Site) -> None:
    assert Browser(ext).leave("its own &=ü") == "its own &=ü"


def test_without_a_state_there_is_another_one_each_time(ext: Site) -> None:
    states = {Browser(ext).leave() for _ in range(3)}
    assert len(states) == 3
    assert all(len(state) >= 32 for state in states)


def test_a_login_counts_once(ext: Site) -> None:
    browser = Browser(ext)
    state = browser.leave()
    kept = dict(browser.cookies)
    assert browser.come_back(state).status_code == 200
    assert browser.come_back(state).status_code == 401
    browser.cookies = kept  # as a thief would have them
    assert browser.come_back(state).status_code == 401


def test_another_browser_cannot_finish_it(ext: Site) -> None:
    """A victim who is sent to where an attacker's login ends does not end up as the attacker, nor the other way."""
    attacker, victim = Browser(ext), Browser(ext)
    state = attacker.leave()
    assert victim.come_back(state).status_code == 401
    victim.leave()
    assert victim.come_back(state).status_code == 401


def test_several_logins_at_once_do_not_disturb_each_other(ext: Site) -> None:
    browser = Browser(ext)
    first, second = browser.leave(), browser.leave("mine")
    assert browser.come_back(first).status_code == 200
    assert browser.come_back(second, "code-of-bob").json()["identity"]["id"] == "bob"


def test_a_login_that_takes_too_long_is_over(ext: Site, later: Callable[[float], None]) -> None:
    browser = Browser(ext)
    state = browser.leave()
    later(901)
    assert browser.come_back(state).status_code == 401


def test_the_login_of_one_provider_is_not_that_of_another(open_site: Callable[..., Site]) -> None:
    site = open_site(logins={"ext": IdentityProvider(), "other": IdentityProvider()})
    browser = Browser(site)
    state = browser.leave()
    assert browser("GET", f"/auth/provider/other/code?code=code-of-alice&state={state}").status_code == 401


def test_what_the_provider_refuses_is_nobody(ext: Site) -> None:
    browser = Browser(ext)
    assert browser.come_back(browser.leave(), "wrong").status_code == 401
    assert browser("GET", f"{HERE}/code?error=access_denied&state={browser.leave()}").status_code == 401


def test_a_parameter_that_is_there_twice_is_refused(ext: Site) -> None:
    browser = Browser(ext)
    state = browser.leave()
    assert browser("GET", f"{HERE}/code?code=code-of-bob&code=code-of-alice&state={state}").status_code == 401


def test_nodes_share_logins(open_site: Callable[..., Site], uri: str) -> None:
    """The browser leaves from one node and comes back to another."""
    one, other = (open_site(uri, logins={"ext": IdentityProvider()}) for _ in range(2))
    browser = Browser(one)
    state = browser.leave()
    browser.site = other
    assert browser.come_back(state).status_code == 200
    browser.site = one


def test_tokens_go_to_the_page_that_the_configuration_names(open_site: Callable[..., Site], uri: str) -> None:
    site = open_site(uri, logins={"ext": IdentityProvider(redirect_on_success="https://ui.example/in?tab=1#top")})
    browser = Browser(site)
    response = browser.come_back(
        browser.leave("s t&ä"), next="https://evil.example", redirect_uri="https://evil.example"
    )
    assert response.status_code == 302
    target = urlsplit(response.headers["location"])
    assert (target.scheme, target.netloc, target.path, target.fragment) == ("https", "ui.example", "/in", "top")
    query = {name: value for name, (value,) in parse_qs(target.query).items()}
    token = query.pop("access_token")
    assert query.pop("refresh_token")
    assert len(query.pop("principal")) == 32
    assert query == {"tab": "1", "identity.id": "alice", "identity.provider": "ext", "state": "s t&ä"}
    assert site.status(token=token) == 200


def test_a_failure_goes_to_the_page_that_the_configuration_names(open_site: Callable[..., Site]) -> None:
    site = open_site(logins={"ext": IdentityProvider(redirect_on_failure="https://ui.example/failed")})
    browser = Browser(site)
    response = browser.come_back(browser.leave(), "wrong")
    assert (response.status_code, response.headers["location"]) == (302, "https://ui.example/failed")
    assert Browser(site).come_back("unknown").headers["location"] == "https://ui.example/failed"


class TestForms:
    """Providers of SAML send browsers back with a form, which other sites' cookies do not come with."""

    @staticmethod
    def come_back(browser: Browser, state: str) -> httpx.Response:
        form = {"SAMLResponse": "code-of-alice", "RelayState": state}
        return browser("POST", f"{HERE}/code", data=form, from_elsewhere=True)

    def test_a_form_comes_again_from_our_own_page(self, ext: Site) -> None:
        browser = Browser(ext)
        state = browser.leave("a<b>\"'&", how="login")
        page = self.come_back(browser, state)
        assert page.status_code == 200
        assert "script-src 'sha256-" in page.headers["content-security-policy"]
        response = browser("POST", f"{HERE}/code", data=fields_of(page.text))
        assert response.status_code == 200
        assert response.json()["identity"]["id"] == "alice"

    def test_the_page_may_lead_to_where_the_configuration_sends_tokens(self, open_site: Callable[..., Site]) -> None:
        """Browsers hold the answers to a form to the policy of its page."""
        login = IdentityProvider(
            redirect_on_success="https://ui.example/in?x", redirect_on_failure="https://no.example/"
        )
        browser = Browser(open_site(logins={"ext": login}))
        page = self.come_back(browser, browser.leave())
        policy = page.headers["content-security-policy"]
        assert "form-action 'self' https://ui.example https://no.example;" in policy

    def test_it_does_not_in_another_browser(self, ext: Site) -> None:
        attacker, victim = Browser(ext), Browser(ext)
        page = self.come_back(victim, attacker.leave())
        assert victim("POST", f"{HERE}/code", data=fields_of(page.text)).status_code == 401

    @pytest.mark.parametrize("content", [b"", b"a=%FF", b"[1]", b"RelayState=x&" * 200])
    def test_what_is_no_form_is_the_callers_mistake(self, ext: Site, content: bytes) -> None:
        headers = {"content-type": "application/x-www-form-urlencoded"}
        status = ext("POST", f"{HERE}/code", content=content, headers=headers).status_code
        assert status in ({200} if not content else {200, 422} if content == b"[1]" else {422})


@pytest.mark.parametrize(
    "query", ["", "?state=x", "?code=x&state=x", "?state=%F0%9F%92%A9&code=x", f"?state={'x' * 5000}"]
)
def test_a_browser_that_never_left_has_no_login(lasting: Site, ext: Site, query: str) -> None:
    assert ext("GET", f"{HERE}/code{query}").status_code == 401


@pytest.mark.parametrize("cookie", ["", "x", "a.b.c", "é"])
def test_a_cookie_that_is_none_of_ours_does_not_count(ext: Site, cookie: str) -> None:
    browser = Browser(ext)
    state = browser.leave()
    (name,) = (name for name in browser.cookies if name.startswith("tiled_login"))
    header = {"cookie": f"{name}={cookie}".encode("latin-1")}
    assert ext("GET", f"{HERE}/code?code=code-of-alice&state={state}", headers=header).status_code == 401


def test_an_access_token_is_no_cookie(ext: Site) -> None:
    browser = Browser(ext)
    token = browser.come_back(browser.leave()).json()["access_token"]
    state = browser.leave()
    name = next(name for name in browser.cookies if name.startswith("tiled_login"))
    browser.cookies[name] = token
    assert browser.come_back(state).status_code == 401


def test_a_state_is_bounded(ext: Site) -> None:
    assert ext("GET", f"{HERE}/authorize?state={'x' * 513}").status_code == 422


def test_the_cookie_is_for_logging_in_only_and_for_https_if_that_is_spoken(ext: Site) -> None:
    def cookie(**headers: str) -> str:
        response = ext("GET", f"{HERE}/authorize", headers=headers)
        return next(each for each in response.headers.get_list("set-cookie") if each.startswith("tiled_login"))

    assert "Path=/api/v1/auth;" in cookie()
    assert "Secure" not in cookie()
    assert "Secure" in cookie(**{"x-forwarded-proto": "https"})


@pytest.mark.parametrize("path", ["authorize", "login", "code", "device_code"])
def test_one_does_not_log_in_with_a_browser_where_passwords_are_asked_for(lasting: Site, path: str) -> None:
    assert lasting("GET", f"/auth/provider/toy/{path}").status_code == 404


def test_one_does_not_log_in_with_a_password_where_a_browser_is_needed(ext: Site) -> None:
    response = ext.try_to_log_in("alice", "x", "ext")
    assert response.status_code == 422


class Broken:
    """Cannot be asked, in some way."""

    def __init__(self, outcome: Any) -> None:
        self.outcome = outcome

    def depart(self, redirect_uri: str, state: str) -> Any:
        if isinstance(self.outcome, Exception):
            raise self.outcome
        return self.outcome

    def arrive(self, redirect_uri: str, parameters: Any, remembered: Any) -> Any:
        raise AssertionError


@pytest.mark.parametrize(
    "outcome",
    [
        RuntimeError("secret"), NotReady("the provider is down"), "https://x.example", Departure(url="javascript:x"),
        Departure(url="https://x.example/\r\nset-cookie: a=b"), Departure(url="https://é.example"),
        Departure(url="https://x.example", remember={"a": "x" * 5000}),
    ],
    ids=lambda outcome: repr(outcome)[:40],
)  # fmt: skip
def test_a_login_that_breaks_is_not_there(open_site: Callable[..., Site], outcome: Any) -> None:
    site = open_site(logins={"ext": Broken(outcome)})
    response = site("GET", f"{HERE}/authorize")
    assert response.status_code == 503
    assert "secret" not in response.text


def test_a_missing_page_for_success_is_warned_of(
    open_site: Callable[..., Site], caplog: pytest.LogCaptureFixture
) -> None:
    open_site(logins={"toy": Passwords(), "good": IdentityProvider(redirect_on_success="https://ui.example")})
    assert "redirect_on_success" not in caplog.text
    open_site(logins={"ext": IdentityProvider()})
    assert "'ext'" in caplog.text
    assert "redirect_on_success" in caplog.text


def fields_of(page: str) -> dict[str, str]:
    """The hidden fields of a form."""
    from html import unescape

    return {
        unescape(name): unescape(value)
        for name, value in re.findall(r'type="hidden" name="([^"]*)" value="([^"]*)"', page)
    }
