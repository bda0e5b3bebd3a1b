"""Both kinds of clients behind one surface, so that one test says what both do."""

from __future__ import annotations

import asyncio
import inspect
import threading
from collections.abc import Callable, Coroutine, Iterator, Mapping
from typing import Any

from tiledkernel.client import Context, aio, from_context
from tiledkernel.client.node import Node
from tiledkernel.client.views import View
from tiledkernel.families.container.client import Container
from tiledkernel.families.container.client_deep import DeepSearchResults


class WaitingFace:
    """Clients that wait."""

    def __init__(self) -> None:
        self._contexts: list[Context] = []

    def connect(self, app: Any) -> Any:
        """The client of the root."""
        self._contexts.append(Context.from_app(app))
        return from_context(self._contexts[-1])

    def introduce(self, app: Any, **settings: Any) -> Any:
        """A connection, which asks for no node."""
        self._contexts.append(Context.from_app(app, **settings))
        return self._contexts[-1]

    def enter(self, context: Any, **settings: Any) -> Any:
        """The client of the root, through a connection."""
        return from_context(context, **settings)

    def shown(self, found: Any) -> Any:
        """What a program sees."""
        return found

    def close(self) -> None:
        """Close all connections."""
        for context in self._contexts:
            context.close()


class AsynchronousFace:
    """Clients on an event loop in a thread of its own; what they give to be awaited is waited for here."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._contexts: list[aio.AsyncContext] = []

    def connect(self, app: Any) -> Any:
        """The client of the root."""
        self._contexts.append(self.wait_for(aio.AsyncContext.from_app(app)))
        return self.shown(self.wait_for(aio.from_context(self._contexts[-1])))

    def introduce(self, app: Any, **settings: Any) -> Any:
        """A connection, which asks for no node."""
        self._contexts.append(self.wait_for(aio.AsyncContext.from_app(app, **settings)))
        return self._contexts[-1]

    def enter(self, context: Any, **settings: Any) -> Any:
        """The client of the root, through a connection."""
        return self.shown(self.wait_for(aio.from_context(context, **settings)))

    def close(self) -> None:
        """Close all connections."""
        for context in self._contexts:
            self.wait_for(context.aclose())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def wait_for(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        """What a coroutine comes to."""
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result()

    def shown(self, found: Any) -> Any:
        """What a program would see that awaits everything."""
        if inspect.iscoroutine(found):
            found = self.wait_for(found)
        if isinstance(found, (Node, View, DeepSearchResults)):
            return Awaited(found, self)
        if isinstance(found, (list, tuple)) and any(isinstance(item, (Node, tuple)) for item in found):
            return type(found)(self.shown(item) for item in found)
        if inspect.ismethod(found):
            return lambda *arguments, **named: self.shown(found(*arguments, **named))
        return found


class Awaited:
    """A node or view whose answers are awaited for the test; what cannot be awaited is asked in its other spelling."""

    def __init__(self, real: Any, face: AsynchronousFace) -> None:
        self.__dict__["_real"] = real
        self.__dict__["_face"] = face

    @property
    def __class__(self) -> type:
        return type(self._real)

    def __getattr__(self, name: str) -> Any:
        return self._face.shown(getattr(self._real, name))

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(self._real, name, value)

    def __getitem__(self, index: Any) -> Any:
        return self._face.shown(self._real[index])

    def __len__(self) -> int:
        counts = isinstance(self._real, (Container, View, DeepSearchResults))
        return self._face.wait_for(self._real.count()) if counts else len(self._real)

    def __contains__(self, key: object) -> bool:
        return self._face.wait_for(self._real.has(key)) if isinstance(self._real, Container) else key in self._real

    def __iter__(self) -> Iterator[Any]:
        if not hasattr(self._real, "__aiter__"):
            return iter(self._real)
        return map(self._face.shown, self._face.wait_for(_collect(self._real)))

    def __reversed__(self) -> Iterator[Any]:
        return iter(self._face.shown(self._real[::-1]))

    def __eq__(self, other: object) -> bool:
        return dict(self.items()) == dict(other.items()) if isinstance(other, Mapping) else NotImplemented

    __hash__ = None

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        if copy is False:
            return self._real.__array__(dtype, copy)
        return self.read() if dtype is None else self.read().astype(dtype)

    def __repr__(self) -> str:
        if isinstance(self._real, Container):
            return self._face.wait_for(self._real.context.run(self._real._describing()))
        if isinstance(self._real, DeepSearchResults):
            return f"<DeepSearchResults ({len(self)} results)>"
        return repr(self._real)


async def _collect(source: Any) -> list[Any]:
    return [element async for element in source]


Face = Callable[..., Any]
