"""How data sources are described, in the words of either package: what `new` is called with."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow

SCHEMA_PREFIX = "data:application/vnd.apache.arrow.file;base64,"


def vocabulary(package_name: str) -> dict[str, Any]:
    """The classes of a package, by one name each."""
    if package_name == "tiled":
        from tiled.structures.array import ArrayStructure, BuiltinDtype
        from tiled.structures.core import Spec
        from tiled.structures.data_source import Asset, DataSource
        from tiled.structures.sparse import COOStructure as SparseStructure
        from tiled.structures.table import TableStructure

        described = BuiltinDtype.from_numpy_dtype
    else:
        from tiled_sparse.structure import SparseStructure

        from tiledkernel.client.data_sources import Asset, DataSource
        from tiledkernel.families.array.dtypes import from_numpy as described
        from tiledkernel.families.array.structure import ArrayStructure
        from tiledkernel.families.table.structure import TableStructure
        from tiledkernel.specs import Spec
    known = (Spec, Asset, DataSource, ArrayStructure, TableStructure)
    return {kind.__name__: kind for kind in known} | {"SparseStructure": SparseStructure, "described": described}


class Sources:
    """Data sources: such as are reserved in the server, and such as are files in a folder."""

    def __init__(self, package_name: str, files: Path) -> None:
        self._kinds = vocabulary(package_name)
        self._files = files

    def words(self) -> dict[str, Any]:
        """What lines may use."""
        methods = (self.array_structure, self.sparse_structure, self.reserved, self.tiff, self.csv, self.hdf5)
        return {"Spec": self._kinds["Spec"]} | {method.__name__: method for method in methods}

    def array_structure(self, shape: tuple[int, ...], dtype: str) -> Any:
        """An array in one chunk."""
        chunks = tuple((length,) for length in shape)
        data_type = self._kinds["described"](np.dtype(dtype))
        return self._kinds["ArrayStructure"](shape=shape, chunks=chunks, data_type=data_type)

    def sparse_structure(self, shape: tuple[int, ...], chunks: tuple[tuple[int, ...], ...]) -> Any:
        """A sparse array of floats."""
        data_type = self._kinds["described"](np.dtype(float))
        return self._kinds["SparseStructure"](shape=shape, chunks=chunks, data_type=data_type)

    def reserved(self, family: str, structure: Any, mimetype: str | None = None) -> Any:
        """What is to be written later."""
        kind = self._kinds["DataSource"]
        return kind(structure_family=family, structure=structure, mimetype=mimetype, management="writable")

    def tiff(self, names: Sequence[str], shape: tuple[int, ...], dtype: str) -> Any:
        """One image, or a sequence of them."""
        assets = [self._asset(f"{name}.tif", number) for number, name in enumerate(names)]
        mimetype = "multipart/related;type=image/tiff"
        if len(names) == 1:
            assets, mimetype = [self._asset(f"{names[0]}.tif")], "image/tiff"
        return self._external("array", self.array_structure(shape, dtype), mimetype, assets)

    def csv(self, name: str, **columns: str) -> Any:
        """A table in one file."""
        schema = base64.b64encode(pyarrow.schema(list(columns.items())).serialize()).decode()
        structure = self._kinds["TableStructure"](
            arrow_schema=SCHEMA_PREFIX + schema, npartitions=1, columns=tuple(columns)
        )
        return self._external("table", structure, "text/csv", [self._asset(f"{name}.csv", 0)])

    def hdf5(self, name: str) -> Any:
        """A file that is a tree of its own."""
        return self._external("container", None, "application/x-hdf5", [self._asset(f"{name}.h5", 0)])

    def _asset(self, name: str, number: int | None = None) -> Any:
        uri, parameter = f"file://localhost{self._files / name}", "data_uri" if number is None else "data_uris"
        return self._kinds["Asset"](data_uri=uri, is_directory=False, parameter=parameter, num=number)

    def _external(self, family: str, structure: Any, mimetype: str, assets: list[Any]) -> Any:
        kind = self._kinds["DataSource"]
        return kind(
            structure_family=family, structure=structure, mimetype=mimetype, assets=assets, management="external"
        )
