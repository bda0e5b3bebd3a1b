"""What a configuration says about a service that decides about access."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

Url = Annotated[
    str,
    Meta(
        pattern=r"^https?://[^\s/@?#]+(/[^\s?#]*)?$",
        description="where the service is, such as 'http://127.0.0.1:8181/v1/data'; a password belongs into 'token'",
    ),
]
Endpoint = Annotated[
    str, Meta(min_length=1, description="a path below 'authorization_provider', such as 'tiled/scopes'")
]
Seconds = Annotated[float, Meta(gt=0, le=60)]


class ServiceOptions(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where questions are asked, and how long answers hold; names are those of Tiled where the thing is the same."""

    authorization_provider: Url
    scopes_endpoint: Annotated[Endpoint, Meta(description="which scopes a caller has on a node with certain tags")]
    allowed_tags_endpoint: Annotated[Endpoint, Meta(description="which tags give a caller a certain scope")]
    create_node_endpoint: Annotated[Endpoint, Meta(description="whether a caller may make a node with certain tags")]
    modify_node_endpoint: Annotated[
        Endpoint | None, Meta(description="whether a caller may change tags; none: as if the node were new")
    ] = None
    provider: Annotated[
        str | None, Meta(description="the way to log in whose ids the service knows; none: whichever it was")
    ] = None
    empty_access_tags_public: Annotated[
        bool | None,
        Meta(description="nodes without tags: everybody may read them, or administrators only; none: ask the service"),
    ] = None
    token: Annotated[str | None, Meta(description="a secret that the service asks for, as bearer token")] = None
    timeout: Annotated[Seconds, Meta(description="seconds to wait for an answer; then access is denied")] = 2.0
    cache_seconds: Annotated[
        float, Meta(ge=0, le=60, description="seconds for which an answer holds; 0: each question is asked anew")
    ] = 2.0
