"""A provider that says whatever a test wants it to say, over HTTP."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import ssl
import threading
import time
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

from joserfc import jws
from joserfc.jwk import ECKey, RSAKey

CLIENT, SECRET = "tiled", "a secret of the client, long enough for signatures"
ACCESS_TOKEN = "an access token"
WELL_KNOWN = "/.well-known/openid-configuration"
RSA = RSAKey.generate_key(2048, {"kid": "rsa", "use": "sig"})
EC = ECKey.generate_key("P-256", {"kid": "ec", "use": "sig"})


class Dishonest:
    """Serves `pages`: path -> an object that is sent as JSON, or (status, headers, body)."""

    def __init__(self, certificate: Path | None = None) -> None:
        outer = self
        self.asked: Counter[str] = Counter()
        self.forms: list[dict[str, list[str]]] = []

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.answer(self)

            def do_POST(self) -> None:
                length = int(self.headers["content-length"])
                outer.forms.append(parse_qs(self.rfile.read(length).decode()))
                outer.answer(self)

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        scheme = "http"
        if certificate is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
            scheme = "https"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self.issuer = f"{scheme}://127.0.0.1:{self._server.server_port}"
        self.document: dict[str, Any] = {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/jwks",
            "userinfo_endpoint": f"{self.issuer}/userinfo",
            "device_authorization_endpoint": f"{self.issuer}/device",
            "id_token_signing_alg_values_supported": ["RS256", "ES256", "HS256", "none"],
        }
        self.pages: dict[str, Any] = {WELL_KNOWN: self.document}
        self.publish(RSA, EC)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *reason: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    @property
    def options(self) -> dict[str, Any]:
        """What a configuration says of it."""
        return {"client_id": CLIENT, "client_secret": SECRET, "well_known_uri": f"{self.issuer}{WELL_KNOWN}"}

    def publish(self, *keys: Any, **names: str) -> None:
        """Have these keys."""
        self.pages["/jwks"] = {"keys": [key.as_dict(private=False, **names) for key in keys]}

    def give(self, id_token: object) -> None:
        """Send this ID token to whoever brings a code."""
        self.pages["/token"] = {"token_type": "Bearer", "access_token": ACCESS_TOKEN, "id_token": id_token}

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        path = urlsplit(handler.path).path
        self.asked[path] += 1
        page = self.pages.get(path, (404, {}, b"nothing"))
        status, headers, body = page if isinstance(page, tuple) else (200, {}, json.dumps(page).encode())
        handler.send_response(status)
        for name, value in {"content-length": str(len(body)), **headers}.items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(body)


def claims_of(issuer: str, nonce: str | None, /, **changes: Any) -> dict[str, Any]:
    """The claims of a good ID token, but for the changes; None leaves one out."""
    moment = int(time.time())
    claims = {"iss": issuer, "aud": CLIENT, "sub": "alice", "nonce": nonce, "iat": moment, "exp": moment + 300}
    return {name: value for name, value in (claims | changes).items() if value is not None}


def sign(claims: Any, key: Any = RSA, **header: Any) -> str:
    """A token with any header, signed with any key."""
    header = {"alg": "RS256", "kid": key.kid} | header
    header = {name: value for name, value in header.items() if value is not None}
    signing = f"{encode(header)}.{encode(claims)}".encode()
    signature = jws.JWSRegistry.algorithms[header["alg"]].sign(signing, key)
    return _joined(signing, signature)


def sign_with_secret(claims: Any, secret: bytes, **header: Any) -> str:
    """A token that is signed with a secret, whatever that is."""
    signing = f"{encode({'alg': 'HS256'} | header)}.{encode(claims)}".encode()
    return _joined(signing, hmac.digest(secret, signing, "sha256"))


def _joined(signing: bytes, signature: bytes) -> str:
    return f"{signing.decode()}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"


def encode(part: Any) -> str:
    """A part of a token."""
    return base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode()


def half_hash(text: str) -> str:
    """What stands in at_hash beside RS256."""
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()[:16]).rstrip(b"=").decode()
