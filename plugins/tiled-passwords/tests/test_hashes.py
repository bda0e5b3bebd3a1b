"""Values that stand for passwords."""

from __future__ import annotations

import hashlib
import os
import pty
import subprocess
import sys
from base64 import urlsafe_b64decode

import pytest
from click.testing import CliRunner
from tiled_passwords.hashes import USUAL, Cost, digest, make_hash, parse_hash

from tiledkernel.cli.main import cli
from tiledkernel.errors import ConfigurationError

CHEAP = Cost(14, 8, 1)
SALT, DIGEST = "A" * 22 + "==", "A" * 43 + "="


def test_a_hash_is_what_anyone_can_compute_from_its_parts():
    """Another program that knows RFC 7914 makes and checks these values too."""
    _, log_n, r, p, salt, expected = make_hash("secret", CHEAP).split(":")
    again = hashlib.scrypt(b"secret", salt=urlsafe_b64decode(salt), n=2 ** int(log_n), r=int(r), p=int(p), dklen=32)
    assert again == urlsafe_b64decode(expected)


def test_two_hashes_of_one_password_differ():
    assert make_hash("secret", CHEAP) != make_hash("secret", CHEAP)


def test_a_hash_holds_nothing_that_a_configuration_would_expand():
    assert not set(make_hash("secret", CHEAP)) & set("$#{}\"' \n")


def test_letters_that_look_alike_are_alike():
    """One keyboard sends a letter and its accent, another one the two as one."""
    assert digest("caf\u00e9", b"0" * 16, CHEAP) == digest("cafe\u0301", b"0" * 16, CHEAP)


def test_the_usual_cost_is_one_that_is_recommended():
    assert USUAL.memory >= 2**25
    assert (USUAL.r << USUAL.log_n) * USUAL.p >= 2**15 * 8 * 3


@pytest.mark.parametrize(
    ("value", "why"),
    [
        ("scrypt:secret", "has not the form"),
        (f"scrypt:15:8:{SALT}:{DIGEST}", "has not the form"),
        (f"scrypt:15:8:3:1:{SALT}:{DIGEST}", "has not the form"),
        (f"scrypt:a:8:3:{SALT}:{DIGEST}", "has not the form"),
        (f"scrypt:15:8:3:{SALT}:{DIGEST[:-1]}", "has not the form"),
        (f"scrypt:15:8:3:é:{DIGEST}", "has not the form"),
        (f"scrypt:15:8:3:{SALT}:AAAA", "another length"),
        (f"scrypt:15:8:3:AAAA:{DIGEST}", "another length"),
        (f"scrypt:0:8:3:{SALT}:{DIGEST}", "out of range"),
        (f"scrypt:15:0:3:{SALT}:{DIGEST}", "out of range"),
        (f"scrypt:15:8:-3:{SALT}:{DIGEST}", "out of range"),
        (f"scrypt:999999999:8:3:{SALT}:{DIGEST}", "out of range"),
        (f"scrypt:24:64:1:{SALT}:{DIGEST}", "at most 256 are spent"),
        (f"scrypt:10:8:1:{SALT}:{DIGEST}", "too cheap"),
    ],
)
def test_what_is_no_hash_is_explained_and_not_shown(value, why):
    with pytest.raises(ConfigurationError, match=why) as caught:
        parse_hash(value)
    assert value not in str(caught.value)
    assert "tiledkernel config hash-password" in str(caught.value)


def test_a_hash_does_not_show_its_digest():
    value = make_hash("secret", CHEAP)
    assert repr(parse_hash(value)) == "<PasswordHash 14:8:1>"


def test_the_command_makes_a_hash_of_what_is_piped_into_it():
    done = CliRunner().invoke(cli, ["config", "hash-password"], input="secret words \r\n")
    found = parse_hash(done.stdout.strip())
    assert digest("secret words ", found.salt, found.cost) == found.digest
    assert done.exit_code == 0
    assert "secret" not in done.output


@pytest.mark.parametrize("password", ["", "sec\0ret"])
def test_the_command_refuses_what_is_no_password(password):
    done = CliRunner().invoke(cli, ["config", "hash-password"], input=f"{password}\n")
    assert done.exit_code != 0
    assert not done.stdout
    assert "a password has at least one character" in done.output


def test_at_a_terminal_the_password_is_asked_for_twice_and_not_shown():
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "tiledkernel", "config", "hash-password"]
    with subprocess.Popen(
        command, stdin=theirs, stdout=subprocess.PIPE, stderr=theirs, start_new_session=True
    ) as process:
        os.close(theirs)
        shown = ""
        for prompt in ("Password: ", "Repeat for confirmation: "):
            while not shown.endswith(prompt):
                shown += os.read(ours, 4096).decode()
            os.write(ours, b"secret\n")
        printed = process.stdout.read().decode()
    os.close(ours)
    found = parse_hash(printed.strip())
    assert digest("secret", found.salt, found.cost) == found.digest
    assert "secret" not in shown
