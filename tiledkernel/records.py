"""The frozen records with which plugins answer the kernel's hooks.

Fields typed `Ref` hold `"module:object"`: the module is imported when the record is first used, so that a plugin
costs nothing until then.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Literal, TypeAlias

from msgspec import Meta, Struct

Ref: TypeAlias = Annotated[str, Meta(pattern=r"^[A-Za-z_][\w.]*:[A-Za-z_][\w.]*$")]
BODY_LIMIT = 1 << 20  # bytes of a JSON body, unless the route says otherwise
Concurrency: TypeAlias = Literal["threads", "one"]


class Route(Struct, frozen=True, kw_only=True):
    """An endpoint below `/api/v1`.

    `path` is literal but for a trailing `{path}`, the node's path, and for parts such as `{uuid}`, each of which stands
    for one segment: the request has them as `segments`, in their order. `handler` is a plain function of the
    `tiledkernel.server.request.Request`; it returns an answer or raises one of `tiledkernel.errors`. `scopes`
    must be given, if only as an empty set: a route that does not say what it needs does not start.
    `parameters` is the Struct of its query, with `filters` it takes search filters besides; `families` are those
    of the nodes that it answers for (empty: all). A `describes` route also answers for a file that cannot be
    opened, as a listing does. One that `walks` looks at many nodes, and so is never answered on the event loop; one
    that is `light` only tells what a tree knows of one node; one without a `{path}` that `blocks` runs in a thread. One
    that is `open` never looks at credentials, so that wrong ones are in nobody's way: everyone is the public to it. A
    `free_query` may have any names: the handler reads `values`, and nothing remembers them.

    `body` is the type of a JSON body of at most `body_limit` bytes. A route that takes data has `upload` instead: a
    function of the request that tells, from the node, how many bytes the data may have; they arrive as `upload`. With
    `form` a body may also be what a browser makes of a form.
    """

    path: str
    handler: Callable[..., Any]
    scopes: frozenset[str]
    methods: tuple[str, ...] = ("GET",)
    parameters: type[Struct] | None = None
    body: Any = None
    body_limit: int = BODY_LIMIT
    form: bool = False
    upload: Callable[..., int] | None = None
    filters: bool = False
    describes: bool = False
    walks: bool = False
    light: bool = False
    blocks: bool = False
    open: bool = False
    free_query: bool = False
    families: frozenset[str] = frozenset()


class Family(Struct, frozen=True, kw_only=True):
    """A kind of data: how it is described, linked, read and made from live objects.

    - `structure`: the Struct that describes it on the wire.
    - `links`: function(path, structure) -> {name: path template below /api/v1}.
    - `routes`: tuple of Route.
    - `default_media_type`: what leaves when nobody asks for a format; `media_ranges` answer e.g. 'image/*'.
    - `child`: function(node, key) -> node, for families whose nodes can be walked through; KeyError if absent.
    - `adopt`: function(live object, metadata, specs, generation) -> node, for objects whose type is named in `adopts`.
    """

    name: str
    structure: Ref
    links: Ref
    routes: Ref | None = None
    default_media_type: str = "application/octet-stream"
    media_ranges: tuple[tuple[str, str], ...] = ()
    child: Ref | None = None
    adopt: Ref | None = None
    adopts: tuple[str, ...] = ()


class Reader(Struct, frozen=True, kw_only=True):
    """A file format.

    - `open`: function(path: Path) -> node, or anything that a family adopts (an array, a table, a dict of such).
    - `open_many`: function(paths: tuple[Path, ...]) -> one node made of several files.
    - `numbered`: group files named <name><digits><suffix> into one node with `open_many`.
    - `suffixes`: with their dots, lower case; `signatures`: how files of the format begin, if that tells.
    - `directory`: the format is a directory, such as a Zarr store, not a file.
    - `markers`: names of files of which each directory of the format holds one at least, whatever it is called. A
      change of one of them means a new node; what changes besides is told by nodes that are `Stamped`.
    - `concurrency`: 'threads' if calls may run side by side, 'one' if the library wants one call at a time.
    - `parameters`: the Struct of the options that whoever registers a file may give. With some, `open` and `open_many`
      get it as second argument: open(path, options). A reader without it takes none.
    """

    media_type: str
    open: Ref
    suffixes: tuple[str, ...] = ()
    signatures: tuple[bytes, ...] = ()
    open_many: Ref | None = None
    numbered: bool = False
    directory: bool = False
    markers: tuple[str, ...] = ()
    concurrency: Concurrency = "threads"
    parameters: Ref | None = None


class Storage(Struct, frozen=True, kw_only=True):
    """A form in which uploaded data of a family are kept.

    - `media_type`: how they rest; a writer may name it. Without a name the storage of the lowest `rank` is taken.
    - `schemes`: kinds of `tiledkernel.nodes.storing.Location` in which they can rest: 'file', 's3', 'duckdb' ...
    - `create`: function(source: DataSource, location: Location, name: str) -> DataSource: makes room for data of the
      source's structure, on disk when it returns; says with media type, parameters and assets where that is. `name`
      is unique, made by the server.
    - `open`: function(source: DataSource, location: Location, keeper: Keeper) -> node, to be read and written.
    - `delete`: function(source: DataSource, location: Location) -> None: removes the data; it is no error if they are
      gone.
    - `close`: function(location: Location) -> None: lets go of what is open there; a later call opens it again.
    - `needs`: modules without which the storage is not there.
    """

    family: str
    media_type: str
    schemes: tuple[str, ...]
    create: Ref
    open: Ref
    delete: Ref
    close: Ref | None = None
    needs: tuple[str, ...] = ()
    rank: int = 100


class Validator(Struct, frozen=True, kw_only=True):
    """What a spec promises; `validate`: see `tiledkernel.nodes.validation`.

    It is asked whenever a node gets the spec or is changed while it has it, and may correct the metadata.
    `validate_child`: function(spec, parent, draft), asked before a container with the spec gets a child.
    """

    spec: str
    validate: Ref
    validate_child: Ref | None = None


class Serializer(Struct, frozen=True, kw_only=True):
    """A format in which data can leave.

    - `target`: a family or the name of a spec; specs are asked first.
    - `encode`: function(payload, context) -> bytes-like, str, or an iterator of bytes-like for a streamed body.
      The payload is what the family offers (see its `payload.py`), the context an `Encoding`.
    - `suffixes`: file extensions, without dots, that name the format in `?format=`.
    - `convert`: function(payload) -> payload of the kind that `encode` takes, if it is made for another family.
    - `needs`: modules without which the format is not offered.
    - `suits`: function(structure) -> whether all data of this structure can leave in this format; clients list no
      other formats. It is asked for every description, so it is cheap, and its module light. Without it, all can.
    - `rank`: order in listings, lower first.
    """

    target: str
    media_type: str
    encode: Ref
    suits: Ref | None = None
    convert: Ref | None = None
    suffixes: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    rank: int = 100


class Conversion(Struct, frozen=True, kw_only=True):
    """Data of one kind that can be seen as data of another, and so leave in all of its formats.

    `source` and `target` are families or names of specs; `convert`: function(payload of source) -> payload of target.
    A format that is registered for `source` itself is not converted.
    """

    source: str
    target: str
    convert: Ref


class Adopter(Struct, frozen=True, kw_only=True):
    """Live objects that become nodes of a family that there is already, as a dataset becomes a container.

    `adopts` names their types, `adopt` is function(live object, metadata, specs, generation) -> node.
    """

    name: str
    adopts: tuple[str, ...]
    adopt: Ref


class Compressor(Struct, frozen=True, kw_only=True):
    """A content coding.

    `compress`: function(data, itemsize) -> bytes. `stream`: function(itemsize) -> object with `add(data) -> bytes`
    and `finish() -> bytes`. `media_types` limits what it is used for (empty: everything compressible); of several
    that a client accepts equally the one with the lowest `rank` is taken.
    """

    coding: str
    compress: Ref
    stream: Ref
    media_types: frozenset[str] = frozenset()
    needs: tuple[str, ...] = ()
    rank: int = 100


class QueryType(Struct, frozen=True, kw_only=True):
    """A search term: the Struct that its parameters decode to, and its reference meaning.

    `matches`: function(query, key, node) -> bool; every backend must give the same answers.
    """

    name: str
    query: Ref
    matches: Ref


class TreeKind(Struct, frozen=True, kw_only=True):
    """A kind of tree that the configuration mounts by name; `build`: function(options, composition) -> node."""

    name: str
    build: Ref
    options: Ref | None = None


class Authenticator(Struct, frozen=True, kw_only=True):
    """A way to log in; `build`: function(options) -> one of the kinds in `tiledkernel.access.logins`.

    `also`: other names by which a configuration may know it.
    """

    name: str
    build: Ref
    options: Ref | None = None
    also: tuple[str, ...] = ()


class AccountKeeper(Struct, frozen=True, kw_only=True):
    """Who keeps the accounts of those who log in.

    `build`: function(`tiledkernel.access.settings.AccountSettings`) -> `tiledkernel.access.protocols.Accounts`.
    """

    name: str
    build: Ref


class PolicyKind(Struct, frozen=True, kw_only=True):
    """A kind of access policy; `build`: function(options) -> `tiledkernel.access.policies.AccessPolicy`.

    `also`: other names by which a configuration may know it.
    """

    name: str
    build: Ref
    options: Ref | None = None
    also: tuple[str, ...] = ()


class Router(Struct, frozen=True, kw_only=True):
    """Endpoints outside the families: `routes` names a tuple of Route, mounted below `prefix`."""

    name: str
    prefix: str
    routes: Ref


class Command(Struct, frozen=True, kw_only=True):
    """A sub-command of `tiledkernel`; `command` names a click command, `help` is its one line in the overview."""

    name: str
    command: Ref
    help: str = ""
