"""Logging in with a browser, from a configuration to a server that knows who asks, at a provider on loopback."""

from __future__ import annotations

import json
from html.parser import HTMLParser
from urllib.parse import parse_qs, urljoin, urlsplit

import httpx
import pytest

PROVIDER = "https://idp.example.org/metadata"
SERVER = "https://tiled.example.org"


class Form(HTMLParser):
    """The only form of a page."""

    def __init__(self, page: httpx.Response) -> None:
        super().__init__()
        self.fields: dict[str, str] = {}
        self.action = ""
        self.feed(page.text)
        self.action = urljoin(str(page.url), self.action)

    def handle_starttag(self, tag, attrs):
        found = dict(attrs)
        if tag == "form":
            self.action = found["action"]
        elif tag == "input":
            self.fields[found["name"]] = found.get("value", "")


class Browser:
    """Follows redirections and sends forms on; cookies that are `SameSite=Lax` stay at home if another site posts."""

    def __init__(self) -> None:
        self._client = httpx.Client(follow_redirects=True)

    def get(self, url: str) -> httpx.Response:
        return self._client.get(url)

    def submit(self, page: httpx.Response, **fields: str) -> httpx.Response:
        form = Form(page)
        same_site = urlsplit(form.action).netloc == urlsplit(str(page.url)).netloc
        with httpx.Client() as stranger:
            sender = self._client if same_site else stranger
            return sender.post(form.action, data=form.fields | fields, follow_redirects=False)

    def log_in(self, url: str) -> httpx.Response:
        """Where somebody ends up who follows this link, logs in at the provider, and is sent back."""
        return self.submit(self.submit(self.get(url)))

    def close(self) -> None:
        self._client.close()


@pytest.fixture
def browser():
    """A browser that has been nowhere yet."""
    browser = Browser()
    yield browser
    browser.close()


@pytest.fixture(scope="module")
def server(start_server, website, tmp_path_factory):
    """A server whose users log in at the provider; under another name they are sent to pages in the end."""
    folder = tmp_path_factory.mktemp("served")
    settings = {
        "sp": {"entityId": SERVER},
        "idp": {
            "entityId": PROVIDER,
            "singleSignOnService": {"url": website.url},
            "x509cert": website.provider.certificate,
        },
    }
    args = {"saml_settings": settings, "attribute_name": "uid", "confirmation_message": "Hello {id}."}
    pages = {"redirect_on_success": "http://app.example.org/in", "redirect_on_failure": "http://app.example.org/out"}
    name = "tiled.authenticators:SAMLAuthenticator"
    configuration = {
        "trees": [{"path": "/", "tree": "directory", "args": {"path": "."}}],
        "authentication": {
            "providers": [
                {"provider": "lab", "authenticator": name, "args": args},
                {"provider": "pages", "authenticator": "saml", "args": args | pages},
            ]
        },
    }
    (folder / "config.yml").write_text(json.dumps(configuration))
    return start_server("serve", "config", "config.yml", cwd=folder)


@pytest.fixture(autouse=True)
def honest(website):
    """The provider says what is true, unless a test wants it otherwise."""
    yield
    website.changes.clear()


@pytest.mark.parametrize("link", ["authorize", "login"])
def test_whoever_logs_in_at_the_provider_is_known(server, browser, link):
    answer = browser.log_in(f"{server.url}/api/v1/auth/provider/lab/{link}")
    assert answer.status_code == 200, answer.text
    assert answer.json()["identity"] == {"id": "alice", "provider": "lab"}
    token = {"authorization": f"Bearer {answer.json()['access_token']}"}
    known = httpx.get(f"{server.url}/api/v1/auth/whoami", headers=token).json()
    assert [each["id"] for each in known["identities"]] == ["alice"]
    assert httpx.get(f"{server.url}/api/v1/metadata/", headers=token).status_code == 200


def test_a_web_application_gets_the_tokens(server, browser):
    answer = browser.log_in(f"{server.url}/api/v1/auth/provider/pages/authorize?state=mine")
    assert answer.status_code == 302
    page, _, query = answer.headers["location"].partition("?")
    assert page == "http://app.example.org/in"
    told = {name: values[0] for name, values in parse_qs(query).items()}
    assert (told["identity.id"], told["identity.provider"], told["state"]) == ("alice", "pages", "mine")
    assert told["access_token"]


@pytest.mark.parametrize(
    "changes",
    [{"signed": ()}, {"ends": -3600}, {"audiences": ("https://other.example.org",)}, {"confirmed_request": "_other"}],
    ids=lambda changes: next(iter(changes)),
)
def test_an_answer_that_vouches_for_nobody_gives_nothing(server, browser, website, changes):
    website.changes.update(changes)
    answer = browser.log_in(f"{server.url}/api/v1/auth/provider/lab/authorize")
    assert answer.status_code == 401
    assert "access_token" not in answer.text
    answer = browser.log_in(f"{server.url}/api/v1/auth/provider/pages/authorize")
    assert (answer.status_code, answer.headers["location"]) == (302, "http://app.example.org/out")


def test_an_answer_is_good_once(server, browser):
    page = browser.get(f"{server.url}/api/v1/auth/provider/lab/authorize")
    resumed = browser.submit(page)
    assert browser.submit(resumed).status_code == 200
    assert browser.submit(resumed).status_code == 401


def test_an_answer_is_good_in_the_browser_that_left_for_it(server, browser):
    """Nobody is logged in as somebody else by a page that sends the answer to a login of its own."""
    page = browser.get(f"{server.url}/api/v1/auth/provider/lab/authorize")
    victim = Browser()
    assert victim.submit(victim.submit(page)).status_code == 401
    victim.close()


def test_a_terminal_gets_its_tokens(server, browser):
    """The person opens a link, logs in at the provider, and types what the terminal shows."""
    here = f"{server.url}/api/v1/auth/provider/lab"
    told = httpx.post(f"{here}/authorize").json()
    body = {"device_code": told["device_code"], "grant_type": "urn:ietf:params:oauth:grant-type:device_code"}
    assert httpx.post(told["verification_uri"], json=body).json() == {"detail": {"error": "authorization_pending"}}
    asked = browser.submit(browser.get(told["authorization_uri"]))
    done = browser.submit(asked, user_code=told["user_code"])
    assert done.status_code == 200, done.text
    assert "Hello alice." in done.text
    answer = httpx.post(told["verification_uri"], json=body)
    assert answer.json()["identity"] == {"id": "alice", "provider": "lab"}


def test_no_answer_is_in_the_log(server, browser):
    browser.log_in(f"{server.url}/api/v1/auth/provider/lab/authorize")
    said = "".join(server.said)
    assert "SAMLResponse" not in said
    assert "PHNhbWxwOlJlc3BvbnNl" not in said
