"""Routes, compiled: from a request to its handler, in the right thread, and back.

A request whose node is in memory and small is answered on the event loop. Everything else runs in one go in a
thread: walking into the file, reading, encoding and compressing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import nullcontext, suppress
from time import perf_counter
from typing import Any
from urllib.parse import parse_qsl

import msgspec

from tiledkernel.access.scopes import READ_DATA
from tiledkernel.access.sight import Seeing
from tiledkernel.errors import BadRequest, ConfigurationError, NotAllowed, NotFound, Unprocessable, UnsupportedMediaType
from tiledkernel.nodes.seen import reseen
from tiledkernel.records import Route
from tiledkernel.server.answers import Payload
from tiledkernel.server.blame import Blaming
from tiledkernel.server.credentials import NOBODY, key_cookie, present_credentials
from tiledkernel.server.exchange import Exchange
from tiledkernel.server.query import QueryDecoder, parse_query
from tiledkernel.server.request import Request
from tiledkernel.server.resolve import Entry, Located
from tiledkernel.server.responses import Response
from tiledkernel.server.service import Service
from tiledkernel.server.uploads import check_plain, receive_upload

REMEMBERED = 4096  # paths, and queries of each route
SHORT = 200  # bytes of a query that is remembered
MAX_REMEMBERED = 500  # characters
MAX_PATH = 16_000  # characters
MAX_DEPTH = 200  # segments of a path
ON_LOOP = 256 << 10  # bytes of payload that are made on the event loop
FILTERS = ("filter[",)
COSTLY = (*FILTERS, "select_metadata", "sort")  # parameters whose cost the caller decides: never on the event loop
_CONDITIONAL = ("GET", "HEAD")
_BODY_TYPES = (b"json", b"msgpack")  # how media types of bodies end
_NODE = "{path}"
_ANY = ""  # stands for any one segment, since none is empty
FORM = b"application/x-www-form-urlencoded"
MAX_FIELDS = 100  # of a form


class RouteTable:
    """The routes below one prefix, found by the literal beginning of the path."""

    def __init__(self, service: Service, routes: Iterable[Route]) -> None:
        self.routes = tuple(routes)
        self._endpoints: dict[tuple[str, ...], dict[str, Endpoint]] = {}
        for (literal, method), sharing in _by_path(self.routes).items():
            self._endpoints.setdefault(literal, {})[method] = Endpoint(service, method, sharing)
        self._longest = max(map(len, self._endpoints), default=0)
        self._patterns = tuple(literal for literal in self._endpoints if _ANY in literal)
        self._found: dict[tuple[str, str], tuple[Endpoint, tuple[str, ...]]] = {}

    def find(self, method: str, path: str) -> tuple[Endpoint, tuple[str, ...]]:
        """The endpoint and the segments of the node's path; NotFound, or NotAllowed with what is."""
        found = self._found.get((method, path))
        if found is None:
            found = self._find(method, path)
            if len(path) <= MAX_REMEMBERED:
                if len(self._found) >= REMEMBERED:
                    self._found.clear()
                self._found[method, path] = found
        return found

    def _find(self, method: str, path: str) -> tuple[Endpoint, tuple[str, ...]]:
        if len(path) > MAX_PATH:
            raise NotFound(f"no such entry: a path has at most {MAX_PATH} characters, this one has {len(path)}")
        segments = tuple([part for part in path.split("/") if part])
        if segments not in self._endpoints:
            for pattern in self._patterns:
                if (values := _values(pattern, segments)) is not None:
                    _check_segments(values)
                    return _answering(self._endpoints[pattern], method), values
        for length in range(min(self._longest, len(segments)), -1, -1):
            methods = self._endpoints.get(segments[:length], {})
            if len(segments) > length:
                methods = {name: endpoint for name, endpoint in methods.items() if endpoint.takes_path}
            if not methods:
                continue
            endpoint = _answering(methods, method)
            _check_segments(segments[length:])
            return endpoint, segments[length:]
        raise NotFound("Not Found")


def _answering(methods: Mapping[str, Endpoint], method: str) -> Endpoint:
    endpoint = methods.get("GET" if method == "HEAD" else method)
    if endpoint is None:
        raise NotAllowed("Method Not Allowed", _allowed(methods))
    return endpoint


def _values(pattern: tuple[str, ...], segments: tuple[str, ...]) -> tuple[str, ...] | None:
    """What stands in the places of a pattern where any segment may; None if the path is another one."""
    if len(pattern) != len(segments):
        return None
    pairs = list(zip(pattern, segments, strict=True))
    if any(part not in (_ANY, segment) for part, segment in pairs):
        return None
    return tuple(segment for part, segment in pairs if part == _ANY)


def _by_path(routes: Iterable[Route]) -> dict[tuple[tuple[str, ...], str], list[Route]]:
    """The routes of each path and method: more than one if families share it."""
    found: dict[tuple[tuple[str, ...], str], list[Route]] = {}
    for route in routes:
        parts = (part for part in route.path.removesuffix(_NODE).split("/") if part)
        literal = tuple(_ANY if part.startswith("{") else part for part in parts)
        for method in route.methods:
            found.setdefault((literal, method), []).append(route)
    return found


def _allowed(methods: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted({*methods, *(("HEAD",) if "GET" in methods else ())}))


class Branch:
    """One route, ready to decode and to handle a request."""

    __slots__ = ("_decoded", "_decoder", "route")

    def __init__(self, route: Route) -> None:
        if not isinstance(route.scopes, frozenset):
            raise ConfigurationError(f"route {route.path!r} does not declare the scopes that it needs as a frozenset")
        self.route = route
        self._decoder = QueryDecoder(route.parameters, FILTERS if route.filters else ())
        self._decoded: dict[bytes, Any] = {}

    def decode(self, query_string: bytes, values: Mapping[str, list[str]]) -> Any:
        """The parameters of a query; those of recent queries are remembered, as they are frozen."""
        query = self._decoded.get(query_string)
        if self.route.free_query:
            return None
        if query is None:
            query = self._decoder.decode(values)
            if query_string and len(query_string) <= SHORT and "api_key" not in values:
                if len(self._decoded) >= REMEMBERED:
                    self._decoded.clear()
                self._decoded[query_string] = query
        return query


class Endpoint:
    """What answers one method at one path: one route, or several for different families of nodes.

    What has to be known before the node is (scopes, body, whether it describes) is the same for all of them.
    """

    def __init__(self, service: Service, method: str, routes: Sequence[Route]) -> None:
        self.route = routes[0]
        self.takes_path = self.route.path.endswith(_NODE)
        self._service = service
        self._by_family: dict[str, Branch] = {}
        for route in routes:
            branch = Branch(route)
            if len(routes) > 1:
                _check_sharing(method, route, self.route, self._by_family)
            self._by_family |= dict.fromkeys(route.families, branch)
        self._any = branch if not self._by_family else None  # that of a route for all families is alone
        self._only = branch if len(routes) == 1 else None

    async def answer(self, request: Request, receive: Any) -> tuple[Response, Entry | None]:
        """The response, and the entry whose guard its chunks need."""
        service, exchange = self._service, request.exchange
        query_string: bytes = request.scope["query_string"]
        values = request.values = parse_query(query_string)
        credentials = NOBODY if self.route.open else present_credentials(exchange, values, request.method)
        viewer = service.accounts.recognise(credentials)
        if viewer is None:
            viewer = await service.threads.run(service.accounts.identify, credentials)
        request.viewer = exchange.viewer = viewer
        if credentials.api_key is not None and "api_key" in values:
            secure = request.scope["scheme"] == "https"
            exchange.set_cookies.append(key_cookie(credentials.api_key, secure=secure))
        request.viewer.require(self.route.scopes)
        if self._only is not None:
            request.query = self._only.decode(query_string, values)
        if request.method not in _CONDITIONAL:
            exchange.headers.pop(b"if-none-match", None)  # it asks for news, and nothing else is answered with 304
        if self.route.body is not None:
            request.body = await _read_body(receive, exchange, self.route)
        if not self.takes_path and self.route.blocks:
            return await service.threads.run(self._answer_alone, request, query_string), None
        if not self.takes_path:
            return service.responder.respond(self.route.handler(request), exchange, query_string), None
        located = await self._locate(request)
        if self.route.upload is not None:
            return await self._take(request, located, receive)
        route = self.route
        here = (located.immediate and not route.walks) or (located.swift and route.light)
        if here and not _is_costly(values) and (request.sight is None or request.sight.swift):
            return await self._answer_here(request, located, query_string)
        return await service.threads.run(self._answer, request, located, query_string)

    async def _locate(self, request: Request) -> Located:
        """How far the path leads through memory, as the viewer sees it."""
        service = self._service
        if service.sights is None:
            return service.resolver.locate(request.segments)
        sight = request.sight = service.sights.of(request.viewer)
        if sight.swift:
            return service.resolver.locate(request.segments, sight)
        return await service.threads.run(service.resolver.locate, request.segments, sight)

    def _answer_alone(self, request: Request, query_string: bytes) -> Response:
        """Answer, in a thread, what is not about a node."""
        return self._service.responder.respond(self.route.handler(request), request.exchange, query_string)

    async def _take(self, request: Request, located: Located, receive: Any) -> tuple[Response, Entry]:
        """Answer a request that brings data: they are received once it is clear that the node takes as many."""
        threads = self._service.threads
        limit = await threads.run(self._admit, request, located)
        request.upload = await receive_upload(receive, request.exchange, limit, threads)
        try:
            return await threads.run(self._answer_entry, request, request.scope["query_string"])
        finally:
            request.upload.close()

    def _admit(self, request: Request, located: Located) -> int:
        request.entry = self._service.resolver.resolve(located, describing=self.route.describes)
        entry = self._permit(request)
        with entry.guard, Blaming(entry):
            upload = self._choose(request).upload
            assert upload is not None, "the routes of one path agree"
            return upload(request)

    async def _answer_here(self, request: Request, located: Located, query_string: bytes) -> tuple[Response, Entry]:
        """Answer on the event loop, unless it turns out to be more than handing out bytes."""
        exchange, respond = request.exchange, self._service.responder.respond
        request.entry = located.entry
        entry = self._permit(request)
        handler = self._choose(request).handler
        started = perf_counter()
        with Blaming(entry):
            answer = handler(request)
            if type(answer) is Payload and (answer.length is None or answer.nbytes > ON_LOOP):
                response = await self._service.threads.run(respond, answer, exchange, query_string, entry.key)
            else:
                response = respond(answer, exchange, query_string, entry.key)
        exchange.note("read", started)
        return response, entry

    def _answer(self, request: Request, located: Located, query_string: bytes) -> tuple[Response, Entry]:
        """Answer in a thread: walk on into files, read, encode."""
        request.entry = self._service.resolver.resolve(located, describing=self.route.describes)
        self._permit(request)
        return self._answer_entry(request, query_string)

    def _permit(self, request: Request) -> Entry:
        """The entry, if the access policy lets the viewer do with it what the route does.

        A container that is read as a whole shows only the children that may be read.
        """
        sight, entry, scopes = request.sight, request.entry, self.route.scopes
        if sight is None:
            return entry
        sight.require(entry.governor, scopes, entry.path)
        if READ_DATA in scopes and isinstance(entry.node, Seeing) and sight.policy is not None:
            entry = request.entry = entry.showing(
                reseen(entry.node, sight.demanding(scopes), self._service.composition.adopt)
            )
        return entry

    def _answer_entry(self, request: Request, query_string: bytes) -> tuple[Response, Entry]:
        exchange, entry = request.exchange, request.entry
        started = perf_counter()
        with entry.guard, Blaming(entry):
            answer = self._choose(request).handler(request)
            response = self._service.responder.respond(answer, exchange, query_string, entry.key)
        exchange.note("read", started)
        return response, entry

    def _choose(self, request: Request) -> Route:
        """The route for the family of the node; the parameters of a shared path are decoded now."""
        family = request.entry.node.family
        branch = self._by_family.get(family, self._any)
        if branch is None:
            raise NotFound(
                f"no such entry: {'/'.join(request.entry.path)!r} is of family {family!r}; "
                f"{self.route.path.removesuffix('/' + _NODE)} answers for {', '.join(sorted(self._by_family))}"
            )
        if self._only is None:
            request.query = branch.decode(request.scope["query_string"], request.values)
        return branch.route


def _check_sharing(method: str, route: Route, first: Route, taken: Mapping[str, Branch]) -> None:
    """ConfigurationError unless a route can stand beside those that its path has already."""
    twice = sorted(taken.keys() & route.families)
    if twice or not route.families or not route.path == first.path == f"{first.path.removesuffix(_NODE)}{_NODE}":
        raise ConfigurationError(f"two routes answer {method} {route.path!r} for {', '.join(twice) or 'all families'}")
    if (route.upload is None) != (first.upload is None):
        raise ConfigurationError(f"of the routes for {method} {route.path!r} some take data, and some do not")
    for field in ("scopes", "body", "body_limit", "describes", "walks"):
        if getattr(route, field) != getattr(first, field):
            raise ConfigurationError(
                f"the routes for {method} {route.path!r} of {', '.join(sorted(first.families))} and of "
                f"{', '.join(sorted(route.families))} differ in {field!r}: families that share a path must agree on it"
            )


def _is_costly(values: Mapping[str, Any]) -> bool:
    return bool(values) and any(name.startswith(COSTLY) for name in values)


def guarded(chunks: Iterator[Any], entry: Entry | None) -> Any:
    """The next chunk, or None at the end; holds the guard of the entry while it is read."""
    if entry is None:
        return next(chunks, None)
    with entry.guard, Blaming(entry):
        return next(chunks, None)


def abandon(chunks: Iterator[Any], entry: Entry | None) -> None:
    """Let go of what a stream that nobody wants any more holds, such as an open file."""
    close = getattr(chunks, "close", None)
    if close is not None:
        with nullcontext() if entry is None else entry.guard, suppress(Exception):
            close()


def _check_segments(segments: tuple[str, ...]) -> None:
    if len(segments) > MAX_DEPTH:
        raise NotFound(f"no such entry: a path has at most {MAX_DEPTH} segments, this one has {len(segments)}")
    if any("\x00" in segment for segment in segments):
        raise Unprocessable("the path holds a NUL byte, which no key can contain", "path", "path")


async def _read_body(receive: Any, exchange: Exchange, route: Route) -> Any:
    """The JSON body as the route has it; None if there is none."""
    check_plain(exchange)
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise BadRequest("the request ended before its body did")
        body += message.get("body", b"")
        if len(body) > route.body_limit:
            raise BadRequest(f"the body is too long: at most {route.body_limit} bytes are taken here")
        if not message.get("more_body"):
            break
    if not body:
        return None
    content_type = exchange.headers.get(b"content-type", b"").partition(b";")[0].strip().lower()
    if content_type == FORM and route.form:
        return _of_form(bytes(body), route.body)
    if content_type and not content_type.endswith(_BODY_TYPES):
        raise UnsupportedMediaType(
            f"a body of the type {content_type.decode('latin-1')[:80]!r} is not taken here: send application/json, or "
            "application/x-msgpack"
        )
    try:
        if content_type.endswith(b"msgpack"):
            return msgspec.msgpack.decode(body, type=route.body)
        return msgspec.json.decode(body, type=route.body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise Unprocessable(f"the body does not fit: {error}", "body", value=repr(bytes(body[:80]))) from None


def _of_form(body: bytes, type_: Any) -> Any:
    """What a browser makes of a form, as the route has it."""
    try:
        pairs = parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=MAX_FIELDS, errors="strict")
        return msgspec.convert(dict(pairs), type_, strict=False)
    except (ValueError, msgspec.MsgspecError) as error:
        raise Unprocessable(f"the form does not fit: {error}", "body") from None
