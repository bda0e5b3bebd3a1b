"""Pages for people who log in: where they type the code of their device, and what came of it."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from html import escape
from types import MappingProxyType
from urllib.parse import urlsplit

from msgspec import structs

from tiledkernel.server.answers import Reply

_RESUME = "document.forms[0].submit()"
_STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:32rem;margin:4rem auto;padding:0 1rem}"
    "input{font:inherit;letter-spacing:.1em;padding:.3rem .5rem}button{font:inherit;padding:.3rem 1rem}"
)


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


_POLICY = (
    f"default-src 'none'; style-src {_hash(_STYLE)}; script-src {_hash(_RESUME)}; form-action 'self'; "
    "frame-ancestors 'none'; base-uri 'none'"
)
_HEADERS = ((b"content-security-policy", _POLICY.encode()), (b"x-frame-options", b"DENY"))


def ask_user_code(action: str, fields: Mapping[str, str], *, message: str = "", status: int = 200) -> Reply:
    """A form for the code that the device shows; `fields` are sent with it."""
    said = f"<p role='alert'>{escape(message)}</p>" if message else ""
    body = f"""{said}<p>Type the code that your terminal, or other device, shows you.</p>
<form method="post" action="{escape(action)}">{_hidden(fields)}
<input name="user_code" autocomplete="off" autocapitalize="characters" spellcheck="false" maxlength="20" required
 autofocus aria-label="code"> <button>Confirm</button></form>"""
    return _page("Confirm the code", body, status)


def resume(fields: Mapping[str, str], targets: Sequence[str] = ()) -> Reply:
    """A form that sends itself: what another site sent comes again, from here, and so with our cookies.

    `targets` are pages to which its answer may send the browser, which the policy of the form has to allow, too.
    """
    body = f"""<p>One moment ...</p>
<form method="post" action="">{_hidden(fields)}<button>Continue</button></form><script>{_RESUME}</script>"""
    page = _page("Logging in", body)
    origins = " ".join(f"{parts.scheme}://{parts.netloc}" for parts in map(urlsplit, targets))
    policy = _POLICY.replace("form-action 'self'", f"form-action 'self' {origins}".rstrip())
    return structs.replace(page, headers=((b"content-security-policy", policy.encode()), *page.headers[1:]))


def done(message: str) -> Reply:
    """It worked."""
    return _page("You are logged in", f"<p>{escape(message)}</p><p>You may close this page.</p>")


def failed(message: str, status: int = 401, more: Mapping[str, str] = MappingProxyType({})) -> Reply:
    """It did not; `more` are headers."""
    page = _page("This did not work", f"<p>{escape(message)}</p><p>Begin again where you came from.</p>", status)
    headers = [(name.encode(), value.encode()) for name, value in more.items()]
    return structs.replace(page, headers=(*page.headers, *headers))


def _hidden(fields: Mapping[str, str]) -> str:
    return "".join(
        f'<input type="hidden" name="{escape(name)}" value="{escape(value)}">' for name, value in fields.items()
    )


def _page(title: str, body: str, status: int = 200) -> Reply:
    page = f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{escape(title)}</title><style>{_STYLE}</style></head>
<body><h1>{escape(title)}</h1>
{body}
</body></html>
"""
    return Reply(
        body=page.encode("utf-8", "replace"), media_type="text/html; charset=utf-8", status=status, headers=_HEADERS
    )
