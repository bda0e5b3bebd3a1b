"""The tables of our server's tree, by Arrow Flight.

python flight_server.py PORT
"""

from __future__ import annotations

import sys

import pyarrow as pa
from pyarrow import flight
from samples import MANY_ROWS, ROWS, floats, mixed


class FlightServer(flight.FlightServerBase):
    """Sends tables from memory."""

    def __init__(self, port: int) -> None:
        super().__init__(f"grpc://127.0.0.1:{port}")
        self._tables = {
            "floats": pa.Table.from_pandas(floats(ROWS)),
            "many_floats": pa.Table.from_pandas(floats(MANY_ROWS)),
            "mixed": pa.Table.from_pandas(mixed(ROWS)),
        }

    def do_get(self, _context: flight.ServerCallContext, ticket: flight.Ticket) -> flight.RecordBatchStream:
        return flight.RecordBatchStream(self._tables[ticket.ticket.decode()])


if __name__ == "__main__":
    FlightServer(int(sys.argv[1])).serve()
