"""What a plugin's tests inherit: contracts that every plugin of a kind keeps, and the samples they are checked with.

class TestReader(ReaderContract):
    reader = tiled_example.READER
    heavy = ("example",)

    @pytest.fixture
    def sample(self, tmp_path: Path) -> Sample:
        return Sample(path=write_file(tmp_path), arrays={"a/b": np.arange(3)})
"""

from __future__ import annotations

from tiledkernel.testing.contracts import ReaderContract
from tiledkernel.testing.samples import Sample
from tiledkernel.testing.serving import Serving

__all__ = ["ReaderContract", "Sample", "Serving"]
