"""The benchmarks measure what they say, and their tables say what was measured."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.server.seen.append((self.path, self.headers.get("Accept-Encoding"), self.client_address))
        body = b"x" * 3_000_000
        self.send_response(404 if self.path == "/missing" else 200)
        if self.path != "/unknown-length":
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture
def server():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.seen = []
    server.handle_error = lambda *_: None  # the load hangs up on an answer that it cannot use
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def order(server, path="/thing", **changes):
    order = {"port": server.server_port, "path": path, "headers": {}, "seconds": 30, "connections": 2, "count": 6}
    return json.dumps({**order, **changes})


def run_load(text):
    command = [sys.executable, str(BENCHMARKS / "load.py"), text]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_the_load_asks_as_often_as_it_says_over_connections_that_stay_open(server):
    result = json.loads(run_load(order(server, headers={"Accept-Encoding": "deflate"})).stdout)
    assert result["answers"] == len(server.seen) == 6
    assert result["bytes"] == 3_000_000
    assert {seen[:2] for seen in server.seen} == {("/thing", "deflate")}
    assert len({address for *_, address in server.seen}) == 2


def test_the_load_ends_when_its_time_is_over(server):
    result = json.loads(run_load(order(server, seconds=0.2, count=10**9)).stdout)
    assert 0.2 <= result["seconds"] < 5


@pytest.mark.parametrize(("path", "sentence"), [("/missing", "404"), ("/unknown-length", "without Content-Length")])
def test_an_answer_that_cannot_be_measured_is_an_error(server, path, sentence):
    done = run_load(order(server, path))
    assert done.returncode
    assert sentence in done.stderr


def test_the_cpu_of_a_server_is_that_of_its_process_and_grows_with_work():
    import measure
    import servers
    from cases import QUICK

    with servers.running(servers.bare(), "/") as server:
        spent = measure.milliseconds(server, "/", {}, QUICK)
        assert 0 < spent * 1e-3 < 0.1
        assert server.rss() > 1 << 20


def test_a_server_that_does_not_start_says_why():
    import servers

    with (
        pytest.raises(RuntimeError, match=r"(?s)does not answer /healthz.*No module named 'no_such_module'"),
        servers.running([sys.executable, "-c", "import no_such_module"]),
    ):
        pass


def test_ratios_are_taken_round_by_round_and_goals_from_their_median():
    import cases
    import report
    from measure import Requests

    def result(case, bare, ours, reference):
        return Requests(case, {cases.BARE: bare, case.servers[0]: ours, case.servers[1]: reference})

    text = report.requests_table(
        [
            result(cases.CASES[0], [0.1, 0.1, 9], [0.2, 0.25, 0.3], [10, 20, 30]),
            result(cases.CASES[1], [0.1], [1.0], [50]),
            Requests(cases.CASES[2], {cases.BARE: [0.1]}),
        ]
    )
    first, second, third = text.splitlines()[2:]
    assert first == ("| block from memory | 0.1 ms | 0.25 ms | 20 ms | 2.0 | 80.0 | at most 3 times bare: reached |")
    assert second.endswith("| 10.0 | 50.0 | over 100 times better: missed |")
    assert third.endswith("| 0.1 ms | - | - | - | - | over 100 times better |")


def test_totals_say_what_is_missed():
    import report
    from measure import Start, Transfer

    text = report.totals_table(Transfer(100.0, 95.0, 5 << 20), Start(1.0, 95 << 20, 0.1), None)
    assert "| 95% | - | 90%: reached |" in text
    assert "| resident when idle | 95 MiB | - | under 90 MiB: missed |" in text


def test_tables_are_written_between_the_marks_and_nowhere_else(tmp_path):
    import report

    page = tmp_path / "performance.md"
    page.write_text(f"before\n{report.BEGIN}\nold\n{report.END}\nafter\n")
    report.write(page, "new")
    assert page.read_text() == f"before\n{report.BEGIN}\n\nnew\n\n{report.END}\nafter\n"
    page.write_text("no marks")
    with pytest.raises(ValueError, match="needs the lines"):
        report.write(page, "new")


def test_the_page_has_the_marks():
    import report

    page = (BENCHMARKS.parent / "docs" / "performance.md").read_text()
    assert page.count(report.BEGIN) == page.count(report.END) == 1


@pytest.mark.slow
def test_a_quick_run_measures_every_case():
    from cases import CASES
    from client_cases import CLIENT_CASES

    done = subprocess.run(
        [sys.executable, str(BENCHMARKS / "run.py"), "--quick"],
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    tables = [rows_of(table) for table in done.stdout.split("\n\n") if table.startswith("|")]
    requests, totals, client_times, client_totals = tables
    assert len(requests) == len(CASES)
    assert len(client_times) == len(CLIENT_CASES)
    assert all(row[2] != "-" for row in requests)
    assert any(row[0].startswith("256 MiB from memory") for row in totals)
    assert all(row[2].endswith(" ms") for row in client_times)
    assert all(row[1] != "-" for row in client_totals)


def rows_of(table):
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()[2:]]
