"""ID tokens of a provider that lies, or of somebody who stands between: all are refused."""

from __future__ import annotations

import base64
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from joserfc.jwk import ECKey, OKPKey, RSAKey
from tiled_oidc.login import OidcLogin, build_login
from tiled_oidc.options import LoginOptions

from tiledkernel.access.logins import Identity
from tiledkernel.errors import Unauthorized

from .dishonest import ACCESS_TOKEN, EC, RSA, SECRET, Dishonest, claims_of, encode, half_hash, sign, sign_with_secret

BACK = "http://127.0.0.1:1/api/v1/auth/provider/idp/code"
STRANGER = RSAKey.generate_key(2048, {"kid": "rsa"})  # with the name of a key that the provider has
BOTTOMLESS = base64.urlsafe_b64encode(b"[" * 30_000).decode()
LATER, BEFORE = 4_000_000_000, 1_000_000_000


@pytest.fixture
def provider() -> Iterator[Dishonest]:
    with Dishonest() as provider:
        yield provider


@pytest.fixture
def login_with(provider: Dishonest) -> Iterator[Callable[..., OidcLogin]]:
    made: list[OidcLogin] = []

    def make(**options: Any) -> OidcLogin:
        made.append(build_login(LoginOptions(**provider.options | options)))
        return made[-1]

    yield make
    for login in made:
        login.close()


@pytest.fixture
def arrive(provider: Dishonest) -> Callable[..., Identity]:
    """`arrive(login, make)`: log in, where `make(claims)` makes a token of what would be good claims."""

    def arrive(login: OidcLogin, make: Callable[[dict[str, Any]], object], **parameters: str) -> Identity:
        departure = login.depart(BACK, "state")
        provider.give(make(claims_of(provider.issuer, departure.remember["nonce"])))
        return login.arrive(BACK, {"code": "code", "state": "state", **parameters}, departure.remember)

    return arrive


def test_a_good_token_is_believed(login_with, arrive) -> None:
    assert arrive(login_with(), sign).id == "alice"


@pytest.mark.parametrize(
    "changes",
    [
        {"at_hash": half_hash(ACCESS_TOKEN)},
        {"aud": ["tiled"]},
        {"aud": ["tiled", "another"], "azp": "tiled"},
        {"exp": lambda: time.time() + 100.5},
        {"iat": lambda: int(time.time()) + 10},
        {"exp": lambda: int(time.time()) - 10, "iat": lambda: int(time.time()) - 300},
    ],
    ids=["at_hash", "one audience", "several audiences", "a fraction", "a slow clock here", "a fast clock here"],
)
def test_variants_that_mean_the_same_are_believed(changes, login_with, arrive) -> None:
    """Clocks may differ by a few seconds."""
    said = {name: value() if callable(value) else value for name, value in changes.items()}
    assert arrive(login_with(), lambda claims: sign(claims | said)).id == "alice"


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"iss": "https://elsewhere.example"}, "'iss'"),
        ({"iss": ["x"]}, "'iss'"),
        ({"iss": None}, "iss"),
        ({"aud": "another client"}, "'aud'"),
        ({"aud": ["another", "clients"]}, "'aud'"),
        ({"aud": {"tiled": True}}, "'aud'"),
        ({"aud": []}, "aud"),
        ({"aud": None}, "aud"),
        ({"aud": ["tiled", "another"]}, "azp"),
        ({"azp": "another"}, "azp"),
        ({"nonce": "another"}, "nonce"),
        ({"nonce": None}, "nonce"),
        ({"nonce": ["?"]}, "nonce"),
        ({"exp": BEFORE}, "expired"),
        ({"exp": None}, "exp"),
        ({"exp": "never"}, "'exp'"),
        ({"exp": True}, "'exp'"),
        ({"iat": LATER}, "'iat'"),
        ({"iat": None}, "iat"),
        ({"nbf": LATER}, "'nbf'"),
        ({"sub": None}, "sub"),
        ({"sub": ""}, "sub"),
        ({"sub": "  "}, "sub"),
        ({"sub": 7}, "'sub'"),
        ({"sub": "alice\nroot"}, "sub"),
        ({"sub": " alice"}, "sub"),
        ({"sub": "a" * 257}, "sub"),
        ({"at_hash": half_hash("another token")}, "at_hash"),
        ({"at_hash": 1}, "at_hash"),
    ],
    ids=str,
)
def test_a_token_with_other_claims_is_refused(changes, reason, login_with, arrive) -> None:
    with pytest.raises(Unauthorized, match=reason):
        arrive(login_with(), lambda claims: sign({**claims, **changes}))


PUBLIC = {  # what everybody knows of the provider's key, which somebody may take for a secret
    "PEM": RSA.as_pem(private=False),
    "DER": RSA.as_der(private=False),
    "JWK": str(RSA.as_dict(private=False)["n"]).encode(),
}
ENCRYPTING = RSAKey.generate_key(2048, {"kid": "encrypting", "use": "enc"})


def named(key: Any) -> dict[str, Any]:
    return key.as_dict(private=False)


FORGERIES: dict[str, Callable[[dict[str, Any]], object]] = {
    "unsigned": lambda claims: f"{encode({'alg': 'none'})}.{encode(claims)}.",
    "unsigned, without the last point": lambda claims: f"{encode({'alg': 'none'})}.{encode(claims)}",
    "unsigned, in other letters": lambda claims: f"{encode({'alg': 'nOnE'})}.{encode(claims)}.",
    "without a signature": lambda claims: f"{encode({'alg': 'RS256', 'kid': 'rsa'})}.{encode(claims)}.",
    "without an algorithm": lambda claims: f"{encode({'kid': 'rsa'})}.{encode(claims)}.AAAA",
    "with several algorithms": lambda claims: f"{encode({'alg': ['RS256'], 'kid': 'rsa'})}.{encode(claims)}.AAAA",
    "with somebody else's key": lambda claims: sign(claims, STRANGER),
    "with a key in its own header": lambda claims: sign(claims, STRANGER, jwk=named(STRANGER)),
    "with a key at an address": lambda claims: sign(claims, STRANGER, jku="http://127.0.0.1:1/jwks"),
    "with a key of another kind": lambda claims: sign(claims, EC, alg="ES256", kid="rsa"),
    "with a key for encryption": lambda claims: sign(claims, ENCRYPTING),
    "by an algorithm that was not announced": lambda claims: sign(claims, alg="RS512"),
    "by the key as a secret (PEM)": lambda claims: sign_with_secret(claims, PUBLIC["PEM"], kid="rsa"),
    "by the key as a secret (DER)": lambda claims: sign_with_secret(claims, PUBLIC["DER"], kid="rsa"),
    "by the key as a secret (JWK)": lambda claims: sign_with_secret(claims, PUBLIC["JWK"], kid="rsa"),
    "by the client's secret": lambda claims: sign_with_secret(claims, SECRET.encode()),
    "by no secret": lambda claims: sign_with_secret(claims, b""),
    "with an extension": lambda claims: sign(claims, crit=["exp"], exp=LATER),
    "with a payload as it is": lambda claims: sign(claims, crit=["b64"], b64=False),
    "of a kind that is no text": lambda claims: sign(claims, typ=7),
    "changed later": lambda claims: ".".join(
        [*sign(claims).split(".")[:1], encode({**claims, "sub": "root"}), sign(claims).split(".")[2]]
    ),
    "encrypted": lambda claims: f"{sign(claims)}.AAAA.AAAA",
    "of a list": lambda claims: sign([claims]),
    "of a text": lambda _: sign("claims"),
    "too long": lambda claims: sign({**claims, "long": "x" * 70_000}),
    "not ASCII": lambda claims: f"ü{sign(claims)}",
    "with a bottomless header": lambda claims: f"{BOTTOMLESS}.{encode(claims)}.AAAA",
    "no text": lambda claims: claims,
    "nothing": lambda _: "",
    "points": lambda _: "..",
    "noise": lambda _: "a.b.c",
}


@pytest.mark.parametrize("forgery", FORGERIES)
def test_a_forged_token_is_refused(forgery, login_with, arrive, provider) -> None:
    provider.publish(RSA, EC)
    provider.pages["/jwks"]["keys"].append(named(ENCRYPTING))
    with pytest.raises(Unauthorized):
        arrive(login_with(), FORGERIES[forgery])


def test_with_a_shared_secret_nothing_public_counts_as_the_secret(login_with, arrive) -> None:
    login = login_with(algorithms=["HS256"])
    assert arrive(login, FORGERIES["by the client's secret"]).id == "alice"
    for form in ("PEM", "DER", "JWK"):
        with pytest.raises(Unauthorized, match="signature"):
            arrive(login, FORGERIES[f"by the key as a secret ({form})"])
    with pytest.raises(Unauthorized, match="expected HS256"):
        arrive(login, sign)


def test_a_short_key_is_no_key(login_with, arrive, provider) -> None:
    with pytest.warns(match="2048"):
        short = RSAKey.generate_key(1024, {"kid": "short"})
    provider.publish(RSA, short)
    with pytest.raises(Unauthorized, match="does not publish"):
        arrive(login_with(), lambda claims: sign(claims, short))


def test_a_key_need_not_have_a_name_if_it_is_the_only_one(login_with, arrive, provider) -> None:
    nameless = RSAKey.generate_key(2048)
    provider.pages["/jwks"] = {"keys": [nameless.as_dict(private=False), named(EC)]}
    assert arrive(login_with(), lambda claims: sign(claims, nameless, kid=None)).id == "alice"
    provider.pages["/jwks"] = {"keys": [nameless.as_dict(private=False), named(RSA)]}
    with pytest.raises(Unauthorized, match="does not publish"):
        arrive(login_with(), lambda claims: sign(claims, nameless, kid=None))


@pytest.mark.parametrize(
    ("key", "algorithm"),
    [
        (RSA, "PS256"),
        (RSA, "RS512"),
        (EC, "ES256"),
        (ECKey.generate_key("P-384", {"kid": "long"}), "ES384"),
        (OKPKey.generate_key("Ed25519", {"kid": "edwards"}), "EdDSA"),
        (OKPKey.generate_key("Ed25519", {"kid": "edwards"}), "Ed25519"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_every_good_algorithm_that_is_announced_is_taken(key, algorithm, login_with, arrive, provider) -> None:
    provider.publish(key)
    provider.document["id_token_signing_alg_values_supported"] = [algorithm]
    assert arrive(login_with(), lambda claims: sign(claims, key, alg=algorithm)).id == "alice"


def test_the_answer_of_another_provider_is_refused(login_with, arrive, provider) -> None:
    assert arrive(login_with(), sign, iss=provider.issuer).id == "alice"
    with pytest.raises(Unauthorized, match="another provider"):
        arrive(login_with(), sign, iss="https://elsewhere.example")


def test_user_info_about_somebody_else_is_refused(login_with, arrive, provider) -> None:
    login = login_with(user_id_claim="email")
    provider.pages["/userinfo"] = {"sub": "alice", "email": "alice@example.org", "email_verified": True}
    assert arrive(login, sign).id == "alice@example.org"
    provider.pages["/userinfo"]["sub"] = "root"
    with pytest.raises(Unauthorized, match="somebody else"):
        arrive(login, sign)


def test_what_is_signed_wins_over_user_info(login_with, arrive, provider) -> None:
    login = login_with(user_id_claim="email", required_claims={"groups": "staff"})
    provider.pages["/userinfo"] = {"sub": "alice", "email": "x@example.org", "groups": ["staff"]}
    said = {"email": "alice@example.org", "email_verified": True}
    assert arrive(login, lambda claims: sign(claims | said)).id == "alice@example.org"
