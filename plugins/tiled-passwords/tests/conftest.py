"""PAM services of tests: the machine's own library and modules, with rules in a folder of the test's."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from pathlib import Path

import pamela
import pytest
from click.testing import CliRunner, Result
from tiled_passwords.pam import PAMLogin, PAMOptions

from tiledkernel.cli.main import cli

# Alice's password is 'secret'; the script gets the name and the password as pam_exec(8) says.
CHECK = '#!/bin/sh\n[ "$PAM_USER:$(tr -d "\\0")" = "alice:secret" ]\n'
PASSWORD = (
    "auth [success=1 default=ignore] pam_exec.so expose_authtok quiet {folder}/check",
    "auth requisite pam_deny.so",
    "auth required pam_permit.so",
)
GOOD_ACCOUNT = ("account required pam_permit.so",)


@pytest.fixture
def service(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., PAMLogin]:
    """`service(*lines)`: a login that asks a service with these rules; without any: alice's password is 'secret'.

    Nothing on the machine is changed: libpam is told to look for services in the folder of the test.
    """
    start = pamela.LIBPAM.pam_start_confdir
    start.restype = ctypes.c_int
    start.argtypes = [*pamela.PAM_START.argtypes[:3], ctypes.c_char_p, pamela.PAM_START.argtypes[3]]
    monkeypatch.setattr(
        pamela, "PAM_START", lambda name, user, talk, handle: start(name, user, talk, bytes(tmp_path), handle)
    )
    check = tmp_path / "check"
    check.write_text(CHECK)
    check.chmod(0o755)

    def make(*lines: str) -> PAMLogin:
        rules = lines or (*PASSWORD, *GOOD_ACCOUNT)
        (tmp_path / "facility").write_text("\n".join(rules).format(folder=tmp_path) + "\n")
        return PAMLogin(PAMOptions(service="facility"))

    return make


@pytest.fixture
def run() -> Callable[..., Result]:
    """`run("config", "check")`: a command in this process."""
    return lambda *arguments: CliRunner().invoke(cli, list(arguments))
