"""The clients and users that every provider of these tests knows."""

from __future__ import annotations

from typing import Any

SECRET = "a client secret, parts of which are &=+% and :"  # must survive every way of being sent
CLIENT = "tiled"
POSTING = "tiled-posting"  # a client that sends its secret in the body
PUBLIC = "tiled-public"  # a client without a secret
CURVED = "tiled-curved"  # whose ID tokens are signed on an elliptic curve
EDWARDS = "tiled-edwards"
SHARED = "tiled-shared"  # whose ID tokens are signed with its own secret
TERMINAL = "tiled-terminal"
AUDIENCE = "https://tiled.example"
NAME = "idp"  # of the provider in the configuration of the server
APPLICATION = "app"  # the same provider, for a web application

USERS: dict[str, Any] = {
    "alice": {
        "password": "wonderland",
        "claims": {
            "email": "alice@example.org",
            "email_verified": True,
            "preferred_username": "alice@example.org",
            "groups": ["beamline", "staff"],
        },
    },
    "bob": {
        "password": "builder",
        "claims": {
            "email": "bob@example.org",
            "email_verified": False,
            "preferred_username": "bob@elsewhere.org",
            "groups": ["visitors"],
        },
    },
}
SCOPES = ["email", "profile", "tiled:read", "tiled:write"]
ROLES = ["operator"]


def description(port: int) -> dict[str, Any]:
    """What a provider is told, for a server that listens on a port."""
    base = f"http://127.0.0.1:{port}/api/v1/auth/provider"
    browser = {
        "client_secret": SECRET,
        "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"],
        "redirect_uris": [f"{base}/{name}/{way}" for name in (NAME, APPLICATION) for way in ("code", "device_code")],
        "token_endpoint_auth_method": "client_secret_basic",
        "id_token_signed_response_alg": "RS256",
    }
    public = {key: value for key, value in browser.items() if key != "client_secret"}
    terminal = {
        "client_id": TERMINAL,
        "grant_types": ["urn:ietf:params:oauth:grant-type:device_code", "refresh_token"],
        "response_types": [],
        "redirect_uris": [],
        "token_endpoint_auth_method": "none",
        "id_token_signed_response_alg": "RS256",
    }
    return {
        "clients": [
            {"client_id": CLIENT, **browser},
            {"client_id": POSTING, **browser, "token_endpoint_auth_method": "client_secret_post"},
            {"client_id": PUBLIC, **public, "token_endpoint_auth_method": "none"},
            {"client_id": CURVED, **browser, "id_token_signed_response_alg": "ES256"},
            {"client_id": EDWARDS, **browser, "id_token_signed_response_alg": "EdDSA"},
            {"client_id": SHARED, **browser, "id_token_signed_response_alg": "HS256"},
            terminal,
        ],
        "users": USERS,
        "audience": AUDIENCE,
        "scopes": SCOPES,
        "roles": ROLES,
    }
