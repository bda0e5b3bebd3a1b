"""What can be wrong with profiles."""

from __future__ import annotations

from tiledkernel.errors import ConfigurationError


class ProfileError(ConfigurationError, ValueError):
    """A profile cannot be used, or not be written; the message names the file, and the line and key if there is one."""


class ProfileExists(ProfileError):
    """There is a profile of that name already."""


class ProfileNotFound(ProfileError, KeyError):
    """There is no profile of that name; the message lists those that there are, and where they were looked for."""

    def __str__(self) -> str:
        return str(self.args[0])  # a KeyError would show a sentence in quotes


class ProfileWarning(UserWarning):
    """Something about profiles is not as its author meant; the rest is used."""
