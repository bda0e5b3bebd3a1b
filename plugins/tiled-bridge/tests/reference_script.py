"""Adapters of Tiled, served by Tiled and by the bridge, each read by its own client: what do the two find?

Run as `python reference_script.py FOLDER ANSWERS` in an environment that has both. The steps use what both clients
have; what they find is written as JSON, {step: {package: found}}. Nothing of either package is imported before it
runs, so that the tests can read the names of the steps.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

Step = Callable[[Any, Any], Any]
STEPS: dict[str, Step] = {}
PACKAGES = ("tiled", "tiledkernel")
RECORDS = np.array([("a", 1.5, [1, 2]), ("b", 2.5, [3, 4])], [("name", "U2"), ("x", ">f4"), ("pair", "i2", (2,))])


def step(function: Step) -> Step:
    """Add a step; it takes the client of the tree and the module of queries."""
    STEPS[function.__name__] = function
    return function


@step
def tree(client: Any, queries: Any) -> Any:
    return list(client), len(client), dict(client.metadata), {key: repr(child) for key, child in client.items()}


@step
def structures(client: Any, queries: Any) -> Any:
    return {key: item["attributes"]["structure"] for key, item in described(client)}


@step
def metadata_and_specs(client: Any, queries: Any) -> Any:
    found = described(client)
    return {key: (item["attributes"]["metadata"], item["attributes"]["specs"]) for key, item in found}


def described(client: Any) -> list[tuple[str, Any]]:
    children = client["families"].items()
    return [(key, child.item) for key, child in children if child.item["attributes"]["structure_family"] != "container"]


@step
def array(client: Any, queries: Any) -> Any:
    x = client["families", "array"]
    return x.read(), x[3], x[1:4, ::-2], x[-1, 2:3], x[4:4], x.read_block((1, 0)), x.read_block((0, 0), np.s_[1, :2])


@step
def arrays_of_all_kinds(client: Any, queries: Any) -> Any:
    return {key: child.read() for key, child in client["kinds"].items()}


@step
def lazy_array(client: Any, queries: Any) -> Any:
    x = client["families", "dask"]
    return x.read(), x[7], x.read_block((1, 0))


@step
def table(client: Any, queries: Any) -> Any:
    t = client["families", "table"]
    return t.read(), t.read(["y"]), t.read_partition(1), t["x"].read(), list(t), t.structure().npartitions


@step
def table_without_an_index(client: Any, queries: Any) -> Any:
    return client["families", "plain_table"].read()


@step
def sparse_array(client: Any, queries: Any) -> Any:
    x = client["families", "sparse"]
    block = x.read_block((1, 0))
    return x.read().todense(), x[1:3].todense(), block.coords.tolist(), block.data


@step
def awkward_array(client: Any, queries: Any) -> Any:
    x = client["families", "awkward"]
    return x.read().to_list(), x["time"].to_list(), x[1].to_list()


@step
def ragged_array(client: Any, queries: Any) -> Any:
    x = client["families", "ragged"]
    return x.read().tolist(), x[1].tolist(), x[:2].tolist()


@step
def dataset(client: Any, queries: Any) -> Any:
    found = client["families", "dataset"]
    return {key: (child.read(), child.dims, [spec.name for spec in child.specs]) for key, child in found.items()}


@step
def container_slices(client: Any, queries: Any) -> Any:
    colors = client["colors"]
    return list(colors.keys()[1:3]), [key for key, _ in colors.items()[2:]], colors.keys()[0], len(colors.values()[:2])


@step
def searches(client: Any, queries: Any) -> Any:
    q = queries
    asked = [
        q.Key("color") == "red",
        q.Key("color") != "red",
        q.Key("n") > 1,
        q.Key("deep.letter") == "z",
        q.In("color", ["red", "blue"]),
        q.In("color", []),
        q.NotIn("color", ["red"]),
        q.Contains("tags", "hot"),
        q.Regex("color", "^r"),
        q.FullText("zebra"),
        q.StructureFamilyQuery("array"),
        q.StructureFamilyQuery("table"),
        q.KeysFilter(["a", "c"]),
    ]
    return [list(client["colors"].search(query)) for query in asked]


@step
def a_search_within_a_search(client: Any, queries: Any) -> Any:
    found = client["colors"].search(queries.Key("color") == "red").search(queries.Key("n") < 2)
    return list(found), len(found), found["a"].metadata["n"], failure(lambda: found["b"])


@step
def sorts(client: Any, queries: Any) -> Any:
    colors = client["colors"]
    red = colors.search(queries.Key("color") == "red")
    return [
        list(colors.sort(("n", 1))),
        list(colors.sort(("n", -1))),
        list(colors.sort(("color", 1), ("n", -1))),
        list(red.sort(("n", -1))),
    ]


@step
def distinct(client: Any, queries: Any) -> Any:
    found = client["colors"].distinct("color", structure_families=True, counts=True)
    return json.loads(json.dumps(found))


@step
def csv_file(client: Any, queries: Any) -> Any:
    return client["files", "csv"].read(), client["files", "csv"].read(["x"])


@step
def hdf5_file(client: Any, queries: Any) -> Any:
    file = client["files", "hdf5"]
    return list(file), file["group", "x"].read(), file["group", "x"][1:], dict(file.metadata), file["group"].metadata


@step
def a_broken_link(client: Any, queries: Any) -> Any:
    return failure(lambda: client["files", "hdf5", "dangling"])


@step
def image_files(client: Any, queries: Any) -> Any:
    files = client["files"]
    return files["tiff"].read(), files["npy"].read(), files["npy"][1], files["stack"].read(), files["stack"][1, 0]


@step
def zarr_and_excel_files(client: Any, queries: Any) -> Any:
    return client["files", "zarr"].read(), client["files", "zarr"][2:], client["files", "xlsx", "Sheet1"].read()


@step
def a_key_that_is_not_there(client: Any, queries: Any) -> Any:
    return failure(lambda: client["nowhere"]), failure(lambda: client["families", "array", "x"])


@step
def generated_tree(client: Any, queries: Any) -> Any:
    minimal = client["minimal"]
    return {key: child.read() for key, child in minimal.items() if hasattr(child, "read")}


@step
def tasks(client: Any, queries: Any) -> Any:
    return client["started"].metadata["by"]


@step
def catalog(client: Any, queries: Any) -> Any:
    """A tree whose methods are coroutines, with data that were uploaded."""
    runs = client["catalog", "runs"]
    red = client["catalog"].search(queries.Key("color") == "red")
    table = runs["table"]
    return [
        (list(client["catalog"]), list(runs), dict(runs.metadata), list(red), list(runs.sort(("n", -1)))),
        (runs["array"].read(), runs["array"][1:, 0], table.read(), table["y"].read(), runs["sparse"].read().todense()),
        (failure(lambda: runs["nowhere"]), runs["array"].chunks, len(runs)),
    ]


def failure(action: Callable[[], Any]) -> str:
    """The kind of error that a mistake gives."""
    try:
        action()
    except Exception as error:  # noqa: BLE001 - which one it is, is what is looked for
        return next(kind.__name__ for kind in type(error).__mro__ if kind.__module__ == "builtins")
    return "no error"


def plain(value: Any) -> Any:
    """A value that can be compared as JSON."""
    if isinstance(value, (np.ndarray, np.generic)):
        array = np.asarray(value)
        dtype = np.lib.format.dtype_to_descr(array.dtype)
        return {"shape": list(array.shape), "dtype": dtype, "values": repr(array.tolist())}
    if hasattr(value, "to_dict") and hasattr(value, "columns"):  # a DataFrame
        index = {"name": value.index.name, "values": [str(item) for item in value.index]}
        return {"index": index, **{str(name): [str(item) for item in value[name]] for name in value.columns}}
    if hasattr(value, "keys"):
        return {str(key): plain(value[key]) for key in value}
    if isinstance(value, (list, tuple)):
        return [plain(inner) for inner in value]
    return value if isinstance(value, (str, int, float, bool, type(None))) else repr(value)


def make_files(folder: Path) -> None:
    """One file of each kind."""
    h5py, pandas, tifffile, zarr = map(importlib.import_module, ("h5py", "pandas", "tifffile", "zarr"))
    frame = pandas.DataFrame({"x": [1, 2, 3], "label": ["a", "b", "c"]})
    frame.to_csv(folder / "table.csv", index=False)
    frame.to_excel(folder / "book.xlsx", index=False)
    np.save(folder / "numbers.npy", np.arange(12).reshape(3, 4))
    tifffile.imwrite(folder / "image.tif", np.arange(6, dtype=np.uint16).reshape(2, 3))
    for number in range(3):
        np.save(folder / f"frame{number}.npy", np.full((2, 2), number))
    zarr.save(str(folder / "numbers.zarr"), np.arange(5.0))
    with h5py.File(folder / "file.h5", "w") as file:
        file.attrs["sample"] = "Si"
        group = file.create_group("group")
        group.attrs["n"] = 1
        group["x"] = np.arange(4)
        file["dangling"] = h5py.ExternalLink("nowhere.h5", "/data")


def make_catalog(folder: Path) -> Any:
    """A catalog with some data in it."""
    pandas, sparse = map(importlib.import_module, ("pandas", "sparse"))
    from_uri = importlib.import_module("tiled.catalog").from_uri
    storage = folder / "storage"

    def opened() -> Any:
        return from_uri(str(folder / "catalog.db"), writable_storage=[str(storage)], init_if_not_exists=True)

    if not storage.exists():
        with connected("tiled", opened()) as client:
            runs = client.create_container("runs", metadata={"color": "red"})
            runs.write_array(np.arange(6).reshape(3, 2), key="array", metadata={"n": 1})
            frame = pandas.DataFrame({"x": [1, 2], "y": [0.5, 1.5]})
            runs.write_table(frame, key="table", metadata={"n": 2})
            coo = sparse.COO(np.eye(3))
            runs.write_sparse(coords=coo.coords, data=coo.data, shape=coo.shape, key="sparse", metadata={"n": 0})
            client.create_container("empty", metadata={"color": "blue"})
    return opened()


def make_tree(folder: Path) -> Any:
    """Adapters of every kind that Tiled has, in its own containers."""
    awkward, dask, pandas, ragged, sparse, xarray = map(
        importlib.import_module, ("awkward", "dask.array", "pandas", "ragged", "sparse", "xarray")
    )

    def adapter(name: str) -> Any:
        module, _, attribute = name.partition(":")
        return getattr(importlib.import_module(f"tiled.adapters.{module}"), attribute)

    mapping, from_array = adapter("mapping:MapAdapter"), adapter("array:ArrayAdapter").from_array
    frame = pandas.DataFrame({"x": [1, 2, 3, 4], "y": [0.5, None, 1.5, 2.5], "label": ["a", "b", None, "d"]})
    coo = sparse.COO(np.diag([1.0, 0.0, 3.0, 4.0]))
    records = awkward.Array([{"time": 1.5, "hits": [1, 2]}, {"time": 2.5, "hits": []}])
    values = xarray.Dataset({"v": ("t", [1.5, 2.5])}, coords={"t": [0, 1]}, attrs={"made": "here"})

    def of_file(name: str, *files: str) -> Any:
        return adapter(name).from_uris(*(f"file://localhost{folder}/{file}" for file in files))

    class Started(mapping):  # type: ignore[misc,valid-type]
        """A tree whose metadata is made by its start-up task."""

        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            self.startup_tasks = [self.start]

        def metadata(self) -> Any:
            return {"by": getattr(self, "by", "nobody")}

        async def start(self) -> None:
            self.by = "its task"

    started, catalog = Started({}), make_catalog(folder)
    tree = mapping(
        {
            "families": mapping(
                {
                    "array": from_array(np.arange(24).reshape(6, 4), chunks=((2, 2, 2), (4,)), metadata={"units": "m"}),
                    "dask": from_array(dask.arange(20, chunks=10).reshape(10, 2)),
                    "table": adapter("table:TableAdapter").from_pandas(
                        frame.set_index(pandas.Index([5, 6, 7, 8], name="n")), npartitions=2
                    ),
                    "plain_table": adapter("table:TableAdapter").from_pandas(frame, npartitions=1),
                    "sparse": adapter("sparse:COOAdapter").from_global_ref(
                        blocks={
                            (0, 0): (np.array([[0], [0]]), np.array([1.0])),
                            (1, 0): (np.array([[2, 3], [2, 3]]), np.array([3.0, 4.0])),
                        },
                        shape=coo.shape,
                        chunks=((2, 2), (4,)),
                    ),
                    "awkward": adapter("awkward:AwkwardAdapter").from_array(records, metadata={"events": 2}),
                    "ragged": adapter("ragged:RaggedAdapter").from_array(ragged.array([[1.0, 2.0], [3.0], []])),
                    "dataset": adapter("xarray:DatasetAdapter").from_dataset(values),
                }
            ),
            "kinds": mapping(
                {
                    "scalar": from_array(3.5),
                    "texts": from_array(np.array(["a", "bcd"])),
                    "bytes": from_array(np.array([b"a", b"bc"])),
                    "dates": from_array(np.array(["2026-01-01", "2026-02-03"], "M8[D]")),
                    "spans": from_array(np.array([1, 20], "m8[10ms]")),
                    "complex": from_array(np.array([1 + 2j])),
                    "big": from_array(np.array([1, 2], ">i4")),
                    "truth": from_array(np.array([True, False])),
                    "records": from_array(RECORDS),
                    "objects": from_array(np.array(["a", None, 3], object)),
                    "empty": from_array(np.zeros((0, 3))),
                }
            ),
            "colors": mapping(
                {
                    "a": from_array(np.arange(3), metadata={"color": "red", "n": 1, "deep": {"letter": "z"}}),
                    "b": from_array(np.arange(3), metadata={"color": "blue", "n": 3, "tags": ["hot"]}),
                    "c": from_array(np.arange(3), metadata={"color": "red", "n": 2, "text": "a zebra"}),
                    "d": mapping({}, metadata={"color": "green", "n": 0}),
                }
            ),
            "files": mapping(
                {
                    "csv": of_file("csv:CSVAdapter", "table.csv"),
                    "hdf5": of_file("hdf5:HDF5Adapter", "file.h5"),
                    "tiff": of_file("tiff:TiffAdapter", "image.tif"),
                    "npy": of_file("npy:NPYAdapter", "numbers.npy"),
                    "stack": of_file("npy:NPYSequenceAdapter", "frame0.npy", "frame1.npy", "frame2.npy"),
                    "zarr": of_file("zarr:ZarrAdapter", "numbers.zarr"),
                    "xlsx": of_file("excel:ExcelAdapter", "book.xlsx"),
                }
            ),
            "minimal": importlib.import_module("tiled.examples.generated_minimal").tree,
            "started": started,
            "catalog": catalog,
        },
        metadata={"facility": "here"},
    )
    # Tiled looks for tasks at the top only.
    tree.startup_tasks = [*started.startup_tasks, *catalog.startup_tasks]
    tree.shutdown_tasks = catalog.shutdown_tasks
    return tree


@contextlib.contextmanager
def connected(package: str, tree: Any) -> Iterator[Any]:
    """The client of a package, of a server of the same package."""
    client = importlib.import_module(f"{package}.client")
    if package == "tiled":
        app = importlib.import_module("tiled.server.app").build_app(tree)
    else:
        server = importlib.import_module("tiledkernel.server")
        app = server.build_app(tree, settings=server.Settings(allow_anonymous_access=True))
    with client.Context.from_app(app) as context:
        yield client.from_context(context)


def run(client: Any, queries: Any) -> dict[str, Any]:
    """What each step finds."""
    found = {}
    for name, function in STEPS.items():
        try:
            found[name] = plain(function(client, queries))
        except Exception as error:  # noqa: BLE001 - one step that fails leaves the others to be compared
            found[name] = {"error": f"{type(error).__name__}: {error}"}
    return found


def main(folder: Path, answers: Path) -> None:
    make_files(folder)
    found = {}
    for package in PACKAGES:
        with connected(package, make_tree(folder)) as client:
            found[package] = run(client, importlib.import_module(f"{package}.queries"))
    by_step = {name: {package: found[package][name] for package in PACKAGES} for name in STEPS}
    answers.write_text(json.dumps(by_step), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
