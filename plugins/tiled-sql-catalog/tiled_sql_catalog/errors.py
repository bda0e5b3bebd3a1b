"""What can go wrong in a catalog besides what goes wrong in every tree, each with its HTTP status."""

from __future__ import annotations

from typing import ClassVar

from tiledkernel.errors import KernelError


class Conflict(KernelError):
    """What is asked for contradicts what is there."""

    status: ClassVar[int] = 409


class PreconditionFailed(KernelError):
    """The node is no longer in the state that the caller knows."""

    status: ClassVar[int] = 412


class StorageFull(KernelError):
    """The disk of the database has no room left."""

    status: ClassVar[int] = 507
