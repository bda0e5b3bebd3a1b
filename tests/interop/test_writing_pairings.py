"""Our client and the reference's, each with our catalog and the reference's: what is written is found the same.

Where it is not, `writing_differences.py` lists the line with a reason. Each pairing has a server of its own; both
packages are given the same configuration.
"""

from __future__ import annotations

import itertools
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from .asking import KERNEL, REFERENCE, Asking, outcome
from .conftest import KEY, Server, write_files
from .differences import lines_of
from .lines import CLEAR
from .writing_differences import CLIENTS, READ_DIFFERENTLY, SERVERS, UNASKED, places
from .writing_lines import WRITING

pytestmark = [pytest.mark.thorough, pytest.mark.timeout(900)]

Pairing: TypeAlias = tuple[str, str]  # a client and a server
Place: TypeAlias = tuple[str, str]  # a group and one of its lines
Answers: TypeAlias = dict[tuple[str, str, int], Any]  # by place, and how often that line was typed before
PACKAGES = (KERNEL, REFERENCE)
SCRIPT = Path(__file__).with_name("writing_script.py")
# The groups in which the two clients differ in more than words. In the others three pairings agree already, and the
# reference's own, which takes long, could tell nothing new.
OWN = ("arrays", "tables", "appendable tables", "sparse arrays", "ragged arrays", "containers", "metadata")
CATALOG = f"""\
trees:
  - path: /
    tree: catalog
    args:
      uri: "sqlite:///./catalog.db"
      writable_storage: ["./data", "duckdb:///./tables.duckdb"]
      readable_storage: ["./files"]
      init_if_not_exists: true
authentication: {{allow_anonymous_access: true, single_user_api_key: {KEY}}}
"""


@pytest.fixture(scope="module")
def pythons(reference_python: Path) -> dict[str, Path]:
    """What runs either package."""
    return {KERNEL: Path(sys.executable), REFERENCE: reference_python}


@pytest.fixture(scope="module")
def catalogs(start: Callable[..., Server], pythons: dict[str, Path], tmp_path_factory: Any) -> dict[Pairing, Server]:
    """An empty catalog, and files that it may read, for each client and server; they may be starting yet."""
    made = {}
    for client, server in itertools.product(PACKAGES, PACKAGES):
        folder = tmp_path_factory.mktemp(f"{client}-{server}")
        write_files(folder / "files")
        made[client, server] = start(pythons[server].with_name(server), CATALOG, folder)
    return made


@pytest.fixture(scope="module")
def asking(pythons: dict[str, Path], catalogs: dict[tuple[str, str], Server], tmp_path_factory: Any) -> Any:
    """Type the lines into a client, or with `--read` ask what others have written; of the servers of two pairings."""

    def ask(client: str, pairings: tuple[Pairing, Pairing], *options: str) -> Asking:
        answers = tmp_path_factory.mktemp("answers") / "answers.json"
        files = catalogs[pairings[0]].folder / "files"
        urls = [catalogs[pairing].url() for pairing in pairings]
        return Asking(pythons[client], SCRIPT, answers, *options, client, KEY, files, answers, *urls)

    return ask


@pytest.fixture(scope="module")
def found(asking: Any) -> dict[Pairing, Answers]:
    """All answers of all pairings, by (client, server), which type at the same time."""
    options = {
        (KERNEL, KERNEL): [],
        (REFERENCE, KERNEL): [],
        (KERNEL, REFERENCE): ["--peer"],
        (REFERENCE, REFERENCE): ["--peer", f"--groups={','.join(OWN)}"],
    }
    others = {KERNEL: REFERENCE, REFERENCE: KERNEL}
    processes = {
        (client, server): asking(client, ((client, server), (client, others[server])), *options[client, server])
        for client, server in options
    }
    return {pairing: numbered(process.found()) for pairing, process in processes.items()}


@pytest.fixture(scope="module")
def read(asking: Any, found: Any, catalogs: Any) -> dict[tuple[str, str], dict[str, Any]]:
    """What our catalogs hold at the end, by (reader, writer)."""
    written = ((KERNEL, KERNEL), (REFERENCE, KERNEL))
    processes = {reader: asking(reader, written, "--read") for reader in PACKAGES}
    answers = {reader: process.found() for reader, process in processes.items()}
    return {
        (reader, writer): answers[reader][catalogs[writer, KERNEL].url()]
        for reader, writer in itertools.product(PACKAGES, PACKAGES)
    }


def numbered(answers: dict[str, list[list[Any]]]) -> Answers:
    result: Answers = {}
    for group, lines in answers.items():
        times: Counter[str] = Counter()
        for line, answer in lines:
            result[group, line, times[line]] = answer
            times[line] += 1
    return result


def differing(one: Answers, other: Answers) -> dict[Place, tuple[Any, Any]]:
    """Lines that both were asked and answer differently."""
    return {
        key[:2]: (one[key], other[key]) for key in one.keys() & other.keys() if outcome(one[key]) != outcome(other[key])
    }


def unexpected(group: str, one: Answers, other: Answers, listed: Any) -> dict[Place, tuple[Any, Any]]:
    differences = differing(one, other).items()
    return {place: pair for place, pair in differences if place[0] == group and place not in places(listed)}


@pytest.mark.parametrize("group", WRITING)
def test_both_clients_find_the_same_on_our_server(group: str, found: Any) -> None:
    assert unexpected(group, found[KERNEL, KERNEL], found[REFERENCE, KERNEL], CLIENTS) == {}


@pytest.mark.parametrize("group", OWN)
def test_both_clients_find_the_same_on_the_reference_server(group: str, found: Any) -> None:
    assert unexpected(group, found[KERNEL, REFERENCE], found[REFERENCE, REFERENCE], CLIENTS) == {}


@pytest.mark.parametrize("group", WRITING)
def test_our_client_finds_the_same_on_both_servers(group: str, found: Any) -> None:
    assert unexpected(group, found[KERNEL, KERNEL], found[KERNEL, REFERENCE], SERVERS) == {}


@pytest.mark.parametrize("group", OWN)
def test_the_reference_client_finds_the_same_on_both_servers(group: str, found: Any) -> None:
    assert unexpected(group, found[REFERENCE, KERNEL], found[REFERENCE, REFERENCE], SERVERS) == {}


@pytest.mark.parametrize("writer", PACKAGES)
def test_what_one_client_has_written_the_other_reads(writer: str, read: Any) -> None:
    ours, theirs = read[KERNEL, writer], read[REFERENCE, writer]
    assert ours.keys() == theirs.keys()
    different = {path: (ours[path], theirs[path]) for path in ours if outcome(ours[path]) != outcome(theirs[path])}
    assert different.keys() == set(lines_of(READ_DIFFERENTLY))


@pytest.mark.parametrize("writer", PACKAGES)
def test_all_that_was_written_can_be_read(writer: str, read: Any) -> None:
    assert len(read[KERNEL, writer]) > 100
    assert {path: answer for path, answer in read[KERNEL, writer].items() if "raises" in answer} == {}


@pytest.mark.parametrize("client", PACKAGES)
def test_our_server_makes_no_mistake_of_its_own(client: str, found: Any, catalogs: Any) -> None:
    answers = found[client, KERNEL].items()
    assert {key: answer for key, answer in answers if outcome(answer) == "HTTPStatusError"} == {}
    assert "Traceback" not in catalogs[client, KERNEL].log.read_text(encoding="utf-8")


@pytest.mark.parametrize("server", PACKAGES)
def test_our_client_fails_with_errors_that_users_are_told_of(server: str, found: Any) -> None:
    raised = {key: answer for key, answer in found[KERNEL, server].items() if "raises" in answer}
    clear = (*CLEAR, "FileNotFoundError")
    assert {key: answer for key, answer in raised.items() if answer["raises"] not in clear} == {}
    assert {key: answer for key, answer in raised.items() if len(answer["says"]) < 3} == {}


@pytest.mark.parametrize("client", PACKAGES)
def test_the_reference_server_is_asked_only_what_it_can_answer(client: str, found: Any) -> None:
    answers = found[client, REFERENCE].items()
    assert {key: answer for key, answer in answers if outcome(answer) == "HTTPStatusError"} == {}


def test_lines_that_are_said_to_differ_do(found: Any) -> None:
    clients = [differing(found[KERNEL, server], found[REFERENCE, server]) for server in PACKAGES]
    servers = [differing(found[client, KERNEL], found[client, REFERENCE]) for client in PACKAGES]
    assert places(CLIENTS) - {place for differences in clients for place in differences} == set()
    assert places(SERVERS) - {place for differences in servers for place in differences} == set()


def test_every_line_was_typed(found: Any) -> None:
    written = {(group, line) for group, block in WRITING.items() for line in lines_of(block)}
    assert places(UNASKED) <= written
    asked = {pairing: {key[:2] for key in answers} for pairing, answers in found.items()}
    assert asked[KERNEL, KERNEL] == asked[REFERENCE, KERNEL] == written
    assert asked[KERNEL, REFERENCE] == written - places(UNASKED)
    assert asked[REFERENCE, REFERENCE] == {place for place in written - places(UNASKED) if place[0] in OWN}
