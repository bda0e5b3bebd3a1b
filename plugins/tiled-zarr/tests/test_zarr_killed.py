"""A process that is killed while it writes leaves no half of a chunk behind."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from tiledkernel.nodes.durable import PARTIAL
from tiled_zarr.storage import StoredArray
from tiled_zarr.versions import VersionedArray

from tiledkernel.families.array.describe import describe_array
from tiledkernel.slices import cut_shape

SIDE = 700  # of a chunk: several megabytes that do not compress, so that writing takes a while

_WRITE = """
import sys
import numpy as np
from pathlib import Path
from tiled_zarr.storage import StoredArray
from tiled_zarr.versions import VersionedArray
from tiledkernel.families.array.describe import describe_array

chance = np.random.default_rng(0)
noise = chance.integers(1, 1 << 62, ({side}, {side}))
number = 0
while True:
    number += 1
    noise[0, 0] = number
    noise[-1, -1] = number
    {action}
    print(number, flush=True)
"""


def killed(action: str, after: float) -> int:
    """Let another process write until it is killed; the number of the last write that it was told is done."""
    code = _WRITE.format(side=SIDE, action=action)
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        first = process.stdout.readline()
        time.sleep(after)
        process.send_signal(signal.SIGKILL)
        rest = process.stdout.read().splitlines()
        process.wait(10)
    assert first == "1\n"
    return int(rest[-1]) if rest else 1


@pytest.mark.parametrize("after", [0.0, 0.013, 0.041])
def test_a_block_is_whole_and_not_older_than_what_was_acknowledged(path: Path, after):
    StoredArray.create(path, describe_array((SIDE, SIDE), np.dtype("i8"), (SIDE, SIDE)))
    done = killed(f"StoredArray(Path({str(path)!r})).write_block((0, 0), noise)", after)
    found = StoredArray(path).node().read(cut_shape((), (SIDE, SIDE)))
    assert found[0, 0] == found[-1, -1] >= done
    assert (found > 0).all()


def test_appended_rows_are_all_there_or_not_at_all(path: Path):
    StoredArray.create(path, describe_array((0, SIDE), np.dtype("i8"), (SIDE // 2 + 1, SIDE)))
    done = killed(f"StoredArray(Path({str(path)!r})).append(noise)", 0.05)
    node = StoredArray(path).node()
    rows = node.structure.shape[0]
    assert rows % SIDE == 0
    assert rows >= done * SIDE
    found = node.read(cut_shape((), (rows, SIDE)))
    assert found[::SIDE, 0].tolist() == list(range(1, rows // SIDE + 1))
    assert found[SIDE - 1 :: SIDE, -1].tolist() == list(range(1, rows // SIDE + 1))


def test_an_array_that_is_overwritten_is_the_old_one_or_the_new_one(tmp_path: Path):
    place = tmp_path / "array"
    done = killed(
        f"with VersionedArray(Path({str(place)!r})).replacing("
        f"describe_array(({SIDE}, {SIDE}), np.dtype('i8'), (100, {SIDE}))) as array: array.write(noise)",
        0.03,
    )
    versioned = VersionedArray(place)
    found = versioned.current().node().read(cut_shape((), (SIDE, SIDE)))
    assert found[0, 0] == found[-1, -1] >= done
    versioned.sweep(0)
    assert [folder.name for folder in place.glob("*.zarr")] == [versioned.version]
    assert not list(place.rglob(f"{PARTIAL}*"))
