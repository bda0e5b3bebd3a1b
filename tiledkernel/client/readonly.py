"""Views of what a node says of itself: to look at, not to change."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NoReturn, TypeVar, overload

T_co = TypeVar("T_co", covariant=True)

_ADVICE = "this is a view of what the server says, which changing would not change there"


class DictView(Mapping[str, Any]):
    """A mapping that cannot be changed."""

    __slots__ = ("_mapping",)

    def __init__(self, mapping: Mapping[str, Any]) -> None:
        self._mapping = mapping

    def __getitem__(self, key: str) -> Any:
        return self._mapping[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._mapping)

    def __len__(self) -> int:
        return len(self._mapping)

    def __setitem__(self, key: str, value: object) -> NoReturn:
        raise TypeError(f"cannot set {key!r}: {_ADVICE}")

    def __delitem__(self, key: str) -> NoReturn:
        raise TypeError(f"cannot delete {key!r}: {_ADVICE}")

    def __repr__(self) -> str:
        return f"DictView({self._mapping!r})"

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:  # noqa: FBT001 - IPython calls it so
        del cycle
        printer.pretty(dict(self._mapping))


class ListView(Sequence[T_co]):
    """A list that cannot be changed."""

    __slots__ = ("_items",)

    def __init__(self, items: Sequence[T_co]) -> None:
        self._items = list(items)

    @overload
    def __getitem__(self, index: int) -> T_co: ...
    @overload
    def __getitem__(self, index: slice) -> list[T_co]: ...
    def __getitem__(self, index: int | slice) -> T_co | list[T_co]:
        return self._items[index]

    def __len__(self) -> int:
        return len(self._items)

    def __eq__(self, other: object) -> bool:
        return list(self) == list(other) if isinstance(other, (list, tuple, ListView)) else NotImplemented

    __hash__ = None  # type: ignore[assignment]  # as for a list

    def __setitem__(self, index: object, value: object) -> NoReturn:
        raise TypeError(f"cannot set item {index!r}: {_ADVICE}")

    def __delitem__(self, index: object) -> NoReturn:
        raise TypeError(f"cannot delete item {index!r}: {_ADVICE}")

    def __repr__(self) -> str:
        return f"ListView({self._items!r})"

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:  # noqa: FBT001 - IPython calls it so
        del cycle
        printer.pretty(self._items)
