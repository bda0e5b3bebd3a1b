"""Every kind of HDF5 content, held to the contract of readers."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest
import tiled_hdf5

from tiledkernel.testing import ReaderContract, Sample

RECORD = np.dtype([("id", "<i4"), ("name", "S5"), ("where", "<f8", (2, 3)), ("inner", [("a", "u1"), ("b", ">f4")])])
PADDED = np.dtype({"names": ["a", "b"], "formats": ["u1", "<f8"], "offsets": [0, 8], "itemsize": 24})


def numbers() -> dict[str, np.ndarray]:
    chance = np.random.default_rng(1)
    orders = {"|": ["i1", "u1", "b1"], "<": ["i2", "u4", "i8", "u8", "f2", "f4", "f8", "c8", "c16"]}
    orders[">"] = orders["<"]
    codes = [order + code for order, known in orders.items() for code in known]
    arrays = {f"types/{code[1:]}_{ord(code[0])}": chance.integers(0, 100, (7, 5)).astype(code) for code in codes}
    arrays["types/longdouble"] = np.array([1.5, np.nan], np.longdouble)
    arrays["types/fixed_text"] = np.array([[b"ab", b"c"], [b"", b"defg"]])
    arrays["types/opaque"] = np.array([b"\x00\x01\x02", b"abc"], "V3")
    arrays["types/dates"] = np.array(["2024-01-01", "NaT"], "M8[ns]")
    arrays["shapes/scalar"] = np.array(3.5)
    arrays["shapes/empty"] = np.empty((0,), "i4")
    arrays["shapes/zero_axis"] = np.empty((3, 0, 2))
    arrays["shapes/five"] = chance.random((2, 3, 4, 3, 2))
    record = np.zeros((4, 3), RECORD)
    record["id"] = np.arange(12).reshape(4, 3)
    record["name"] = b"pi"
    record["where"] = chance.random((4, 3, 2, 3))
    record["inner"]["b"] = 2.5
    arrays["records/nested"] = record
    arrays["records/scalar"] = record[1, 1].reshape(())
    return arrays


class TestHDF5Reader(ReaderContract):
    reader = tiled_hdf5.READER
    heavy = ("h5py", "numpy")

    @pytest.fixture
    def sample(self, tmp_path: Path) -> Sample:
        arrays = numbers()
        path = tmp_path / "all.h5"
        chance = np.random.default_rng(2)
        with h5py.File(path, "w") as file:
            for name, array in arrays.items():
                if array.dtype.kind == "M":
                    file.create_dataset(name, data=array.astype(h5py.opaque_dtype(array.dtype)))
                else:
                    file.create_dataset(name, data=array)
            padded = np.zeros(5, PADDED)
            padded["b"] = chance.random(5)
            arrays["records/padded"] = padded
            file["records"].create_dataset("padded", data=padded)
            for name, options in {
                "plain": {}, "gzip": {"compression": "gzip"}, "shuffled": {"compression": "gzip", "shuffle": True},
                "lzf": {"compression": "lzf"}, "checked": {"fletcher32": True}, "scaled": {"scaleoffset": 0},
            }.items():  # fmt: skip
                data = chance.integers(0, 1000, (25, 17)).astype("i4")
                arrays[f"chunked/{name}"] = data
                file.create_dataset(f"chunked/{name}", data=data, chunks=(10, 8), **options)
            growing = file.create_dataset(
                "chunked/growing", (3, 5), "f4", chunks=(8, 4), maxshape=(None, 5), fillvalue=7
            )
            growing[1] = 1
            arrays["chunked/growing"] = growing[...]
            words = ["", "a", "naïve", "words"]
            file.create_dataset("texts/variable", data=words, dtype=h5py.string_dtype())
            arrays["texts/variable"] = np.array([word.encode() for word in words])
            file.create_dataset("texts/scalar", data="hello")
            arrays["texts/scalar"] = np.array(b"hello")
            file.create_dataset("texts/unwritten", (2, 2), h5py.string_dtype("ascii"))
            arrays["texts/unwritten"] = np.array([[b"", b""], [b"", b""]], "S1")
            described = np.array([(1, b"one"), (2, b"three")], [("n", "i4"), ("s", h5py.string_dtype())])
            file.create_dataset("texts/in_records", data=described)
            arrays["texts/in_records"] = described.astype([("n", "i4"), ("s", "S5")])
            triples = file.create_dataset("shapes/of_triples", (4, 2), np.dtype(("f8", (3,))))
            triples[...] = chance.random((4, 2, 3))
            arrays["shapes/of_triples"] = triples[...]
            file.create_dataset(
                "references", data=np.array([file["texts"].ref, file["shapes/five"].ref], h5py.ref_dtype)
            )
            arrays["references"] = np.array([b"/texts", b"/shapes/five"])
            file.create_dataset("shapes/null", data=h5py.Empty("f4"))
            arrays["shapes/null"] = np.empty(0, "f4")
            file["soft"] = h5py.SoftLink("/chunked/gzip")
            file["nowhere"] = h5py.SoftLink("/nothing")
            arrays["soft"] = arrays["chunked/gzip"]
            file.attrs["title"] = "a test"
            file["types"].attrs["count"] = np.int16(19)
        return Sample(path=path, arrays=arrays, metadata={"": {"title": "a test"}, "types": {"count": 19}})
