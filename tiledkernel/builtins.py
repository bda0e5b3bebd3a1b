"""The kernel's own features, registered through the same hooks as everyone's."""

from __future__ import annotations

from tiledkernel.hookspecs import hookimpl
from tiledkernel.media_types import ARRAY_BYTES, ARROW_FILE, CSV_SPELLINGS, JSON, JSON_SEQ
from tiledkernel.records import (
    Command,
    Compressor,
    Family,
    QueryType,
    Reader,
    Router,
    Serializer,
    TreeKind,
    Validator,
)

_FAMILIES = "tiledkernel.families"


@hookimpl
def register_families() -> list[Family]:
    """Container, array, table and bytes."""
    return [
        Family(
            name="container",
            structure=f"{_FAMILIES}.container.structure:ContainerStructure",
            links=f"{_FAMILIES}.container.links:links",
            routes=f"{_FAMILIES}.container.routes:ROUTES",
            default_media_type="application/x-hdf5",
            child=f"{_FAMILIES}.container.memory:child",
            adopt=f"{_FAMILIES}.container.memory:adopt",
            adopts=("builtins.dict",),
        ),
        Family(
            name="array",
            structure=f"{_FAMILIES}.array.structure:ArrayStructure",
            links=f"{_FAMILIES}.array.links:links",
            routes=f"{_FAMILIES}.array.routes:ROUTES",
            default_media_type=ARRAY_BYTES,
            media_ranges=(("image/*", "image/png"),),
            adopt=f"{_FAMILIES}.array.memory:adopt",
            adopts=("numpy.ndarray", "numpy.generic", "builtins.list", "builtins.int", "builtins.float"),
        ),
        Family(
            name="table",
            structure=f"{_FAMILIES}.table.structure:TableStructure",
            links=f"{_FAMILIES}.table.links:links",
            routes=f"{_FAMILIES}.table.routes:ROUTES",
            default_media_type=ARROW_FILE,
            child=f"{_FAMILIES}.table.columns:child",
            adopt=f"{_FAMILIES}.table.memory:adopt",
            adopts=(
                "pandas.core.frame.DataFrame",
                "pandas.DataFrame",
                "pyarrow.lib.Table",
                "pyarrow.lib.RecordBatch",
            ),
        ),
        Family(
            name="bytes",
            structure=f"{_FAMILIES}.bytes.structure:BytesStructure",
            links=f"{_FAMILIES}.bytes.links:links",
        ),
    ]


@hookimpl
def register_readers() -> list[Reader]:
    """Opaque files."""
    return [Reader(media_type=ARRAY_BYTES, suffixes=(".bin",), open=f"{_FAMILIES}.bytes.reader:open_bytes")]


@hookimpl
def register_serializers() -> list[Serializer]:
    """Formats that need numpy or pyarrow only."""
    array, table = f"{_FAMILIES}.array.encoders", f"{_FAMILIES}.table.encoders"
    suits = f"{_FAMILIES}.array.suits"
    arrow = ("pyarrow",)
    return [
        Serializer(target="array", media_type=ARRAY_BYTES, encode=f"{array}:encode_bytes", rank=10),
        Serializer(
            target="array",
            media_type=JSON,
            encode=f"{array}:encode_json",
            suits=f"{suits}:as_json",
            suffixes=("json",),
            rank=20,
        ),
        *(
            Serializer(
                target="array",
                media_type=name,
                encode=f"{array}:encode_csv",
                suits=f"{suits}:as_csv",
                rank=30 + place,
            )
            for place, name in enumerate(CSV_SPELLINGS)
        ),
        Serializer(target="table", media_type=ARROW_FILE, encode=f"{table}:encode_arrow", needs=arrow, rank=10),
        *(
            Serializer(target="table", media_type=name, encode=f"{table}:encode_csv", needs=arrow, rank=30 + place)
            for place, name in enumerate(CSV_SPELLINGS)
        ),
        Serializer(target="table", media_type=JSON, encode=f"{table}:encode_json", needs=arrow, rank=60),
        Serializer(target="table", media_type=JSON_SEQ, encode=f"{table}:encode_json_seq", needs=arrow, rank=61),
        Serializer(target="container", media_type=JSON, encode=f"{_FAMILIES}.container.encoders:encode_json", rank=20),
    ]


@hookimpl
def register_compressors() -> list[Compressor]:
    """The codings zstd and gzip."""
    own = "tiledkernel.compressors"
    return [
        Compressor(coding="zstd", compress=f"{own}:compress_zstd", stream=f"{own}:ZstdStream", rank=30),
        Compressor(coding="gzip", compress=f"{own}:compress_gzip", stream=f"{own}:GzipStream", rank=40),
    ]


@hookimpl
def register_queries() -> list[QueryType]:
    """The search terms of the protocol, in the order in which the root document lists them."""
    own, plain = "tiledkernel.queries", "tiledkernel.nodes.search"
    meaning = {"regex": "tiledkernel.nodes.patterns"}
    names = {
        "fulltext": "FullText",
        "lookup": "KeyLookup",
        "keys_filter": "KeysFilter",
        "regex": "Regex",
        "eq": "Eq",
        "noteq": "NotEq",
        "comparison": "Comparison",
        "contains": "Contains",
        "in": "In",
        "notin": "NotIn",
        "keypresent": "KeyPresent",
        "like": "Like",
        "specs": "SpecsQuery",
        "access_tags_filter": "AccessTagsFilter",
        "structure_family": "StructureFamilyQuery",
    }
    return [
        QueryType(name=name, query=f"{own}:{kind}", matches=f"{meaning.get(name, plain)}:matches_{name}")
        for name, kind in names.items()
    ]


@hookimpl
def register_validators() -> list[Validator]:
    """The composite, whose parts share one space of names."""
    own = f"{_FAMILIES}.container.composite"
    return [Validator(spec="composite", validate=f"{own}:validate", validate_child=f"{own}:validate_child")]


@hookimpl
def register_routers() -> list[Router]:
    """The API's root document, nodes of any family, and the pages beside the API."""
    routes = "tiledkernel.server.routes"
    return [
        Router(name="about", prefix="/api/v1", routes=f"{routes}.about:ROUTES"),
        Router(name="nodes", prefix="/api/v1", routes=f"{routes}.nodes:ROUTES"),
        Router(name="writing", prefix="/api/v1", routes=f"{routes}.writing:ROUTES"),
        Router(name="service", prefix="", routes=f"{routes}.service:ROUTES"),
    ]


@hookimpl
def register_trees() -> list[TreeKind]:
    """Folders of files."""
    return [
        TreeKind(
            name="directory",
            build="tiledkernel.trees:build_directory",
            options="tiledkernel.nodes.directory:DirectoryOptions",
        )
    ]


@hookimpl
def register_commands() -> list[Command]:
    """The kernel's sub-commands."""
    own = "tiledkernel.cli"
    check = f"{own}.config:check"
    admin, keys, profile = f"{own}.admin", f"{own}.api_keys", f"{own}.profile"
    return [
        Command(name="serve demo", command=f"{own}.serve.demo:demo", help="Serve example data."),
        Command(name="serve directory", command=f"{own}.serve.directory:directory", help="Serve a directory of files."),
        Command(name="serve pyobject", command=f"{own}.serve.pyobject:pyobject", help="Serve a Python object."),
        Command(name="serve config", command=f"{own}.serve.config:config", help="Serve what a configuration says."),
        Command(name="register", command=f"{own}.register:command", help="Register files in a server."),
        Command(name="plugins", command=f"{own}.plugins:plugins", help="Show the installed plugins."),
        Command(name="config check", command=check, help="Check a configuration."),
        Command(name="config schema", command=f"{own}.config:schema", help="Print the JSON Schema of configurations."),
        Command(name="admin check-config", command=check, help="The same as `config check`."),
        Command(name="login", command=f"{own}.identity:login", help="Log in to a server."),
        Command(name="whoami", command=f"{own}.identity:whoami", help="Print who a server takes you for."),
        Command(name="logout", command=f"{own}.identity:logout", help="Log out of a server."),
        Command(name="api_key create", command=f"{keys}:create", help="Make a key of your own."),
        Command(name="api_key list", command=f"{keys}:list_", help="List your keys."),
        Command(name="api_key revoke", command=f"{keys}:revoke", help="Make a key of yours worthless."),
        Command(name="admin list-principals", command=f"{admin}:list_principals", help="Print users and services."),
        Command(name="admin show-principal", command=f"{admin}:show_principal", help="Print one user or service."),
        Command(
            name="admin create-service-principal",
            command=f"{admin}:create_service_principal",
            help="Make an account for a program.",
        ),
        Command(name="admin api-key create", command=f"{admin}:create_key", help="Make a key for somebody."),
        Command(name="admin api-key list", command=f"{admin}:list_keys", help="List somebody's keys."),
        Command(name="admin api-key revoke", command=f"{admin}:revoke_key", help="Make a key of somebody's worthless."),
        Command(name="tree", command=f"{own}.tree:tree", help="Print the keys of a server's nodes."),
        Command(name="profile list", command=f"{profile}:list_", help="List the profiles."),
        Command(name="profile show", command=f"{profile}:show", help="Print a profile."),
        Command(name="profile create", command=f"{profile}:create", help="Write a profile for a server."),
        Command(name="profile edit", command=f"{profile}:edit", help="Open the file of a profile in your editor."),
        Command(name="profile delete", command=f"{profile}:delete", help="Delete a profile."),
        Command(name="profile get-default", command=f"{profile}:get_default", help="Print the default profile's name."),
        Command(name="profile set-default", command=f"{profile}:set_default", help="Choose the default profile."),
        Command(name="profile clear-default", command=f"{profile}:clear_default", help="Have no default profile."),
        Command(name="profile paths", command=f"{profile}:paths", help="Print the directories that are searched."),
        Command(name="profile schema", command=f"{profile}:schema", help="Print the JSON Schema of profiles."),
    ]
