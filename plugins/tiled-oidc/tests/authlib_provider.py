"""A small provider on Authlib, with the clients and users that a test describes.

Usage: python authlib_provider.py DESCRIPTION-AS-JSON
A POST to /test/rotate gives it new keys, as providers do from time to time.
"""

from __future__ import annotations

import json
import secrets
import sys
import time
from dataclasses import dataclass, field
from html import escape
from typing import Any

from authlib.integrations.flask_oauth2 import AuthorizationServer
from authlib.oauth2 import OAuth2Error
from authlib.oauth2.rfc6749 import AuthorizationCodeMixin, ClientMixin, list_to_scope, scope_to_list
from authlib.oauth2.rfc6749.grants import AuthorizationCodeGrant
from authlib.oauth2.rfc7636 import CodeChallenge
from authlib.oauth2.rfc8628 import DeviceAuthorizationEndpoint, DeviceCodeGrant, DeviceCredentialDict
from authlib.oauth2.rfc9068 import JWTBearerTokenGenerator
from authlib.oidc.core import UserInfo
from authlib.oidc.core.grants import OpenIDCode
from flask import Flask, Response, jsonify, redirect, request
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet, OctKey, OKPKey, RSAKey
from werkzeug.serving import make_server

DESCRIPTION = json.loads(sys.argv[1])
METHODS = ["client_secret_basic", "client_secret_post", "none"]
FORM = """<!DOCTYPE html><form method="post" action="{action}">
<input name="login"><input type="password" name="password">{hidden}<button type="submit">Sign in</button></form>"""


class Keys:
    """The keys of the moment."""

    def __init__(self) -> None:
        self.rotate()

    def rotate(self) -> None:
        names = {"kid": secrets.token_hex(4), "use": "sig"}
        self.rsa = RSAKey.generate_key(2048, {**names, "alg": "RS256"})
        self.ec = ECKey.generate_key("P-256", {"kid": secrets.token_hex(4), "use": "sig", "alg": "ES256"})
        self.edwards = OKPKey.generate_key("Ed25519", {"kid": secrets.token_hex(4), "use": "sig", "alg": "EdDSA"})

    @property
    def public(self) -> dict[str, Any]:
        return KeySet([self.rsa, self.ec, self.edwards]).as_dict(private=False)


class Client(ClientMixin):
    """A client of the description."""

    def __init__(self, described: dict[str, Any]) -> None:
        self.client_id = described["client_id"]
        self.client_secret = described.get("client_secret", "")
        self.id_token_signed_response_alg = described["id_token_signed_response_alg"]
        self._described = described

    def get_client_id(self) -> str:
        return self.client_id

    def get_default_redirect_uri(self) -> None:
        return None

    def get_allowed_scope(self, scope: str) -> str:
        known = {"openid", "offline_access", *DESCRIPTION["scopes"]}
        return list_to_scope([name for name in scope_to_list(scope or "") if name in known])

    def check_redirect_uri(self, redirect_uri: str) -> bool:
        return redirect_uri in self._described["redirect_uris"]

    def check_client_secret(self, client_secret: str) -> bool:
        return secrets.compare_digest(client_secret.encode(), self.client_secret.encode())

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        return method == self._described["token_endpoint_auth_method"]

    def check_response_type(self, response_type: str) -> bool:
        return response_type in self._described["response_types"]

    def check_grant_type(self, grant_type: str) -> bool:
        return grant_type in self._described["grant_types"]


@dataclass
class Code(AuthorizationCodeMixin):
    """A code that was given to a browser, and is good once."""

    client_id: str
    user: str
    scope: str
    redirect_uri: str
    nonce: str | None
    code_challenge: str | None
    code_challenge_method: str | None
    auth_time: int = field(default_factory=lambda: int(time.time()))

    def get_redirect_uri(self) -> str:
        return self.redirect_uri

    def get_scope(self) -> str:
        return self.scope

    def get_nonce(self) -> str | None:
        return self.nonce

    def get_auth_time(self) -> int:
        return self.auth_time

    def get_acr(self) -> None:
        return None

    def get_amr(self) -> None:
        return None


class User:
    """Somebody of the description."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.claims = DESCRIPTION["users"][name]["claims"]

    def get_user_id(self) -> str:
        return self.name

    @staticmethod
    def of_form() -> User | None:
        """Whoever has signed in with the form."""
        name = request.form.get("login", "")
        known = DESCRIPTION["users"].get(name)
        return User(name) if known and known["password"] == request.form.get("password") else None


keys = Keys()
clients = {described["client_id"]: Client(described) for described in DESCRIPTION["clients"]}
codes: dict[str, Code] = {}
devices: dict[str, DeviceCredentialDict] = {}
approved: dict[str, User] = {}
app = Flask(__name__)
http = make_server("127.0.0.1", 0, app, threaded=True)
issuer = f"http://127.0.0.1:{http.server_port}"


class CodeGrant(AuthorizationCodeGrant):
    TOKEN_ENDPOINT_AUTH_METHODS = METHODS

    def save_authorization_code(self, code: str, request: Any) -> None:
        data = request.payload.data
        codes[code] = Code(
            request.client.client_id, request.user.name, request.scope, request.payload.redirect_uri,
            data.get("nonce"), data.get("code_challenge"), data.get("code_challenge_method"),
        )  # fmt: skip

    def query_authorization_code(self, code: str, client: Client) -> Code | None:
        found = codes.get(code)
        return found if found is not None and found.client_id == client.client_id else None

    def delete_authorization_code(self, authorization_code: Code) -> None:
        for code in [code for code, found in codes.items() if found is authorization_code]:
            del codes[code]

    def authenticate_user(self, authorization_code: Code) -> User:
        return User(authorization_code.user)


class IdTokens(OpenIDCode):
    def exists_nonce(self, nonce: str, request: Any) -> bool:
        return any(code.nonce == nonce for code in codes.values())

    def generate_user_info(self, user: User, scope: str) -> UserInfo:
        return UserInfo(sub=user.name, **(user.claims if "profile" in scope or "email" in scope else {}))

    def get_client_claims(self, client: Client) -> dict[str, Any]:
        return {"iss": issuer, "aud": client.client_id}

    def get_encode_header(self, client: Client) -> dict[str, str]:
        algorithm = self.get_client_algorithm(client)
        kid = getattr(self.resolve_client_private_key(client), "kid", None)
        return {"alg": algorithm} | ({"kid": kid} if kid else {})

    def resolve_client_private_key(self, client: Client) -> Any:
        named = {"RS256": keys.rsa, "ES256": keys.ec, "EdDSA": keys.edwards}
        return named.get(self.get_client_algorithm(client)) or OctKey.import_key(client.client_secret)


class DeviceGrant(DeviceCodeGrant):
    def query_device_credential(self, device_code: str) -> DeviceCredentialDict | None:
        return devices.get(device_code)

    def query_user_grant(self, user_code: str) -> tuple[User, bool] | None:
        return (approved[user_code], True) if user_code in approved else None

    def should_slow_down(self, credential: DeviceCredentialDict) -> bool:
        return False


class Devices(DeviceAuthorizationEndpoint):
    INTERVAL = 1

    def get_verification_uri(self) -> str:
        return f"{issuer}/device"

    def save_device_credential(self, client_id: str, scope: str, data: dict[str, Any]) -> None:
        devices[data["device_code"]] = DeviceCredentialDict({"client_id": client_id, "scope": scope, **data})


class AccessTokens(JWTBearerTokenGenerator):
    def get_jwks(self) -> RSAKey:
        return keys.rsa

    def get_audiences(self, client: Client, user: User, scope: str) -> str:
        return DESCRIPTION["audience"]

    def get_extra_claims(self, client: Client, grant_type: str, user: User, scope: str) -> dict[str, Any]:
        return {"roles": DESCRIPTION["roles"]}


def random_refresh_token(**_: Any) -> str:
    return secrets.token_hex(16)


server = AuthorizationServer(app, query_client=clients.get, save_token=lambda token, request: None)
server.register_token_generator("default", AccessTokens(issuer, refresh_token_generator=random_refresh_token))
server.register_grant(CodeGrant, [CodeChallenge(required=True), IdTokens(require_nonce=False)])
server.register_grant(DeviceGrant, [IdTokens()])
server.register_endpoint(Devices)


@app.get("/.well-known/openid-configuration")
def discovery() -> Response:
    return jsonify(
        issuer=issuer,
        authorization_endpoint=f"{issuer}/authorize?with=a%20query",
        token_endpoint=f"{issuer}/token",
        jwks_uri=f"{issuer}/jwks",
        userinfo_endpoint=f"{issuer}/userinfo",
        device_authorization_endpoint=f"{issuer}/device_authorization",
        end_session_endpoint=f"{issuer}/logout",
        scopes_supported=["openid", "offline_access", *DESCRIPTION["scopes"]],
        response_types_supported=["code"],
        subject_types_supported=["public"],
        id_token_signing_alg_values_supported=["RS256", "ES256", "EdDSA", "HS256", "none"],
        token_endpoint_auth_methods_supported=METHODS,
    )


@app.get("/jwks")
def jwks() -> Response:
    return jsonify(keys.public)


@app.post("/test/rotate")
def rotate() -> Response:
    keys.rotate()
    return jsonify(keys.public)


@app.route("/authorize", methods=["GET", "POST"])
def authorize() -> Any:
    user = User.of_form() if request.method == "POST" else None
    try:
        grant = server.get_consent_grant(end_user=user)
    except OAuth2Error as error:
        return server.handle_error_response(server.create_oauth2_request(None), error)
    if user is None:
        return FORM.format(action=escape(request.full_path), hidden="")
    return server.create_authorization_response(grant_user=user, grant=grant)


@app.post("/token")
def token() -> Any:
    return server.create_token_response()


@app.get("/userinfo")
def userinfo() -> Any:
    presented = request.headers["authorization"].removeprefix("Bearer ")
    claims = jwt.decode(presented, keys.rsa, ["RS256"]).claims
    return jsonify(sub=claims["sub"], **DESCRIPTION["users"][claims["sub"]]["claims"])


@app.post("/device_authorization")
def device_authorization() -> Any:
    return server.create_endpoint_response("device_authorization")


@app.route("/device", methods=["GET", "POST"])
def device() -> Any:
    user = User.of_form() if request.method == "POST" else None
    user_code = request.values.get("user_code", "")
    if user is None:
        hidden = f'<input name="user_code" value="{escape(user_code)}">'
        return FORM.format(action="/device", hidden=hidden)
    approved[user_code] = user
    return "You have signed in."


@app.get("/logout")
def logout() -> Any:
    return redirect(request.args.get("post_logout_redirect_uri", "/"))


sys.stdout.write(f"READY {issuer}\n")
sys.stdout.flush()
http.serve_forever()
