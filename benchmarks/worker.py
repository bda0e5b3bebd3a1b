"""One client in a process of its own: it does what it is told, and says how long that took.

It is told in lines of JSON on its standard input, and answers each with a line of JSON:

    python worker.py tiled_tasks '{"module": "tiledkernel.client", "uri": "http://127.0.0.1:8000"}'
    {"task": "array", "arguments": ["large"], "count": 3, "seconds": 1}
    {"seconds": [0.1, 0.1, 0.1], "size": 268435456, "requests": 3.0}

What a client does is in the modules `*_tasks`, whose class `Tasks` has a method for each task. The method prepares what
is not measured, and returns two functions: one does the work, the other says how large the result is.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import time
from typing import Any


def repeat(tasks: Any, task: str, arguments: list[Any], *, count: int, seconds: float) -> dict[str, Any]:
    """Do a task until the count or the time is reached, at least once."""
    work, measure = getattr(tasks, task)(*arguments)
    spent: list[float] = []
    asked = tasks.requests()
    while True:
        begin = time.perf_counter()
        result = work()
        spent.append(time.perf_counter() - begin)
        size = int(measure(result))
        del result  # letting go of it is not measured, and the next result finds its memory free
        if len(spent) >= count or sum(spent) >= seconds:
            return {"seconds": spent, "size": size, "requests": (tasks.requests() - asked) / len(spent)}


def obey(tasks: Any, order: dict[str, Any]) -> dict[str, Any]:
    """The answer to an order; what went wrong, if it did."""
    try:
        return repeat(tasks, order.pop("task"), order.pop("arguments"), **order)
    except Exception as error:  # noqa: BLE001 - it is reported
        return {"error": f"{type(error).__name__}: {error}"}


def main() -> None:
    # What a library prints must not come between the answers.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    tasks = importlib.import_module(sys.argv[1]).Tasks(**json.loads(sys.argv[2]))
    print(json.dumps({"ready": True}), file=answers, flush=True)
    for line in sys.stdin:
        print(json.dumps(obey(tasks, json.loads(line))), file=answers, flush=True)
    tasks.close()


if __name__ == "__main__":
    main()
