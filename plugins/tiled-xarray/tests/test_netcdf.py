"""NetCDF files as datasets."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest
import tiled_xarray
import xarray as xr
from tiled_xarray.reader import open_netcdf

from tiledkernel import references
from tiledkernel.testing import ReaderContract, Sample

DATASET = xr.Dataset(
    {"t": (("x", "time"), np.arange(6.0).reshape(2, 3), {"units": "K"}), "n": ("x", np.array([1, 2], "i4"))},
    coords={"time": ("time", np.array([0.5, 1.5, 2.5]))},
    attrs={"title": "T"},
)


class NetcdfContract(ReaderContract):
    reader = tiled_xarray.READER
    heavy = ("xarray", "pandas", "numpy", "h5py")
    engine = ""

    @pytest.fixture
    def sample(self, tmp_path: Path) -> Sample:
        path = tmp_path / "a.nc"
        DATASET.to_netcdf(path, engine=self.engine)
        arrays = {str(name): variable.values for name, variable in DATASET.variables.items()}
        metadata = {"": {"attrs": {"title": "T"}}, "t": {"attrs": {"units": "K"}}}
        return Sample(path=path, arrays=arrays, metadata=metadata)


class TestVersion4(NetcdfContract):
    engine = "h5netcdf"

    def test_the_record_fits_the_sample(self, sample: Sample) -> None:
        """Files of version 4 are known by their suffix: they begin as all HDF5 files do."""
        assert sample.paths[0].suffix in self.reader.suffixes


class TestVersion3(NetcdfContract):
    engine = "scipy"


def external_link(file: h5py.File) -> None:
    file["x"] = h5py.ExternalLink("other.h5", "/x")


def external_storage(file: h5py.File) -> None:
    file.create_dataset("group/x", (4,), "u1", external=[("other.bin", 0, 4)])


def virtual_dataset(file: h5py.File) -> None:
    layout = h5py.VirtualLayout((4,), "u1")
    layout[:] = h5py.VirtualSource("other.h5", "x", (4,))
    file.create_virtual_dataset("x", layout)


@pytest.mark.parametrize("refer", [external_link, external_storage, virtual_dataset])
def test_references_to_other_files_are_not_followed(tmp_path, refer):
    with h5py.File(tmp_path / "a.nc", "w") as file:
        refer(file)
    with pytest.raises(ValueError, match="not followed"):
        open_netcdf(tmp_path / "a.nc")


def test_a_file_of_version_3_says_what_it_needs(tmp_path, monkeypatch):
    (tmp_path / "a.nc").write_bytes(b"CDF\x01")
    monkeypatch.setattr(references, "installed", lambda name: False)
    with pytest.raises(ValueError, match=r"pip install 'tiled-xarray\[netcdf3\]'"):
        open_netcdf(tmp_path / "a.nc")


def test_a_large_file_of_version_3_is_refused(tmp_path, monkeypatch):
    DATASET.to_netcdf(tmp_path / "a.nc", engine="scipy")
    monkeypatch.setattr("tiled_xarray.reader.MAX_CLASSIC", 100)
    with pytest.raises(ValueError, match="convert it to version 4"):
        open_netcdf(tmp_path / "a.nc")


def test_times_are_decoded_and_texts_are_texts(tmp_path):
    when = np.array(["2026-01-01", "2026-01-02"], "M8[ns]")
    xr.Dataset({"name": ("time", ["a", "bb"])}, coords={"time": when}).to_netcdf(tmp_path / "a.nc", engine="h5netcdf")
    node = open_netcdf(tmp_path / "a.nc")
    assert node["time"].structure.data_type.kind == "M"
    assert node["name"].structure.data_type.kind == "U"
