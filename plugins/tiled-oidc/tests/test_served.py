"""Servers at which people log in, in processes of their own, with the providers beside them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from .browser import Browser
from .described import APPLICATION, AUDIENCE, CLIENT, NAME, SECRET, TERMINAL
from .dishonest import RSA, Dishonest, claims_of, encode, sign, sign_with_secret
from .test_proxied import DEVICE, MAP

PAGE = "http://127.0.0.1:1/ui?keep=this"  # of a web application; nobody is there, as nobody needs to be


@pytest.fixture(scope="module")
def server(issuer: str, port: int, serve_once: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A server with two ways to the same provider."""
    args = {
        "audience": CLIENT,
        "client_id": CLIENT,
        "client_secret": SECRET,
        "well_known_uri": f"{issuer}/.well-known/openid-configuration",
        "confirmation_message": "You have logged in as {id}.",
    }
    pages = {"redirect_on_success": PAGE, "redirect_on_failure": f"{PAGE}&failed"}
    providers = [
        {"provider": NAME, "authenticator": "oidc", "args": args},
        {"provider": APPLICATION, "authenticator": "tiled.authenticators:OIDCAuthenticator", "args": args | pages},
    ]
    server = serve_once(tmp_path_factory.mktemp("server"), *providers, port=port)
    yield server
    server.stop()
    said = "".join(server.said)
    assert "Traceback" not in said
    assert SECRET not in said


@pytest.fixture
def alice(browser_of: Callable[[str], Browser]) -> Browser:
    return browser_of("alice")


def api(server: Any) -> str:
    return f"{server.url}/api/v1"


def authorize(server: Any, name: str = NAME) -> str:
    """Where a browser begins."""
    return f"{api(server)}/auth/provider/{name}/authorize"


def stop_at(server: Any, name: str = NAME) -> Callable[[str], bool]:
    """Before the browser brings the code to the server."""
    return lambda url: url.startswith(f"{api(server)}/auth/provider/{name}/code")


def whoami(server: Any, access_token: str) -> Any:
    answer = httpx.get(f"{api(server)}/auth/whoami", headers={"authorization": f"Bearer {access_token}"})
    return answer.raise_for_status().json()


def test_the_root_says_how_to_log_in(server) -> None:
    described = httpx.get(f"{api(server)}/").json()["authentication"]["providers"][0]
    assert described["mode"] == "external"
    assert described["links"] == {"auth_endpoint": authorize(server)}
    assert described["confirmation_message"] == "You have logged in as {id}."


def test_somebody_logs_in_with_a_browser(server, alice) -> None:
    page = alice.visit(authorize(server))
    assert isinstance(page, httpx.Response)
    tokens = page.raise_for_status().json()
    assert tokens["identity"] == {"id": "alice", "provider": NAME}
    identity = whoami(server, tokens["access_token"])["identities"][0]
    assert (identity["id"], identity["provider"]) == ("alice", NAME)


def test_a_web_application_gets_the_tokens_and_the_state(server, alice) -> None:
    begun = f"{authorize(server, APPLICATION)}?state=its%20own"
    back = alice.visit(begun, until=lambda url: url.startswith("http://127.0.0.1:1/"))
    assert isinstance(back, httpx.URL)
    told = back.params
    assert (told["keep"], told["state"], told["identity.id"]) == ("this", "its own", "alice")
    assert whoami(server, told["access_token"])["identities"][0]["provider"] == APPLICATION


def test_one_is_the_same_at_every_login(server, alice) -> None:
    principals = {alice.visit(authorize(server)).json()["principal"] for _ in range(2)}
    assert len(principals) == 1


def test_an_answer_is_good_once(server, alice) -> None:
    back = alice.visit(authorize(server), until=stop_at(server))
    assert alice.client.get(back).status_code == 200
    assert alice.client.get(back).status_code == 401


def test_an_answer_is_good_only_in_the_browser_that_began(server, alice, browser_of) -> None:
    """Nobody can be logged in as somebody else by a link."""
    back = alice.visit(authorize(server), until=stop_at(server))
    other = browser_of("bob")
    assert other.client.get(back).status_code == 401
    other.visit(authorize(server), until=stop_at(server))
    assert other.client.get(back).status_code == 401
    assert alice.client.get(back).status_code == 200


def test_a_code_does_not_go_with_another_state(server, alice, browser_of) -> None:
    stolen = alice.visit(authorize(server), until=stop_at(server))
    bob = browser_of("bob")
    own = bob.visit(authorize(server), until=stop_at(server))
    assert bob.client.get(own.copy_set_param("code", stolen.params["code"])).status_code == 401


@pytest.mark.parametrize(
    "query", ["", "?code=x", "?state=x", "?code=x&state=x", "?error=access_denied", "?code=x&code=y"]
)
def test_an_answer_that_nobody_asked_for_is_refused(query, server) -> None:
    assert httpx.get(f"{api(server)}/auth/provider/{NAME}/code{query}").status_code == 401


def test_a_login_that_fails_ends_at_the_page_for_failures(server, alice) -> None:
    back = alice.visit(authorize(server, APPLICATION), until=stop_at(server, APPLICATION))
    answer = alice.client.get(back.copy_remove_param("code").copy_add_param("error", "access_denied"))
    assert answer.status_code == 302
    assert answer.headers["location"] == f"{PAGE}&failed"


@pytest.mark.parametrize("name", ["redirect_uri", "redirect_on_success", "next", "url", "return_to"])
def test_nobody_can_say_where_browsers_end(name, server, alice) -> None:
    address = f"{authorize(server)}?{name}=https://evil.example/"
    departure = alice.client.get(address).headers["location"]
    assert "evil" not in departure
    assert alice.visit(address, until=lambda url: "evil" in url).json()["identity"]["id"] == "alice"


def test_a_host_that_is_made_up_gets_no_code(server, alice) -> None:
    """The provider knows where codes may go."""
    departure = httpx.get(authorize(server), headers={"host": "evil.example"}).headers["location"]
    page = alice.visit(departure, until=lambda url: url.startswith("http://evil.example"))
    assert isinstance(page, httpx.Response)
    assert page.status_code == 400


def test_somebody_logs_in_from_a_terminal(server, alice) -> None:
    begun = httpx.post(authorize(server)).raise_for_status().json()
    poll = {"device_code": begun["device_code"], "grant_type": DEVICE}
    waiting = httpx.post(begun["verification_uri"], json=poll)
    assert (waiting.status_code, waiting.json()) == (400, {"detail": {"error": "authorization_pending"}})
    alice.answers["user_code"] = begun["user_code"].lower().replace("-", "")
    page = alice.visit(begun["authorization_uri"])
    assert "You have logged in as alice." in page.text
    tokens = httpx.post(begun["verification_uri"], json=poll).raise_for_status().json()
    assert whoami(server, tokens["access_token"])["identities"][0]["id"] == "alice"
    assert httpx.post(begun["verification_uri"], json=poll).status_code == 404


def test_a_terminal_whose_code_nobody_types_gets_nothing(server, alice) -> None:
    begun = httpx.post(authorize(server)).raise_for_status().json()
    alice.visit(begun["authorization_uri"])  # comes to the form for the code, and has no answer
    form = alice.pages[-1]
    answer = alice.client.post(form.url, data={**dict(form.url.params), "user_code": "0000-0000"})
    assert answer.status_code == 401
    poll = {"device_code": begun["device_code"], "grant_type": DEVICE}
    assert httpx.post(begun["verification_uri"], json=poll).json() == {"detail": {"error": "authorization_pending"}}


FORGED: dict[str, tuple[int, Callable[[dict[str, Any]], str]]] = {
    "good": (200, sign),
    "of another login": (401, lambda claims: sign({**claims, "nonce": "another"})),
    "for another client": (401, lambda claims: sign({**claims, "aud": "another"})),
    "of another issuer": (401, lambda claims: sign({**claims, "iss": "https://elsewhere.example"})),
    "expired": (401, lambda claims: sign({**claims, "exp": 1_000_000_000})),
    "unsigned": (401, lambda claims: f"{encode({'alg': 'none'})}.{encode(claims)}."),
    "signed with what is public": (401, lambda claims: sign_with_secret(claims, RSA.as_pem(private=False), kid="rsa")),
}


def test_a_provider_that_lies_logs_nobody_in(serve, browser_of) -> None:
    with Dishonest() as provider:
        server = serve({"provider": NAME, "authenticator": "oidc", "args": provider.options})
        statuses = {name: bring(server, provider, forge, browser_of("alice")) for name, (_, forge) in FORGED.items()}
    assert statuses == {name: status for name, (status, _) in FORGED.items()}


def bring(server: Any, provider: Dishonest, forge: Callable[[dict[str, Any]], str], browser: Browser) -> int:
    """The status for a browser that comes back to get a token which the provider forges."""
    asked = httpx.URL(browser.client.get(authorize(server)).headers["location"]).params
    provider.give(forge(claims_of(provider.issuer, asked["nonce"])))
    return browser.client.get(asked["redirect_uri"], params={"code": "code", "state": asked["state"]}).status_code


def proxied(issuer: str) -> dict[str, Any]:
    """A provider of the configuration, whose tokens are taken as they are."""
    args = {
        "audience": AUDIENCE,
        "client_id": CLIENT,
        "client_secret": SECRET,
        "device_flow_client_id": TERMINAL,
        "well_known_uri": f"{issuer}/.well-known/openid-configuration",
        "scopes": ["tiled:read"],
        "scopes_map": MAP,
    }
    return {"provider": NAME, "authenticator": "tiled.authenticators:ProxiedOIDCAuthenticator", "args": args}


def test_tokens_of_a_provider_are_taken_as_they_are(serve) -> None:
    with Dishonest() as provider:
        assert statuses(serve(proxied(provider.issuer)).url, provider) == {
            "good": 200,
            "without the scope": 401,
            "unsigned": 401,
            "for another server": 401,
            "expired": 401,
            "of nobody": 401,
        }


def statuses(url: str, provider: Dishonest) -> dict[str, int]:
    """What each kind of token gets."""

    def token(**changes: Any) -> str:
        claims = {"aud": AUDIENCE, "scope": "tiled:read"} | changes
        return sign(claims_of(provider.issuer, None, **claims), typ="at+jwt")

    presented = {
        "good": token(),
        "without the scope": token(scope="openid"),
        "unsigned": token().rpartition(".")[0] + ".",
        "for another server": token(aud="https://elsewhere.example"),
        "expired": token(exp=1_000_000_000),
        "of nobody": "abc",
    }
    ask = httpx.Client(base_url=url)
    with ask:
        return {
            name: ask.get("/api/v1/metadata/", headers={"authorization": f"Bearer {text}"}).status_code
            for name, text in presented.items()
        }


def test_a_client_is_sent_to_the_provider_itself(issuer, serve) -> None:
    url = serve(proxied(issuer)).url
    described = httpx.get(f"{url}/api/v1/").json()["authentication"]["providers"][0]
    assert described["links"]["auth_endpoint"].startswith(issuer)
    assert described["links"]["token_endpoint"].startswith(issuer)
    assert described["links"]["client_id"] == TERMINAL
    assert described["extra_scopes"] == ["tiled:read"]


def test_a_server_whose_provider_is_away_serves_and_says_when_to_ask_again(serve) -> None:
    with Dishonest() as provider:
        provider.pages.clear()
        args = {"client_id": CLIENT, "well_known_uri": f"{provider.issuer}/.well-known/openid-configuration"}
        server = serve({"provider": NAME, "authenticator": "oidc", "args": args})
        assert f"nobody can log in until {args['well_known_uri']} answers" in "".join(server.said)
        assert httpx.get(f"{api(server)}/").status_code == 200
        for ask in (httpx.get, httpx.post):
            answer = ask(authorize(server))
            assert answer.status_code == 503
            assert answer.headers["retry-after"] == "10"
            assert "status 404" in answer.json()["detail"]


def test_a_provider_that_is_another_one_stops_the_start(serve) -> None:
    with Dishonest() as provider:
        provider.document["issuer"] = "https://elsewhere.example"
        with pytest.raises(pytest.fail.Exception) as error:
            serve(proxied(provider.issuer))
        assert "'https://elsewhere.example', expected that of" in str(error.value)
        assert "authentication.providers" in str(error.value)
