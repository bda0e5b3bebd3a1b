"""A process that is killed while it writes, at whatever moment, leaves no half of anything behind."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import msgspec
import numpy as np
import pytest
import tiled_zarr

from tiledkernel.families.array.describe import describe_array
from tiledkernel.nodes.storing import parse_location
from tiledkernel.testing.array_storages import content
from tiledkernel.testing.keeping import Kept

SIDE = 700  # of a chunk: several megabytes that do not compress, so that writing takes a while

_WRITE = """
import sys
import msgspec
import numpy as np
import tiled_zarr
from pathlib import Path
from tiledkernel.nodes.storing import Location
from tiledkernel.testing.keeping import Kept

kept = Kept(Path(sys.argv[1]), tiled_zarr.STORAGE, msgspec.json.decode(sys.argv[2], type=Location))
noise = np.random.default_rng(0).integers(1, 1 << 62, ({side}, {side}))
number = 0
while True:
    number += 1
    noise[0, 0] = number
    noise[-1, -1] = number
    {action}
    print(number, flush=True)
"""


def created(tmp_path: Path, rows: int, chunk: int) -> Kept:
    structure = describe_array((rows, SIDE), np.dtype("i8"), (chunk, SIDE))
    return Kept.create(tmp_path, tiled_zarr.STORAGE, parse_location(str(tmp_path / "stored")), structure)


def killed(kept: Kept, action: str, after: float) -> int:
    """Let another process write until it is killed; the number of the last write that it was told is done."""
    command = [sys.executable, "-c", _WRITE.format(side=SIDE, action=action)]
    arguments = [str(kept.keeper.path), msgspec.json.encode(kept.location).decode()]
    with subprocess.Popen([*command, *arguments], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        first = process.stdout.readline()
        time.sleep(after)
        process.send_signal(signal.SIGKILL)
        rest = process.stdout.read().splitlines()
        process.wait(10)
    assert first == "1\n"
    return int(rest[-1]) if rest else 1


@pytest.mark.parametrize("after", [0.0, 0.013, 0.041])
def test_a_block_is_whole_and_not_older_than_what_was_acknowledged(tmp_path, after):
    kept = created(tmp_path, SIDE, SIDE)
    done = killed(kept, "kept.open().write_block((0, 0), noise)", after)
    found = content(kept)
    assert found[0, 0] == found[-1, -1] >= done
    assert (found > 0).all()


@pytest.mark.parametrize("after", [0.02, 0.05, 0.081])
def test_rows_by_which_an_array_grows_are_all_there_or_not_at_all(tmp_path, after):
    kept = created(tmp_path, 1, SIDE // 2 + 1)
    grow = "kept.open().patch((kept.open().structure.shape[0],), noise, extend=True)"
    done = killed(kept, grow, after)
    found = content(kept)
    rows = len(found) - 1
    assert rows % SIDE == 0
    assert rows >= done * SIDE
    assert found[1::SIDE, 0].tolist() == list(range(1, rows // SIDE + 1))
    assert found[SIDE::SIDE, -1].tolist() == list(range(1, rows // SIDE + 1))
    kept.open().patch((len(found) + 5,), np.ones((1, SIDE), "i8"), extend=True)
    assert not content(kept)[len(found) : -1].any()


@pytest.mark.parametrize("after", [0.01, 0.047, 0.1])
def test_a_part_that_lies_in_several_chunks_is_written_or_not(tmp_path, after):
    kept = created(tmp_path, SIDE + 40, 100)
    done = killed(kept, "kept.open().patch((17,), noise)", after)
    found = content(kept)
    assert found[17, 0] == found[SIDE + 16, -1] >= done


@pytest.mark.parametrize("after", [0.03, 0.1])
def test_an_array_that_is_written_as_a_whole_is_the_old_one_or_the_new_one(tmp_path, after):
    kept = created(tmp_path, SIDE, 100)
    done = killed(kept, "kept.open().write(noise)", after)
    found = content(kept)
    assert found[0, 0] == found[-1, -1] >= done
    kept.open().write_block((0, 0), np.ones((100, SIDE), "i8"))
    assert content(kept)[0, 0] == 1
