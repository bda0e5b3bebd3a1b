"""Every key of the configuration, its type, its default and one sentence on it.

The sentences are the descriptions of the JSON Schema (`tiledkernel config schema`), and the advice in error messages.
Keys and meanings are those of Tiled where the thing is the same; `plugins`, `trusted_hosts` and `root_url` are ours.
"""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import UNSET, Meta, Struct, UnsetType, field

from tiledkernel.settings import RESPONSE_BYTESIZE_LIMIT

# `$` would let a final newline pass in Python, `\\Z` means nothing in JSON Schema; this is the end in both.
END = r"(?![\s\S])"
ApiKey = Annotated[
    str,
    Meta(
        pattern=rf"^[A-Za-z0-9]+{END}",
        description="letters and digits, at least one; `openssl rand -hex 32` prints a good one",
    ),
]
Extension = Annotated[str, Meta(min_length=1, description="a file extension without its dot")]
Url = Annotated[
    str,
    Meta(
        pattern=r"^https?://[^\s/]+",
        description="the address with which all links begin, such as 'https://data.example.org/x'",
    ),
]
Secret = Annotated[str, Meta(min_length=1, description="`openssl rand -hex 32` prints a good one")]
Seconds = Annotated[float, Meta(gt=0)]
Limit = Annotated[int, Meta(ge=1)]
Count = Annotated[int, Meta(ge=0)]


class Section(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A part of the configuration; a key that it does not have is an error."""


class Tree(Section, frozen=True):
    """What is served at one path."""

    tree: Annotated[str, Meta(min_length=1, description="a kind of tree that a plugin registers, or 'module:object'")]
    path: Annotated[str, Meta(pattern="^/", description="a path to mount it at: '/', '/raw', '/a/b'")]
    args: Annotated[dict[str, Any] | None, Meta(description="options of the kind, or arguments of the callable")] = None


class Provider(Section, frozen=True):
    """A way to log in."""

    provider: Annotated[
        str, Meta(pattern=rf"^[A-Za-z0-9_-]+{END}", description="a unique name: letters, digits, '_', '-'")
    ]
    authenticator: Annotated[
        str, Meta(min_length=1, description="a kind of login that a plugin registers, or 'module:class'")
    ]
    args: Annotated[dict[str, Any], Meta(description="its options")] = field(default_factory=dict)


class Admin(Section, frozen=True):
    """Somebody who gets the role of an administrator when the server starts."""

    provider: Annotated[str, Meta(min_length=1, description="the name of the provider")]
    id: Annotated[str, Meta(min_length=1, description="who that is there")]


class Authentication(Section, frozen=True):
    """Who may do what."""

    allow_anonymous_access: Annotated[bool, Meta(description="reading needs no key")] = False
    single_user_api_key: ApiKey | None = None
    providers: Annotated[list[Provider], Meta(description="ways to log in; none: one user with one key")] = field(
        default_factory=list
    )
    tiled_admins: Annotated[list[Admin], Meta(description="who is an administrator")] = field(default_factory=list)
    secret_keys: Annotated[
        list[Secret], Meta(description="they sign tokens: the first signs, all verify; none: a random one")
    ] = field(default_factory=list)
    access_token_max_age: Annotated[Seconds, Meta(description="seconds until a token has to be refreshed")] = 900.0
    refresh_token_max_age: Annotated[Seconds, Meta(description="seconds without activity that end a session")] = (
        7 * 86400.0
    )
    session_max_age: Annotated[Seconds, Meta(description="seconds that end a session whatever happens")] = 365 * 86400.0


class Database(Section, frozen=True):
    """Where accounts, sessions and keys rest."""

    uri: Annotated[
        str | None, Meta(description="sqlite:////path.db or postgresql://...; none: the memory of one process")
    ] = None
    init_if_not_exists: Annotated[bool, Meta(description="make what is not there when the server starts")] = False
    pool_size: Annotated[int, Meta(ge=2, description="connections that are kept open")] = 5
    max_overflow: Annotated[Count, Meta(description="connections that may be opened besides, for a while")] = 10
    pool_pre_ping: Annotated[bool, Meta(description="ask whether a connection is alive before it is used")] = True


class AccessControl(Section, frozen=True):
    """The rules that say who may see and do what."""

    access_policy: Annotated[
        str, Meta(min_length=1, description="a kind of policy that a plugin registers, or 'module:object'")
    ]
    args: Annotated[dict[str, Any], Meta(description="its options")] = field(default_factory=dict)


class DeclaredSpec(Section, frozen=True):
    """A spec that nodes may get, and who holds them to it."""

    spec: Annotated[str, Meta(min_length=1, max_length=255, description="its name")]
    validator: Annotated[
        str | None, Meta(description="'module:function', as plugins have it; none: anything may have the spec")
    ] = None


class PluginChoices(Section, frozen=True):
    """Which plugins are used."""

    disable: Annotated[list[str], Meta(description="names of plugins that are not loaded")] = field(
        default_factory=list
    )
    require: Annotated[list[str], Meta(description="names of plugins without which nothing starts")] = field(
        default_factory=list
    )
    prefer: Annotated[dict[str, str], Meta(description="name that several plugins claim -> the plugin that wins")] = (
        field(default_factory=dict)
    )


class Uvicorn(Section, frozen=True):
    """How the server listens; names and meanings are those of uvicorn."""

    host: Annotated[str, Meta(min_length=1, description="address to listen on")] = "127.0.0.1"
    port: Annotated[int, Meta(ge=0, le=65535, description="port to listen on; 0: any that is free")] = 8000
    workers: Annotated[int, Meta(ge=1, description="number of processes")] = 1
    root_path: Annotated[str, Meta(description="prefix under which a proxy shows the server")] = ""
    proxy_headers: Annotated[bool, Meta(description="believe X-Forwarded-* headers of trusted proxies")] = True
    forwarded_allow_ips: Annotated[str | list[str] | None, Meta(description="addresses of trusted proxies")] = None
    ssl_keyfile: str | None = None
    ssl_certfile: str | None = None
    ssl_keyfile_password: str | None = None
    ssl_version: int | None = None
    ssl_cert_reqs: int | None = None
    ssl_ca_certs: str | None = None
    ssl_ciphers: str | None = None
    log_config: Annotated[str | None, Meta(description="logging configuration: a .json, .yml or .ini file")] = None
    access_log: Annotated[bool, Meta(description="write a line for each request")] = False


class Configuration(Section, frozen=True):
    """The whole configuration of a server."""

    trees: Annotated[list[Tree], Meta(description="what is served, and where")] = field(default_factory=list)
    catalog: Annotated[
        dict[str, Any] | None, Meta(description="one catalog at '/': short for a single tree of the kind 'catalog'")
    ] = None
    create_mount_nodes_if_not_exist: Annotated[
        bool, Meta(description="catalogs make the container that their 'mount_node' names, if it is not there")
    ] = False
    catalog_pool_size: Annotated[Limit, Meta(description="connections that a catalog keeps open to its database")] = 5
    catalog_max_overflow: Annotated[Count, Meta(description="connections that it may open besides, for a while")] = 10
    storage_pool_size: Annotated[
        Limit, Meta(description="connections that a catalog keeps open to each database of tables")
    ] = 5
    storage_max_overflow: Annotated[Count, Meta(description="connections that it may open besides, for a while")] = 10
    authentication: Authentication = field(default_factory=Authentication)
    database: Database = field(default_factory=Database)
    access_control: Annotated[
        AccessControl | None, Meta(description="who may see and do what; none: the scopes of the credential decide")
    ] = None
    plugins: PluginChoices = field(default_factory=PluginChoices)
    allow_origins: Annotated[
        list[str], Meta(description="origins of web pages that may call the server (CORS); '*': all")
    ] = field(default_factory=list)
    response_bytesize_limit: Annotated[Limit, Meta(description="larger answers, in bytes, are refused")] = (
        RESPONSE_BYTESIZE_LIMIT
    )
    exact_count_limit: Annotated[
        Limit, Meta(description="accepted for compatibility; counts are always exact here")
    ] = 100
    expose_raw_assets: Annotated[bool, Meta(description="whether files behind nodes may be downloaded as they are")] = (
        True
    )
    specs: Annotated[list[DeclaredSpec], Meta(description="specs that nodes may get, besides those of plugins")] = (
        field(default_factory=list)
    )
    reject_undeclared_specs: Annotated[bool, Meta(description="nodes may get no other specs")] = False
    file_extensions: Annotated[
        dict[Extension, str], Meta(description="extension -> media type, more names for `?format=`")
    ] = field(default_factory=dict)
    trusted_hosts: Annotated[list[str], Meta(description="host names the server answers to; none: any")] = field(
        default_factory=list
    )
    root_url: Url | None = None
    uvicorn: Uvicorn = field(default_factory=Uvicorn)
    object_cache: Annotated[Any | UnsetType, Meta(description="obsolete; ignored with a warning")] = UNSET
