"""Specs that promise something: whoever gives a node such a spec is held to it.

A validator is a function of the spec, the node's metadata, the node (None if it is to be made), its family and its
structure (both None if the node is there already). It returns None, or the metadata as they had better be, or raises
`ValidationError`. It may be a coroutine function.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, TypeAlias

from tiledkernel import references
from tiledkernel.errors import BadRequest, KernelError
from tiledkernel.nodes.writing import Draft
from tiledkernel.records import Validator
from tiledkernel.registry import Registry
from tiledkernel.specs import Spec

logger = logging.getLogger(__name__)

Corrected: TypeAlias = Mapping[str, Any] | None
Validate: TypeAlias = Callable[[Spec, Mapping[str, Any], Any, str | None, Any], Corrected | Awaitable[Corrected]]


class ValidationError(BadRequest):
    """A node that does not keep the promise of a spec."""


class ValidatorFailed(KernelError):
    """What should have told whether a node keeps a promise did not; the message names the spec."""

    status = 500

    def __init__(self, spec: Spec, reason: str) -> None:
        super().__init__(f"the validator of the spec {spec.name!r} {reason}: nothing was changed")


class Validators:
    """What the specs of one server promise."""

    def __init__(
        self, registered: Registry[Validator], declared: Mapping[str, Validate | None], *, reject_undeclared: bool
    ) -> None:
        """`declared` are those of the configuration, which go before those of plugins."""
        self._registered = registered
        self._declared = declared
        self._reject_undeclared = reject_undeclared

    def checked(
        self,
        specs: Sequence[Spec],
        metadata: Mapping[str, Any],
        node: Any = None,
        family: str | None = None,
        structure: Any = None,
    ) -> Mapping[str, Any]:
        """The metadata that a node with these specs gets; ValidationError says which spec it does not keep."""
        for spec in reversed(specs):
            validate = self._of(spec)
            if validate is None:
                continue
            corrected = _ask(validate, spec, metadata, node, family, structure)
            metadata = metadata if corrected is None else corrected
        return metadata

    def check_child(self, parent: Any, draft: Draft) -> None:
        """ValidationError if a container promises not to have such a child."""
        for spec in parent.specs:
            record = self._registered.get(spec.name)
            if record is not None and record.validate_child is not None:
                try:
                    references.load(record.validate_child)(spec, parent, draft)
                except ValidationError as error:
                    raise ValidationError(f"the parent is {spec.name}: {error}") from error

    def _of(self, spec: Spec) -> Validate | None:
        if spec.name in self._declared:
            return self._declared[spec.name]
        record = self._registered.get(spec.name)
        if record is not None:
            found: Validate = references.load(record.validate)
            return found
        if self._reject_undeclared:
            known = ", ".join(sorted({*self._declared, *self._registered})) or "none"
            raise ValidationError(f"Unrecognized spec: {spec.name!r:.80}; this server knows {known}")
        return None


def _ask(validate: Validate, spec: Spec, *known: Any) -> Corrected:
    """What a validator says; whatever else it does is its own failure, not one of the node."""
    try:
        answer = validate(spec, *known)
        corrected = asyncio.run(_result_of(answer)) if isinstance(answer, Awaitable) else answer
    except ValidationError as error:
        raise ValidationError(f"failed validation for the {spec.name} spec: {error}") from error
    except KernelError:  # any other answer that is meant for the caller
        raise
    except Exception as error:
        logger.exception("the validator of the spec %r failed", spec.name)
        raise ValidatorFailed(spec, f"raised {type(error).__name__}") from error
    if corrected is not None and not isinstance(corrected, Mapping):
        raise ValidatorFailed(spec, f"returned {type(corrected).__name__}, neither metadata nor None")
    return corrected


async def _result_of(answer: Awaitable[Corrected]) -> Corrected:
    return await answer
