"""Delete nodes."""

from __future__ import annotations

from tiledkernel.client.calls import Parameters, call_writing
from tiledkernel.client.errors import ClientError
from tiledkernel.client.plans import Plan, ask_message


def deleting(uri: str, *, recursive: bool, external_only: bool) -> Plan[None]:
    """Delete the node at a URI."""
    flags = {"recursive": recursive, "external_only": external_only}
    yield from deleting_once(uri, [(name, "true" if flag else "false") for name, flag in flags.items()])


def deleting_once(url: str, parameters: Parameters) -> Plan[None]:
    """Delete something; that it is gone already is an error, unless it may be gone by an attempt of our own."""
    try:
        yield from ask_message(call_writing("DELETE", url, parameters=parameters))
    except ClientError as error:
        if error.response.status_code != 404 or not error.after_doubt:
            raise
