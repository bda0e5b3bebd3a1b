"""Whatever anybody sends to the routes of accounts is answered, and never a failure of the server's."""

from __future__ import annotations

import hmac
import json
from base64 import urlsafe_b64encode
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from .site import SECRET, IdentityProvider, Passwords, Site

FUZZED = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
TEXTS = st.one_of(
    st.text(max_size=30),
    st.sampled_from(
        ["\0", "\ud800", "inherit", "admin:apikeys", "0" * 64, "%", "'; --", "x" * 5000, "\r\nset-cookie: a=b"]
    ),
)
VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), TEXTS),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(TEXTS, inner, max_size=4)),
    max_leaves=8,
)
FIELDS = st.sampled_from(
    [
        "grant_type", "username", "password", "device_code", "refresh_token", "scopes", "expires_in", "access_tags",
        "note", "code", "state", "user_code", "RelayState", "SAMLResponse", "role", "first_eight", "offset",
    ]
)  # fmt: skip
BODIES = st.one_of(VALUES, st.dictionaries(FIELDS, VALUES, max_size=6))
PATHS = st.sampled_from(
    [
        "provider/toy/token", "provider/toy/authorize", "provider/ext/token", "provider/ext/authorize",
        "provider/ext/code", "provider/ext/device_code", "provider/ext/login", "session/refresh", "session/revoke",
        "session/revoke/x", "logout", "whoami", "apikey", "principal", "principal/x",
        "principal/00000000-0000-0000-0000-000000000000", "principal/00000000-0000-0000-0000-000000000000/apikey",
    ]
)  # fmt: skip
METHODS = st.sampled_from(["GET", "POST", "DELETE", "PUT", "HEAD", "PATCH"])


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def fuzzed(request: pytest.FixtureRequest, make_uri: Any) -> Any:
    site = Site(
        make_uri(request.param), logins={"toy": Passwords(), "ext": IdentityProvider()}, admins=(("toy", "root"),)
    )
    site.token = site.log_in("root")["access_token"]
    yield site
    site.close()


def encoded(value: Any) -> bytes:
    return json.dumps(value).encode("utf-8", "surrogatepass")


@FUZZED
@given(method=METHODS, path=PATHS, body=BODIES, who=st.sampled_from(["root", "nobody"]))
def test_any_json_is_answered(fuzzed: Any, method: str, path: str, body: Any, who: str) -> None:
    headers = {"content-type": "application/json"}
    token = fuzzed.token if who == "root" else None
    response = fuzzed(method, f"/auth/{path}", content=encoded(body), headers=headers, token=token)
    assert response.status_code < 500


@FUZZED
@given(
    method=METHODS,
    path=PATHS,
    fields=st.dictionaries(FIELDS, TEXTS, max_size=6),
    who=st.sampled_from(["root", "nobody"]),
)
def test_any_form_and_query_is_answered(fuzzed: Any, method: str, path: str, fields: dict[str, str], who: str) -> None:
    content = "&".join(f"{name}={quote(value.encode('utf-8', 'surrogatepass'))}" for name, value in fields.items())
    headers = {"content-type": "application/x-www-form-urlencoded"}
    token = fuzzed.token if who == "root" else None
    for query, body in ((content, b""), ("", content.encode()), (content, content.encode())):
        response = fuzzed(method, f"/auth/{path}?{query}", content=body, headers=dict(headers), token=token)
        assert response.status_code < 500


@FUZZED
@given(
    path=PATHS, content=st.binary(max_size=200), kind=st.sampled_from(["json", "x-msgpack", "x-www-form-urlencoded"])
)
def test_any_bytes_are_answered(fuzzed: Any, path: str, content: bytes, kind: str) -> None:
    headers = {"content-type": f"application/{kind}"}
    assert fuzzed("POST", f"/auth/{path}", content=content, headers=headers).status_code < 500


@FUZZED
@given(secret=st.binary(max_size=100))
def test_any_credential_is_answered(fuzzed: Any, secret: bytes) -> None:
    for scheme in (b"Apikey ", b"Bearer ", b""):
        value = (scheme + secret).replace(b"\r", b"").replace(b"\n", b"").replace(b"\0", b"").strip()
        assert fuzzed("GET", "/auth/whoami", headers={"authorization": value}).status_code < 500
    assert fuzzed("GET", f"/auth/whoami?api_key={quote(secret)}").status_code < 500


@FUZZED
@given(header=VALUES, claims=VALUES)
def test_whatever_is_signed_is_answered(fuzzed: Any, header: Any, claims: Any) -> None:
    """A site may use its secret keys for other things."""
    for first in (header, {"alg": "HS256"}, {"alg": "HS256", "crit": ["x"]}, {"alg": "HS256", "b64": False}):
        signed = b".".join(urlsafe_b64encode(encoded(part)).rstrip(b"=") for part in (first, claims))
        signature = urlsafe_b64encode(hmac.digest(SECRET.encode(), signed, "sha256")).rstrip(b"=")
        token = (signed + b"." + signature).decode()
        assert fuzzed.status("/auth/whoami", token=token) == 401
        assert fuzzed.refresh(token).status_code == 401
