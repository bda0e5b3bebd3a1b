"""The reader keeps the contract that all readers keep."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tiled_mca

from tiledkernel.testing import ReaderContract, Sample

COUNTS = np.arange(100, 300, dtype=np.uint32)
CHANNELS = "\n".join(map(str, COUNTS))
HEADER = "<<PMCA SPECTRUM>>\nTAG - live_data\nGAIN - 3\nLIVE_TIME - 60.0\n"


class TestMca(ReaderContract):
    """A spectrum of 200 channels."""

    reader = tiled_mca.READER

    @pytest.fixture
    def sample(self, tmp_path: Path) -> Sample:
        """A file as the analyser writes it, and what is in it."""
        path = tmp_path / "a.mca"
        path.write_text(f"{HEADER}<<DATA>>\n{CHANNELS}\n<<END>>\n")
        return Sample(path=path, arrays={"": COUNTS}, metadata={"": {"gain": "3"}})
