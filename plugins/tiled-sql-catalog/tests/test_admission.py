"""Files of one request are admitted as each of them would be alone."""

from __future__ import annotations

import pytest
from tiled_sql_catalog.admission import Admission
from tiled_sql_catalog.fence import Fence

from tiledkernel.errors import Forbidden, Unprocessable
from tiledkernel.nodes.protocols import Asset


@pytest.fixture
def admission(tmp_path):
    inside = tmp_path / "inside"
    inside.mkdir()
    (inside / "a.npy").write_bytes(b"12345")
    (tmp_path / "outside.npy").write_bytes(b"1")
    return Admission(Fence([inside], lambda node, *_: node))


def asset(path, *, is_directory=False):
    return Asset(data_uri=f"file://localhost{path}", is_directory=is_directory, parameter="data_uri")


def test_files_of_a_folder_are_admitted_with_their_sizes(admission, tmp_path):
    (tmp_path / "inside" / "b c.npy").write_bytes(b"123")
    sizes = [admission.admit(asset(tmp_path / "inside" / name)) for name in ("a.npy", "a.npy", "b%20c.npy")]
    assert sizes == [5, 5, 3]


def test_the_folder_is_looked_up_once(admission, tmp_path, monkeypatch):
    (tmp_path / "inside" / "b.npy").write_bytes(b"1")
    admission.admit(asset(tmp_path / "inside" / "a.npy"))
    monkeypatch.setattr(Fence, "check", lambda *_: pytest.fail("asked again"))
    assert admission.admit(asset(tmp_path / "inside" / "b.npy")) == 1


def test_a_link_that_leads_out_is_refused_beside_files_that_are_not(admission, tmp_path):
    admission.admit(asset(tmp_path / "inside" / "a.npy"))
    (tmp_path / "inside" / "link.npy").symlink_to(tmp_path / "outside.npy")
    with pytest.raises(Forbidden, match="lies outside the folders"):
        admission.admit(asset(tmp_path / "inside" / "link.npy"))


def test_a_folder_that_is_a_link_out_is_refused(admission, tmp_path):
    (tmp_path / "inside" / "away").symlink_to(tmp_path)
    for _ in range(2):
        with pytest.raises(Forbidden, match="lies outside the folders"):
            admission.admit(asset(tmp_path / "inside" / "away" / "outside.npy"))


@pytest.mark.parametrize("name", ["..", ".", "..%2Foutside.npy", "../outside.npy", "a.npy/../../outside.npy"])
def test_names_lead_nowhere_else(admission, tmp_path, name):
    admission.admit(asset(tmp_path / "inside" / "a.npy"))
    with pytest.raises((Forbidden, Unprocessable)):
        admission.admit(asset(f"{tmp_path}/inside/{name}"))


def test_a_file_is_no_folder_and_a_folder_no_file(admission, tmp_path):
    (tmp_path / "inside" / "b.zarr").mkdir()
    with pytest.raises(Unprocessable, match="is a file"):
        admission.admit(asset(tmp_path / "inside" / "a.npy", is_directory=True))
    with pytest.raises(Unprocessable, match="is a folder"):
        admission.admit(asset(tmp_path / "inside" / "b.zarr"))
    assert admission.admit(asset(tmp_path / "inside" / "b.zarr", is_directory=True)) is None


def test_a_file_that_is_missing_is_named(admission, tmp_path):
    with pytest.raises(Unprocessable, match=r"there is nothing at .*c\.npy"):
        admission.admit(asset(tmp_path / "inside" / "c.npy"))
