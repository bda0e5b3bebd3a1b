"""The page at /docs: every route, its parameters, and a form to try it; no script from elsewhere."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from html import escape
from typing import Any

_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem }
details { border: 1px solid #ccc; border-radius: 6px; margin: .5rem 0; padding: .5rem 1rem }
summary { cursor: pointer; font-family: ui-monospace, monospace }
summary b { display: inline-block; width: 4rem }
label { display: grid; grid-template-columns: 14rem 1fr; margin: .3rem 0 }
input { font: inherit } code { font-family: ui-monospace, monospace }
"""
# Puts the path of the node into the form's address; everything else is plain HTML.
_SCRIPT = """
for (const form of document.forms) form.addEventListener("submit", () => {
  const path = form.querySelector("[data-path]");
  const keys = path ? path.value.split("/").map(encodeURIComponent).join("/") : "";
  if (path) form.action = form.dataset.action.replace("{path}", keys);
  for (const input of form.querySelectorAll("input[name]")) input.disabled = input.value === "";
  setTimeout(() => form.querySelectorAll("input").forEach(input => input.disabled = false));
});
"""
_SCRIPT_HASH = base64.b64encode(hashlib.sha256(_SCRIPT.encode()).digest()).decode()
PAGE_POLICY = (
    b"content-security-policy",
    (
        "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'; "
        f"base-uri 'none'; script-src 'sha256-{_SCRIPT_HASH}'"
    ).encode(),
)


def reference_page(document: Mapping[str, Any]) -> str:
    """The page for an OpenAPI document."""
    root = document["servers"][0]["url"].rstrip("/")
    routes = "\n".join(
        _route(root, path, method, operation)
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
    )
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>HTTP API</title><style>{_STYLE}</style></head>
<body><h1>{escape(document["info"]["title"])} {escape(document["info"]["version"])}: HTTP API</h1>
<p>The same as <a href="openapi.json">an OpenAPI document</a>. Send an API key as the header
<code>Authorization: Apikey SECRET</code>, or fill in <code>api_key</code>.</p>
{routes}
<script>{_SCRIPT}</script></body></html>
"""


def _route(root: str, path: str, method: str, operation: Mapping[str, Any]) -> str:
    head = f"<summary><b>{method.upper()}</b> {escape(path)}</summary>"
    text = f"<p>{escape(operation['summary'])} {escape(operation['description'])}</p>"
    if method != "get":
        return f"<details>{head}{text}</details>"
    fields = "".join(_field(parameter) for parameter in operation["parameters"])
    target = escape(root + path, quote=True)
    form = f'<form method="get" action="{target}" data-action="{target}">{fields}<button>Send</button></form>'
    return f"<details>{head}{text}{form}</details>"


def _field(parameter: Mapping[str, Any]) -> str:
    name = escape(parameter["name"], quote=True)
    needed = " required" if parameter["required"] and parameter["in"] == "query" else ""
    attribute = "data-path" if parameter["in"] == "path" else f'name="{name}"'
    return f"<label><code>{name}</code><input {attribute}{needed}></label>"
