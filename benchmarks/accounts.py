"""Measure what it costs a server to know who asks: by API key and by access token, over what the public costs.

python benchmarks/accounts.py

The same node is asked for by the public, with a key and with a token, one after the other in each round; accounts are
kept in SQLite, and in PostgreSQL. The cost of an authorization is the median of the differences of the rounds.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

import httpx
import report
from cases import QUICK, Effort
from measure import load
from servers import Server, ours, running

from tiledkernel.testing.postgresql import running_postgresql

GOAL = 0.1  # ms
FULL = Effort(rounds=15, seconds=1, count=2000)  # many short rounds: the differences are small
PATH = "/api/v1/metadata/"
PUBLIC, KEY, TOKEN = "public", "API key", "access token"
CONFIGURATION = """\
trees: [{{path: /, tree: "tiledkernel.examples.generated_minimal:tree"}}]
authentication:
  providers: [{{provider: toy, authenticator: dictionary, args: {{users_to_passwords: {{alice: wonderland}}}}}}]
  secret_keys: [{secret}]
  allow_anonymous_access: true
database: {{uri: "{uri}", init_if_not_exists: true}}
"""


@dataclass
class Costs:
    """Milliseconds of server CPU per request, one number per round, by who asks."""

    rounds: dict[str, list[float]] = field(default_factory=dict)

    def of(self, who: str) -> float:
        """The median."""
        return median(self.rounds[who])

    def more(self, who: str) -> float:
        """By how much it is more than for the public."""
        return median(one - other for one, other in zip(self.rounds[who], self.rounds[PUBLIC], strict=True))

    def ratio(self, who: str) -> float:
        """How many times it is what it is for the public."""
        return median(one / other for one, other in zip(self.rounds[who], self.rounds[PUBLIC], strict=True))


@contextmanager
def databases(folder: Path) -> Iterator[dict[str, str]]:
    """The URIs of empty databases, by their kinds."""
    with running_postgresql() as uri:
        yield {"SQLite": f"sqlite:///{folder}/accounts.db", "PostgreSQL": uri}


def credentials(server: Server) -> dict[str, dict[str, str]]:
    """The headers of everyone who asks; the key is made with the token."""
    with httpx.Client(base_url=f"{server.uri}/api/v1", timeout=60, trust_env=False) as client:
        form = {"username": "alice", "password": "wonderland"}
        answer = client.post("/auth/provider/toy/token", data=form).raise_for_status().json()
        token = {"authorization": f"Bearer {answer['access_token']}"}
        wanted = {"scopes": None, "expires_in": None}
        made = client.post("/auth/apikey", json=wanted, headers=token).raise_for_status().json()
    return {PUBLIC: {}, KEY: {"authorization": f"Apikey {made['secret']}"}, TOKEN: token}


def measure(server: Server, effort: Effort) -> Costs:
    """What each of them costs."""
    asking = credentials(server)
    for headers in asking.values():
        load(server, PATH, headers, effort, count=effort.warm_up)
    costs = Costs()
    for _ in range(effort.rounds):
        for who, headers in asking.items():
            before = server.cpu()
            done = load(server, PATH, headers, effort)
            costs.rounds.setdefault(who, []).append((server.cpu() - before) / done["answers"] * 1e3)
    return costs


def measure_all(folder: Path, effort: Effort) -> dict[str, Costs]:
    """The costs on each kind of database."""
    found = {}
    with ExitStack() as stack:
        for kind, uri in stack.enter_context(databases(folder)).items():
            path = folder / f"{kind}.yml"
            path.write_text(CONFIGURATION.format(uri=uri, secret="s" * 40))
            with running(ours("config", str(path))) as server:
                found[kind] = measure(server, effort)
    return found


def table(found: dict[str, Costs]) -> str:
    """The costs as Markdown."""
    lines = [
        "| accounts in | who asks | CPU of a request | over that of the public | times that | goal |",
        "|---|---|---:|---:|---:|---|",
    ]
    for kind, costs in found.items():
        lines.append(f"| {kind} | {PUBLIC} | {costs.of(PUBLIC):.3f} ms | | | |")
        for who in (KEY, TOKEN):
            more = costs.more(who)
            reached = "reached" if more <= GOAL else "missed"
            cells = [
                kind, who, f"{costs.of(who):.3f} ms", f"{more:.3f} ms", report.times(costs.ratio(who)),
                f"{GOAL:g} ms: {reached}",
            ]  # fmt: skip
            lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a few requests: does everything run?")
    options = parser.parse_args()
    where = report.machine(None)
    with tempfile.TemporaryDirectory() as folder:
        found = measure_all(Path(folder), QUICK if options.quick else FULL)
    sys.stdout.write(f"Measured {where}\n\n{table(found)}\n")


if __name__ == "__main__":
    main()
