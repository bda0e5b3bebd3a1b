"""What the client does, without I/O: plans that ask and are told.

A plan is a generator. It yields steps, mostly `Ask` or `Together`, and is sent what they came to, or what they failed
with. Who runs a plan decides how to wait: `Context.run` blocks, `AsyncContext.run` gives a coroutine. So
everything that a client can do is written once, here and in the clients of the families, for programs of both kinds:

    def read(self) -> bytes:
        return self.context.run(self._reading())

    def _reading(self) -> Plan[bytes]:
        body = yield from ask_bytes(Call(url=self._link("full")))
        return body
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

from msgspec import Struct

from tiledkernel.client.calls import Call
from tiledkernel.client.light_httpx import httpx
from tiledkernel.client.sinks import Acknowledgement, Collected, Message, Sink

if TYPE_CHECKING:
    from tiledkernel.client.connection import Connection

T = TypeVar("T")


class Ask(Struct, frozen=True):
    """One request. `receive` makes, for each attempt, what takes in the body of the answer.

    Requests for data are limited in number (`is_data`); `size` is how many bytes will come, if that is known. One that
    is made `once` is not tried again if it fails. One that is `bare` goes without the credentials of the connection.
    One that goes `abroad` is for somebody else than the server, at the address as it stands: nothing that belongs to
    the connection goes along.
    """

    call: Call
    receive: Callable[[httpx.Headers], Sink[Any]]
    is_data: bool = False
    size: int | None = None
    once: bool = False
    bare: bool = False
    abroad: bool = False


class Together(Struct, frozen=True):
    """Several plans at once, at most `workers` of them; the first failure ends all."""

    plans: Sequence[Generator[Any, Any, Any]]
    workers: int | None = None


class Elsewhere(Struct, frozen=True):
    """A plan for another connection, of the same kind as that which runs this one."""

    context: Connection
    plan: Generator[Any, Any, Any]


class Pause(Struct, frozen=True):
    """Nothing, for a while."""

    seconds: float


class Aside(Struct, frozen=True):
    """Something else that takes its time, such as asking a person; other things go on meanwhile, where they can."""

    do: Callable[[], Any]


Step: TypeAlias = Ask | Together | Elsewhere | Pause | Aside
Plan: TypeAlias = Generator[Step, Any, T]


def check_step(step: Any) -> None:
    """TypeError if a plan has yielded something else than a step."""
    if not isinstance(step, (Ask, Together, Elsewhere, Pause, Aside)):
        raise TypeError(
            f"a plan yields Ask or Together, not {type(step).__name__}: write `yield from ask_message(call)`"
        )


def at_hand(found: T) -> Plan[T]:
    """What need not be asked."""
    yield from ()
    return found


def ask_message(call: Call, *, once: bool = False) -> Plan[Any]:
    """The control message that answers a call."""
    return (yield Ask(call, Message, once=once))


def ask_change(call: Call) -> Plan[Any]:
    """What the server says to a change of what it knows, perhaps nothing."""
    return (yield Ask(call, Acknowledgement))


def ask_bare(call: Call, *, abroad: bool = False) -> Plan[Any]:
    """What is said, perhaps nothing, to a call without credentials; `abroad`: not to the server."""
    return (yield Ask(call, Acknowledgement, bare=True, abroad=abroad))


def ask_data(call: Call, receive: Callable[[httpx.Headers], Sink[T]], *, size: int | None = None) -> Plan[T]:
    """What the sink that `receive` makes has made of the data that answer a call."""
    found: T = yield Ask(call, receive, is_data=True, size=size)
    return found


def ask_bytes(call: Call, *, size: int | None = None) -> Plan[bytes | bytearray]:
    """The data that answer a call, as they are."""
    return (yield from ask_data(call, Collected, size=size))


def ask_upload(call: Call) -> Plan[Any]:
    """What the server says to data that are sent to it, perhaps nothing; as few at once as of those that come."""
    return (yield Ask(call, Acknowledgement, is_data=True))


def pause(seconds: float) -> Plan[None]:
    """Wait."""
    yield Pause(seconds)


def aside(do: Callable[[], T]) -> Plan[T]:
    """What a function comes to that takes its time."""
    found: T = yield Aside(do)
    return found


def together(plans: Iterable[Plan[T]], workers: int | None = None) -> Plan[list[T]]:
    """What several plans come to, in order; they run at the same time."""
    found: list[T] = yield Together(tuple(plans), workers)
    return found
