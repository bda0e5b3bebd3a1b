"""What a server may be told, apart from what it serves."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from msgspec import Struct, field

RESPONSE_BYTESIZE_LIMIT = 300_000_000


class Settings(Struct, frozen=True, kw_only=True):
    """Settings of one server; several servers in one process share nothing.

    - `allow_anonymous_access`: reading needs no key.
    - `single_user_api_key`: letters and digits; None: a random one is made.
    - `allow_origins`: origins of web pages that may call the server (CORS); '*' allows all.
    - `response_bytesize_limit`: larger answers, counted in bytes before compression, are refused.
    - `exact_count_limit`: accepted for compatibility; counts are always exact here.
    - `expose_raw_assets`: whether files behind nodes may be downloaded as they are.
    - `root_path`: prefix under which a proxy shows the server; `root_url` fixes the whole beginning of all links.
    - `trusted_hosts`: names under which the server answers; empty: any.
    - `file_extensions`: suffix -> media type, more names for `?format=`.
    - `specs`: specs that nodes may get, each with its validator (see `tiledkernel.nodes.validation`) or None.
    - `reject_undeclared_specs`: whether nodes may get no others, but for those of plugins.
    """

    allow_anonymous_access: bool = False
    single_user_api_key: str | None = None
    allow_origins: tuple[str, ...] = ()
    response_bytesize_limit: int = RESPONSE_BYTESIZE_LIMIT
    exact_count_limit: int = 100
    expose_raw_assets: bool = True
    root_path: str = ""
    root_url: str | None = None
    trusted_hosts: tuple[str, ...] = ()
    file_extensions: dict[str, str] = field(default_factory=dict)
    specs: Mapping[str, Callable[..., Any] | None] = field(default_factory=dict)
    reject_undeclared_specs: bool = False
