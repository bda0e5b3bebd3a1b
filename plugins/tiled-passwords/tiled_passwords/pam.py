"""Users of the machine, with whatever its PAM asks: passwd and shadow, SSSD, Kerberos, ..."""

from __future__ import annotations

import importlib
import logging
import re
from typing import Annotated, Any

from msgspec import Meta, Struct

from tiledkernel.errors import ConfigurationError, NotReady

logger = logging.getLogger(__name__)

# What ends an attempt because of who asks; everything else is a fault of the machine (pam(3), _pam_types.h).
_REFUSED = {
    6: "permission denied",
    7: "authentication failure",
    8: "insufficient credentials",
    10: "unknown user",
    11: "too many attempts",
    12: "the password has to be changed",
    13: "the account has expired",
    15: "no credentials",
    16: "the credentials have expired",
    17: "failure of the credentials",
    27: "the password has expired",
}
_SUCCESS, _SYSTEM_ERROR = 0, 4
_USER = 2  # PAM_USER

# Names of users, of `user@realm` and of `DOMAIN\user`; nothing that a module might take for a path or an option.
_NAME = re.compile(r"[\w.$][\w.$@+\\-]{0,254}")
_DOTS = re.compile(r"\.+")

Service = Annotated[str, Meta(pattern=r"^[a-z0-9_][a-z0-9_.-]*$(?!\n)", description="the name of a file in /etc/pam.d")]


class PAMOptions(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`service`: whose rules are asked."""

    service: Service = "login"
    confirmation_message: str = ""


class PAMLogin:
    """Asks the machine; an account that is locked or has expired is refused like a wrong password."""

    def __init__(self, options: PAMOptions) -> None:
        self.confirmation_message = options.confirmation_message
        self._service = options.service
        self._pamela = _pamela()

    def authenticate(self, username: str, password: str) -> str | None:
        """The name that the machine has for this user; NotReady if the machine cannot tell."""
        if not _is_name(username) or not password or "\0" in password:
            return None
        try:
            username.encode()
            password.encode()
        except UnicodeEncodeError:
            return None
        code, known = self._asked(username, password)
        if code in _REFUSED:
            logger.info("PAM service %r: %s", self._service, _REFUSED[code])
            return None
        if code != _SUCCESS:
            why = self._pamela.PAMError(errno=code)
            logger.error("PAM service %r cannot be asked: %s", self._service, why)
            raise NotReady("this machine cannot check passwords just now; the server's log says why", retry_after=30)
        return known if known is not None and _is_name(known) else None

    def _asked(self, username: str, password: str) -> tuple[int, str | None]:
        """How it went, and the name that PAM has for the user in the end.

        `pamela.authenticate` tells the name only if it is left open, and then never closes what failed.
        """
        pam = self._pamela
        answer = pam.new_simple_password_conv((password,), "utf-8")  # alive until the end: PAM calls it
        try:
            handle = pam.pam_start(self._service, username, conv_func=answer)
        except pam.PAMError as error:
            return error.errno, None
        code = _SYSTEM_ERROR
        try:
            code = pam.PAM_AUTHENTICATE(handle, 0) or pam.PAM_ACCT_MGMT(handle, 0)
            return code, handle.get_item(_USER)
        finally:
            pam.PAM_END(handle, code)


def _is_name(username: str) -> bool:
    return bool(_NAME.fullmatch(username)) and not _DOTS.fullmatch(username)


def _pamela() -> Any:
    try:
        return importlib.import_module("pamela")
    except ImportError as error:
        raise ConfigurationError('PAM needs a library: pip install "tiled-passwords[pam]"') from error
    except (OSError, AttributeError, TypeError) as error:  # what ctypes raises where there is no libpam
        raise ConfigurationError(f"this machine has no PAM library (libpam): {error}") from error
