"""Our client and the reference's, each with our server and the reference's: what is typed finds the same.

Where it does not, `differences.py` lists the line with a reason.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from .asking import KERNEL, REFERENCE, Asking, outcome
from .conftest import KEY, Server
from .differences import CLIENTS, REVERSED, SERVERS, UNASKED, lines_of, reasons
from .lines import CLEAR, OURS, REGISTERED, SHARED

pytestmark = [pytest.mark.thorough, pytest.mark.timeout(900)]

Answers: TypeAlias = dict[str, Any]
SCRIPT = Path(__file__).with_name("script.py")
GROUPS = SHARED | OURS
DIFFERENT_CLIENTS, DIFFERENT_SERVERS = reasons(CLIENTS), reasons(SERVERS)


@pytest.fixture(scope="module")
def found(reference_python: Path, servers: dict[str, Server], tmp_path_factory) -> dict[tuple[str, str], Answers]:
    """All answers of all pairings, by (client, server); ours is asked while the reference's is starting."""
    pythons = {KERNEL: sys.executable, REFERENCE: reference_python}

    def asking(client: str, server: str, *options: str | Path) -> Asking:
        url, answers = servers[server].url(), tmp_path_factory.mktemp("answers") / "answers.json"
        unasked = lines_of(UNASKED) if client == REFERENCE else []
        return Asking(pythons[client], SCRIPT, answers, *options, client, url, answers, *unasked)

    on_ours = {client: asking(client, KERNEL) for client in pythons}
    answers = {(client, KERNEL): process.found() for client, process in on_ours.items()}
    files = servers[REFERENCE].folder / "files"
    first = asking(REFERENCE, REFERENCE, "--register", files, "--key", KEY)
    second = asking(KERNEL, REFERENCE) if first.has_said(REGISTERED) else None
    answers[REFERENCE, REFERENCE] = first.found()
    assert second is not None
    answers[KERNEL, REFERENCE] = second.found()
    return answers


def differing(one: Answers, other: Answers, lines: list[str]) -> dict[str, tuple[Any, Any]]:
    asked = [line for line in lines if line in one and line in other]
    return {line: (one[line], other[line]) for line in asked if outcome(one[line]) != outcome(other[line])}


def unexpected(differences: dict[str, Any], *listed: Any) -> dict[str, Any]:
    return {line: pair for line, pair in differences.items() if not any(line in lines for lines in listed)}


def test_the_reference_is_the_one_from_the_index(reference_python: Path) -> None:
    """And nothing of ours is in its environment."""
    code = (
        "import importlib.util as i, importlib.metadata as m; "
        "print(m.version('tiled'), i.find_spec('tiledkernel') is None)"
    )
    done = subprocess.run([reference_python, "-c", code], capture_output=True, text=True, check=True, cwd="/")
    assert done.stdout.split() == ["0.2.20", "True"]


@pytest.mark.parametrize("group", GROUPS)
def test_both_clients_find_the_same_on_our_server(group: str, found) -> None:
    differences = differing(found[KERNEL, KERNEL], found[REFERENCE, KERNEL], lines_of(GROUPS[group]))
    assert unexpected(differences, DIFFERENT_CLIENTS) == {}


@pytest.mark.parametrize("group", SHARED)
def test_both_clients_find_the_same_on_the_reference_server(group: str, found) -> None:
    differences = differing(found[KERNEL, REFERENCE], found[REFERENCE, REFERENCE], lines_of(SHARED[group]))
    assert unexpected(differences, DIFFERENT_CLIENTS, lines_of(REVERSED)) == {}


@pytest.mark.parametrize("group", SHARED)
@pytest.mark.parametrize("client", [KERNEL, REFERENCE])
def test_a_client_finds_the_same_on_both_servers(group: str, client: str, found) -> None:
    differences = differing(found[client, KERNEL], found[client, REFERENCE], lines_of(SHARED[group]))
    assert unexpected(differences, DIFFERENT_SERVERS, lines_of(REVERSED)) == {}


@pytest.mark.parametrize("server", [KERNEL, REFERENCE])
def test_our_client_fails_with_errors_that_users_are_told_of(server: str, found) -> None:
    answers = found[KERNEL, server].items()
    raised = {line: answer for line, answer in answers if "raises" in answer}
    assert {line: answer for line, answer in raised.items() if answer["raises"] not in CLEAR} == {}
    assert {line: answer for line, answer in raised.items() if len(answer["says"]) < 3} == {}


def test_our_server_makes_no_mistake_of_its_own(found) -> None:
    for client in (KERNEL, REFERENCE):
        failed = {
            line: answer for line, answer in found[client, KERNEL].items() if outcome(answer) == "HTTPStatusError"
        }
        assert failed == {}


@pytest.mark.parametrize("line", DIFFERENT_CLIENTS)
def test_clients_that_are_said_to_differ_do(line: str, found) -> None:
    pairs = [(found[KERNEL, server], found[REFERENCE, server]) for server in (KERNEL, REFERENCE)]
    assert any(differing(ours, theirs, [line]) for ours, theirs in pairs)


@pytest.mark.parametrize("line", DIFFERENT_SERVERS)
def test_servers_that_are_said_to_differ_do(line: str, found) -> None:
    pairs = [(found[client, KERNEL], found[client, REFERENCE]) for client in (KERNEL, REFERENCE)]
    assert any(differing(ours, theirs, [line]) for ours, theirs in pairs)


@pytest.mark.parametrize("server", [KERNEL, REFERENCE])
def test_every_line_was_asked(server: str, found) -> None:
    groups = GROUPS if server == KERNEL else SHARED
    lines = {line for block in groups.values() for line in lines_of(block)}
    assert found[KERNEL, server].keys() == lines
    assert found[REFERENCE, server].keys() == lines - set(lines_of(UNASKED))
