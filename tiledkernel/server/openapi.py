"""The OpenAPI 3.1 description of a server, from the routes that it was composed of."""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from tiledkernel import __version__
from tiledkernel.records import Route

if TYPE_CHECKING:
    from tiledkernel.server.routing import RouteTable

_ERROR = {
    "type": "object",
    "required": ["detail"],
    "properties": {"detail": {"description": "a sentence; for status 422 a list of objects"}},
}
_PLACE = re.compile(r"{(\w+)}")
_OF_NODES = "the keys that lead to the node, joined by slashes; empty for the root"
_SECURITY = {
    "apikey": {"type": "apiKey", "in": "header", "name": "Authorization", "description": "Apikey <secret>"},
    "query": {"type": "apiKey", "in": "query", "name": "api_key"},
    "cookie": {"type": "apiKey", "in": "cookie", "name": "tiled_api_key"},
}


def openapi_document(paths: Mapping[str, Any], root: str) -> dict[str, Any]:
    """The document; `root` is the URL of the server."""
    return {
        "openapi": "3.1.0",
        "info": {"title": "tiledkernel", "version": __version__, "description": "Slices of scientific data over HTTP."},
        "servers": [{"url": root or "/"}],
        "paths": paths,
        "components": {"schemas": {"Error": _ERROR}, "securitySchemes": _SECURITY},
    }


def describe_paths(tables: Mapping[str, RouteTable]) -> dict[str, dict[str, Any]]:
    """What the document says of every route, by path and method."""
    paths: dict[str, dict[str, Any]] = {}
    for prefix, table in tables.items():
        for route in table.routes:
            operations = paths.setdefault(prefix + route.path, {})
            for method in route.methods:
                operation = _operation(prefix, route, method)
                known = operations.setdefault(method.lower(), operation)
                if known is not operation:
                    _share(known, operation)
    return paths


def _share(known: dict[str, Any], other: dict[str, Any]) -> None:
    """Add to an operation what the nodes of other families answer below the same path."""
    known["summary"] = f"{known['summary']} {other['summary']}"
    parameters = {parameter["name"]: parameter for parameter in known["parameters"]}
    names = {parameter["name"] for parameter in other["parameters"]}
    for parameter in other["parameters"]:
        if parameter["name"] not in parameters:
            known["parameters"].append({**parameter, "required": False})
    for name, parameter in parameters.items():
        parameter["required"] = parameter["required"] and name in names


def _operation(prefix: str, route: Route, method: str) -> dict[str, Any]:
    text = inspect.getdoc(route.handler) or ""
    scopes = sorted(route.scopes)
    operation: dict[str, Any] = {
        "operationId": f"{method.lower()}_{prefix}{route.path}".replace("/", "_")
        .replace("{", "")
        .replace("}", "")
        .strip("_"),
        "summary": text.splitlines()[0] if text else route.path,
        "description": f"Needs the scopes: {', '.join(scopes)}." if scopes else "Needs no credentials.",
        "parameters": [*_path_parameters(route), *_query_parameters(route)],
        "responses": {
            "200": {"description": "the answer", "content": _content(prefix)},
            "default": {
                "description": "an error",
                "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}},
            },
        },
        "security": [{name: []} for name in _SECURITY] if scopes else [],
    }
    if route.body is not None:
        schema = msgspec.json.schema(route.body)
        operation["requestBody"] = {"content": {"application/json": {"schema": schema}}}
    return operation


def _content(prefix: str) -> dict[str, Any]:
    return {"application/json": {}, "application/x-msgpack": {}, "*/*": {}} if prefix else {"*/*": {}}


def _path_parameters(route: Route) -> list[dict[str, Any]]:
    return [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        | ({"description": _OF_NODES} if name == "path" else {})
        for name in _PLACE.findall(route.path)
    ]


def _query_parameters(route: Route) -> list[dict[str, Any]]:
    if route.parameters is None:
        return []
    (schema,), components = msgspec.json.schema_components([route.parameters], ref_template="#/$defs/{name}")
    del schema
    described = components[route.parameters.__name__]
    required = set(described.get("required", ()))
    parameters = [
        {"name": name, "in": "query", "required": name in required, "schema": details}
        for name, details in described["properties"].items()
    ]
    if route.filters:
        parameters.append(
            {
                "name": "filter",
                "in": "query",
                "required": False,
                "style": "deepObject",
                "explode": True,
                "schema": {"type": "object"},
                "description": "filter[<query>][condition][<field>]=<value>, repeatable",
            }
        )
    return parameters
