"""`select_metadata`: a part of the metadata, chosen by a JMESPath expression from outside.

JMESPath can double what it holds with every few characters, so evaluation has a budget: every step costs, and so
does whatever an expression multiplies, by its size written out. The budget is that of a whole request, listings
included; large metadata brings its own share.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jmespath
from jmespath.exceptions import JMESPathError
from jmespath.functions import Functions, signature
from jmespath.visitor import Options, TreeInterpreter

from tiledkernel.errors import BadRequest

MAX_EXPRESSION = 2000  # characters
BUDGET = 100_000  # steps, and values written out
SHARE = 4  # times the size of the metadata, on top of that
_CHARACTERS = 16  # of a text that weigh as much as one number


class TooCostly(Exception):
    """An expression used up its budget."""


class Selection:
    """One compiled expression, for one request."""

    def __init__(self, expression: str, budget: int = BUDGET) -> None:
        if len(expression) > MAX_EXPRESSION:
            raise BadRequest(f"select_metadata is too long: at most {MAX_EXPRESSION} characters are taken")
        try:
            self._parsed = jmespath.compile(expression).parsed
        except (JMESPathError, RecursionError, ValueError, Warning) as error:  # a warning, where they are errors
            raise BadRequest(f"select_metadata={expression[:200]!r} is no JMESPath expression: {_say(error)}") from None
        self._expression = expression
        self._left = budget

    def of(self, metadata: Mapping[str, Any]) -> dict[str, Any]:
        """`{"selected": ...}`; BadRequest if the expression does not fit these metadata, or is a bomb."""
        self._left += SHARE * weigh(metadata, 1 << 62)
        try:
            return {"selected": _Interpreter(self).visit(self._parsed, metadata)}
        except TooCostly:
            raise BadRequest(
                f"select_metadata={self._expression[:200]!r} takes too long: avoid repeating a list within lists"
            ) from None
        except (JMESPathError, RecursionError, ValueError, TypeError, LookupError, ArithmeticError) as error:
            raise BadRequest(f"select_metadata could not be applied: {_say(error)}") from None

    def spend(self, cost: int) -> None:
        """Take from the budget; TooCostly when it is used up."""
        self._left -= cost
        if self._left < 0:
            raise TooCostly

    def spend_on(self, value: Any) -> None:
        """Take what a value amounts to, written out."""
        self.spend(weigh(value, self._left))


def parse_selection(expression: str | None) -> Selection | None:
    """The selection that a request asks for; BadRequest if it is malformed."""
    return None if expression is None else Selection(expression)


def weigh(value: Any, limit: int) -> int:
    """How many values a value amounts to if each occurrence counts; counting stops above `limit`."""
    weight = 0
    pending = [value]
    while pending and weight <= limit:
        value = pending.pop()
        weight += 1
        if isinstance(value, str):
            weight += len(value) // _CHARACTERS
        elif isinstance(value, dict):
            pending.extend(value.values())
        elif isinstance(value, list):
            pending.extend(value)
    return weight


class _Interpreter(TreeInterpreter):
    """Spends for every step; whatever can multiply a value spends for what it makes."""

    def __init__(self, selection: Selection) -> None:
        super().__init__(Options(custom_functions=_Functions(selection)))
        self._selection = selection

    def visit(self, node: Any, *values: Any) -> Any:
        self._selection.spend(1)
        return super().visit(node, *values)

    def visit_literal(self, node: Any, value: Any) -> Any:
        self._selection.spend_on(node["value"])
        return super().visit_literal(node, value)

    def visit_multi_select_list(self, node: Any, value: Any) -> Any:
        made = super().visit_multi_select_list(node, value)
        self._selection.spend_on(made)
        return made

    def visit_multi_select_dict(self, node: Any, value: Any) -> Any:
        made = super().visit_multi_select_dict(node, value)
        self._selection.spend_on(made)
        return made

    def visit_flatten(self, node: Any, value: Any) -> Any:
        base = self.visit(node["children"][0], value)
        if not isinstance(base, list):
            return None
        self._selection.spend(sum(len(item) if isinstance(item, list) else 1 for item in base))
        return [inner for item in base for inner in (item if isinstance(item, list) else (item,))]


class _Functions(Functions):
    """The functions of JMESPath; those that make longer texts spend for them."""

    def __init__(self, selection: Selection) -> None:
        self._selection = selection

    @signature({"types": ["string"]}, {"types": ["array-string"]})
    def _func_join(self, separator: str, array: list[str]) -> str:
        self._selection.spend((len(separator) * len(array) + sum(map(len, array))) // _CHARACTERS)
        return separator.join(array)

    @signature({"types": []})
    def _func_to_string(self, arg: Any) -> str:
        text: str = super()._func_to_string(arg)  # type: ignore[misc] # its types leave the functions out
        self._selection.spend(len(text) // _CHARACTERS)
        return text


def _say(error: Exception) -> str:
    return str(error)[:300] or type(error).__name__
