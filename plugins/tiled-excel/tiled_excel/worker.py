"""The process that reads workbooks; `tiled_excel.process` starts it and asks it.

A sheet of two cells, at opposite corners, makes a library ask for more memory than any machine has, and that ends the
process that asks. This one may end: its memory is limited, and nobody else is in it.

It says `{"ready": true}` when it can be asked. A request is a line of JSON, `{"path", "stamp", "sheet"}`; a sheet of
null asks for the list of sheets. The answer is a line of JSON, `{"size"}`, and that many bytes: JSON for the list, an
Arrow stream for a sheet. `{"error"}` says why there are none, `{"changed"}` that the file has not that stamp any more.
"""

from __future__ import annotations

import gc
import io
import json
import os
import select
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, NoReturn

import pyarrow as pa
import python_calamine as calamine

from tiled_excel.columns import as_table
from tiledkernel.nodes.stamps import stamp_of

if sys.platform != "win32":
    import resource

MAX_CELLS = 16_000_000  # of a sheet
IDLE = 60.0  # seconds after which the process ends


class _Refused(Exception):
    """Why a workbook, or a sheet, cannot be had."""


class Workbooks:
    """The latest workbook stays open, since its sheets are asked for one after the other."""

    def __init__(self) -> None:
        self._place: tuple[str, list[int]] | None = None
        self._book: calamine.CalamineWorkbook | None = None

    def answer(self, request: dict[str, Any]) -> bytes:
        """The bytes that are asked for."""
        book = self._opened(request["path"], request["stamp"])
        sheet = request["sheet"]
        return json.dumps(_outline(book)).encode() if sheet is None else _table(book, sheet)

    def _opened(self, path: str, stamp: list[int]) -> calamine.CalamineWorkbook:
        if self._book is None or self._place != (path, stamp):
            self.forget()  # let the old one go before the new one comes
            self._place, self._book = (path, stamp), _book(path)
        return self._book

    def forget(self) -> None:
        """Close the workbook."""
        self._book = None


def _book(path: str) -> calamine.CalamineWorkbook:
    """A workbook of the kind that its suffix says, or of another if it is one."""
    try:
        return calamine.CalamineWorkbook.from_path(path)
    except calamine.PasswordError:
        raise
    except calamine.CalamineError as error:
        content = io.BytesIO(Path(path).read_bytes())
        try:
            return calamine.CalamineWorkbook.from_filelike(content)
        except calamine.CalamineError:
            raise error from None


def _outline(book: calamine.CalamineWorkbook) -> list[dict[str, Any]]:
    """Number and name of the sheets that hold cells: charts and macros do not."""
    return [
        {"index": index, "name": sheet.name, "hidden": sheet.visible != calamine.SheetVisibleEnum.Visible}
        for index, sheet in enumerate(book.sheets_metadata)
        if sheet.typ == calamine.SheetTypeEnum.WorkSheet
    ]


def _table(book: calamine.CalamineWorkbook, index: int) -> bytes:
    sheet = book.get_sheet_by_index(index)
    cells = sheet.height * sheet.width
    if cells > MAX_CELLS:
        raise _Refused(
            f"the cells that it uses span {sheet.height:_} rows and {sheet.width:_} columns, more than the "
            f"{MAX_CELLS:_} cells that are read: clear what lies far away from the others, or save it as CSV"
        )
    table = as_table(sheet.to_python())
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return bytes(sink.getvalue())


def _reason(error: BaseException) -> str:
    if isinstance(error, calamine.PasswordError):
        return "it is protected by a password: save it without one"
    text = str(error).strip().partition("\n")[0] or type(error).__name__
    return text if isinstance(error, _Refused) else f"it is damaged, or of another kind ({text[:200]})"


def _limit_memory(allowance: int) -> None:
    """To what is in use now and so many bytes more, where the system can; an end by force leaves no core file."""
    if sys.platform == "linux":
        used = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0]) * resource.getpagesize()
        _, hard = resource.getrlimit(resource.RLIMIT_AS)
        limit = used + allowance
        resource.setrlimit(resource.RLIMIT_AS, (limit if hard == resource.RLIM_INFINITY else min(limit, hard), hard))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _requests(source: BinaryIO) -> Iterator[dict[str, Any]]:
    """What is asked for, until nothing was for a while or the one who asks is gone."""
    while sys.platform == "win32" or select.select([source], [], [], IDLE)[0]:
        line = source.readline()
        if not line:
            return
        yield json.loads(line)


def _serve(source: BinaryIO, sink: BinaryIO) -> None:
    workbooks = Workbooks()
    _write(sink, {"ready": True})
    for request in _requests(source):
        body = b""
        try:
            body = workbooks.answer(request)
            head: dict[str, Any] = {"size": len(body)}
        except MemoryError:
            os._exit(1)  # as when the memory ends inside the library
        except BaseException as error:  # noqa: BLE001 - a panic in the library is no Exception, and no reason to end
            head = {"error": _reason(error)}
        found = stamp_of(Path(request["path"]))
        if found is None or list(found) != request["stamp"]:  # then nothing of what was read can be trusted
            workbooks.forget()
            head, body = {"changed": True}, b""
        _write(sink, head, body)


def _write(sink: BinaryIO, head: dict[str, Any], body: bytes = b"") -> None:
    sink.write(json.dumps(head).encode() + b"\n" + body)
    sink.flush()


def main() -> NoReturn:
    """Answer requests from standard input; the one argument says how many bytes of memory may be used for that."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # meant for the server, whose end closes our input
    sink = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    with Path(os.devnull).open("wb") as nowhere:  # what a library prints is no answer, and a panic no news
        os.dup2(nowhere.fileno(), sys.stdout.fileno())
        os.dup2(nowhere.fileno(), sys.stderr.fileno())
    gc.disable()  # cells are never in circles, and looking through millions of them takes as long as reading them
    _limit_memory(int(sys.argv[1]))
    _serve(os.fdopen(sys.stdin.fileno(), "rb", buffering=0, closefd=False), sink)
    os._exit(0)


if __name__ == "__main__":
    main()
