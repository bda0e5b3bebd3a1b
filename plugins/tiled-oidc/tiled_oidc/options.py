"""What a configuration may say of a provider."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from msgspec import Meta, Struct, field

from tiled_oidc.signatures import ASYMMETRIC, SECRET_BYTES
from tiled_oidc.transport import is_safe
from tiledkernel.access.scopes import ALL_SCOPES
from tiledkernel.errors import ConfigurationError

WELL_KNOWN = "/.well-known/openid-configuration"

ClientAuth: TypeAlias = Literal["client_secret_basic", "client_secret_post"]
Name = Annotated[str, Meta(min_length=1, pattern=r"^\S+$")]

RoleClaims = Annotated[
    list[Name], Meta(description="claims that list roles; a dot leads into an object, as in 'realm_access.roles'")
]
ScopesMap = Annotated[
    dict[str, list[str]] | None,
    Meta(description="scope or role of the provider -> scopes of this server; none: those of the same name"),
]
Unused = Annotated[str | None, Meta(description="accepted for compatibility: nobody logs in here with a browser")]


class ProviderOptions(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What every kind of login needs to know of a provider."""

    client_id: Annotated[str, Meta(min_length=1, description="what the provider calls this server")]
    client_secret: Annotated[str, Meta(description="the secret that goes with it; none: a public client")] = ""
    client_auth: Annotated[
        ClientAuth | None,
        Meta(description="how the secret is sent; none: as the provider says, in a header if it has the choice"),
    ] = None
    audience: Annotated[str | None, Meta(description="whom tokens must be meant for; none: the client id")] = None
    well_known_uri: Annotated[
        str, Meta(description="the address of the provider's description: .../.well-known/openid-configuration")
    ] = ""
    issuer: Annotated[
        str | None, Meta(description="what the provider calls itself, if well_known_uri does not begin with it")
    ] = None
    confirmation_message: Annotated[str | None, Meta(description="shown to a user who has logged in as {id}")] = None
    user_id_claim: Annotated[Name, Meta(description="the claim that says who somebody is")] = "sub"
    domains: Annotated[
        list[Name], Meta(description="mail domains of the site: 'alice@' one of these is known as 'alice'")
    ] = []
    required_claims: Annotated[
        dict[str, str | list[str]],
        Meta(description="claim -> the value, or one of the values, without which nobody gets in"),
    ] = {}
    algorithms: Annotated[
        list[str], Meta(description="how tokens may be signed; none: as the provider says, with a public key")
    ] = []
    keep_tokens: Annotated[bool, Meta(description="keep the provider's tokens in the session, for trees")] = False
    allow_http: Annotated[bool, Meta(description="talk to the provider without TLS, outside this machine")] = False

    def __repr__(self) -> str:
        return f"{type(self).__name__}(client_id={self.client_id!r}, well_known_uri={self.well_known_uri!r})"

    @property
    def expected_audience(self) -> str:
        """Whom tokens must be meant for."""
        return self.audience or self.client_id

    @property
    def expected_issuer(self) -> str:
        """What the provider must call itself, without a slash at the end."""
        address = self.well_known_uri.partition("?")[0]
        return (self.issuer or address.removesuffix(WELL_KNOWN)).removesuffix("/")

    def check(self) -> None:
        """ConfigurationError for what cannot be meant."""
        if not self.well_known_uri:
            raise ConfigurationError("'well_known_uri' is missing: the provider's .../.well-known/openid-configuration")
        if not is_safe(self.well_known_uri, allow_http=self.allow_http):
            raise ConfigurationError(
                f"'well_known_uri' is {self.well_known_uri!r}: expected https://..., so that nobody can answer instead "
                "of the provider; 'allow_http: true' takes it nevertheless"
            )
        if self.issuer is None and not self.well_known_uri.partition("?")[0].endswith(WELL_KNOWN):
            raise ConfigurationError(
                f"'well_known_uri' is {self.well_known_uri!r}, which does not end with {WELL_KNOWN}: say in 'issuer' "
                "what the provider calls itself"
            )
        for algorithm in self.algorithms:
            self._check_algorithm(algorithm)

    def _check_algorithm(self, algorithm: str) -> None:
        if algorithm in SECRET_BYTES:
            if len(self.client_secret.encode()) < SECRET_BYTES[algorithm]:
                raise ConfigurationError(
                    f"'algorithms' names {algorithm}, which needs a 'client_secret' of at least "
                    f"{SECRET_BYTES[algorithm]} bytes"
                )
        elif algorithm not in ASYMMETRIC:
            known = ", ".join([*ASYMMETRIC, *SECRET_BYTES])
            raise ConfigurationError(f"'algorithms' names {algorithm!r}; known are {known}")


class LoginOptions(ProviderOptions, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A login in the browser."""

    redirect_on_success: Annotated[
        str | None, Meta(description="page of a web application that takes the tokens of a browser that has logged in")
    ] = None
    redirect_on_failure: Annotated[str | None, Meta(description="page for a browser that could not log in")] = None
    extra_scopes: Annotated[list[Name], Meta(description="what the provider is asked for besides 'openid'")] = []
    prompt: Annotated[
        str | None, Meta(description="what the provider asks the user, even one that it knows; null: as it likes")
    ] = "login"

    def check(self) -> None:
        """ConfigurationError for what cannot be meant."""
        super().check()
        for name in ("redirect_on_success", "redirect_on_failure"):
            page = getattr(self, name)
            if page is not None and not is_safe(page, allow_http=True):
                raise ConfigurationError(f"{name!r} is {page!r}: expected the address of a page, https://...")


class ProxiedOptions(ProviderOptions, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A provider whose tokens are presented to this server as they are."""

    device_flow_client_id: Annotated[
        str, Meta(min_length=1, description="what the provider calls the clients that log in from a terminal")
    ]
    scopes: Annotated[list[Name], Meta(description="what these clients ask the provider for")] = []
    scopes_map: ScopesMap = None
    role_claims: RoleClaims = field(default_factory=lambda: ["roles", "realm_access.roles"])
    redirect_on_success: Unused = None
    redirect_on_failure: Unused = None

    def check(self) -> None:
        """ConfigurationError for what cannot be meant."""
        super().check()
        if set(self.algorithms) & SECRET_BYTES.keys():
            raise ConfigurationError("'algorithms': tokens that anybody may present must be signed with a private key")
        for theirs, ours in (self.scopes_map or {}).items():
            unknown = sorted(set(ours) - ALL_SCOPES)
            if unknown:
                raise ConfigurationError(
                    f"'scopes_map' gives {theirs!r} the scopes {unknown}, which there are not; there are: "
                    f"{', '.join(sorted(ALL_SCOPES))}"
                )
