"""What a user does with a client, once with `tiled` and once with `tiledkernel`.

Run as `python script.py PACKAGE URL ANSWERS`.

The steps use the public interface that both share, and what they find is written as JSON, one entry a step. It runs in
the environment of either client, so it imports nothing of the tests.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import io
import json
import tempfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

Step = Callable[[Any, Any], Any]
STEPS: dict[str, Step] = {}


def step(function: Step) -> Step:
    """Add a step; it takes the client and the package's modules."""
    STEPS[function.__name__] = function
    return function


def plain(value: Any) -> Any:
    """A value that two processes can compare."""
    if isinstance(value, np.ndarray | np.generic):
        array = np.asarray(value)
        dtype = np.lib.format.dtype_to_descr(array.dtype)
        return {"shape": list(array.shape), "dtype": dtype, "values": repr(array.tolist())}
    if hasattr(value, "to_dict") and hasattr(value, "columns"):  # a DataFrame
        return {str(name): [str(item) for item in value[name]] for name in value.columns}
    if isinstance(value, dict):
        return {str(key): plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [plain(inner) for inner in value]
    return value if isinstance(value, str | int | float | bool | None) else repr(value)


def exported(export: Callable[..., Any], name: str, **options: Any) -> Any:
    """The file that an export writes: its size and its checksum."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        export(str(path), **options)
        content = path.read_bytes()
    return {"size": len(content), "checksum": zlib.crc32(content)}


def failure(action: Callable[[], Any]) -> str:
    """The kind of error that a mistake gives."""
    try:
        action()
    except Exception as error:  # noqa: BLE001 - its kind is what is compared
        return type(error).__name__
    return "nothing"


@step
def overview(client, package) -> Any:
    drawn = io.StringIO()
    with contextlib.redirect_stdout(drawn):
        package.tree(client["demo"], max_lines=None)
    return [repr(client["demo"]), len(client["demo"]), list(client["demo"]), drawn.getvalue()]


@step
def views(client, package) -> Any:
    demo = client["demo"]
    return [
        demo.keys().first(),
        demo.keys().last(),
        demo.keys().head(3),
        demo.keys().tail(2),
        demo.keys()[1:3],
        [repr(value) for value in demo.values()[:4]],
        [(key, repr(value)) for key, value in demo.items()[4:6]],
    ]


@step
def metadata(client, package) -> Any:
    return [repr(client["demo"].metadata), repr(client["demo", "short_table"].metadata), client["demo"].uri[-5:]]


@step
def paths(client, package) -> Any:
    return [
        repr(client["demo/structured_data/pets"]),
        repr(client["demo", "structured_data", "pets"]),
        repr(client["demo"]["structured_data"]["pets"]),
        failure(lambda: client["demo"]["nope"]),
        failure(lambda: client["demo", "structured_data", "nope"]),
        "nope" in client["demo"],
    ]


@step
def slices(client, package) -> Any:
    image, cube = client["demo", "medium_image"], client["demo", "tiny_cube"]
    indices = [np.s_[0, 0], np.s_[5], np.s_[:3, :3], np.s_[-2:, ::400], np.s_[10:10], np.s_[..., 3], np.s_[900:2000, 1]]
    return [[image[index] for index in indices], cube[1, :2, ::25], cube[..., -1, :1]]


@step
def whole_arrays(client, package) -> Any:
    return [client["demo", key].read() for key in ("tiny_image", "flat_array", "low_entropy")]


@step
def structured_arrays(client, package) -> Any:
    pets = client["demo", "structured_data", "pets"]
    return [repr(pets), pets.read(), str(pets.dtype)]


@step
def blocks(client, package) -> Any:
    big = client["demo", "big_image"]
    return [big.chunks, np.sum(big.read_block((1, 2))), big.read_block((0, 0), slice=np.s_[:2, :2])]


@step
def mistakes(client, package) -> Any:
    image = client["demo", "tiny_image"]
    return [failure(lambda: image[500]), failure(lambda: image.read_block((9, 9)))]


@step
def tables(client, package) -> Any:
    table = client["demo", "short_table"]
    return [list(table), table.read(), table.read(["B"]), list(table.read().index)[:3]]


@step
def partitions(client, package) -> Any:
    table = client["demo", "long_table"]
    part = table.read_partition(1, columns=["C"])
    return [len(table.read()), len(part), [int(number) for number in part.index[:2]], table.structure().npartitions]


@step
def columns(client, package) -> Any:
    return [repr(client["demo", "short_table"]["A"]), client["demo", "short_table", "A"].read()]


@step
def sparse_arrays(client, package) -> Any:
    image = client["demo", "sparse_image"]
    parts = [image.read(), image[0], image[-3:, :50], image.read_block((0, 0))]
    return [repr(image), image.dims, sorted(image.formats), image.todense(), *(part.todense() for part in parts)]


@step
def awkward_arrays(client, package) -> Any:
    array = client["demo", "awkward_array"]
    found = [array.read(), array["x"], array[0, "y"], array[:2], array[-1]]
    return [repr(array), sorted(array.formats), [part.to_list() for part in found], str(array.read().type)]


@step
def ragged_arrays(client, package) -> Any:
    array = client["nested", "nested", "ragged_array"]
    indices = [np.s_[...], 0, np.s_[0, 1], np.s_[0, 0, 1], np.s_[:2], np.s_[:, :1], -1]
    about = [repr(array), array.shape, array.size, array.chunks, str(array.dtype), sorted(array.formats)]
    return [*about, [array[index].tolist() for index in indices]]


@step
def datasets(client, package) -> Any:
    weather, cooling = client["demo", "structured_data", "xarray_dataset"], client["minimal", "D"]
    found = []
    for dataset in (weather.read(), cooling.read()):
        found += [dict(dataset.sizes), sorted(dataset.coords), dataset.attrs]
        found += [[str(name), list(value.dims), value.to_numpy()] for name, value in sorted(dataset.variables.items())]
    return [repr(weather), list(weather), sorted(weather.formats), weather["lon"][1], *found]


@step
def exports_of_other_kinds(client, package) -> Any:
    sparse, awkward = client["demo", "sparse_image"], client["demo", "awkward_array"]
    return [
        exported(sparse.export, "x.csv", slice=np.s_[:50]),
        exported(awkward.export, "x.json"),
        exported(client["nested", "nested", "ragged_array"].export, "x.json", slice=np.s_[:2]),
        exported(client["minimal", "D"].export, "x.csv"),
    ]


@step
def searches(client, package) -> Any:
    queries, demo = package.queries, client["demo"]
    asked = [
        queries.Key("color") == "red",
        queries.Key("color") != "red",
        queries.FullText("dog"),
        queries.Regex("color", "^gr"),
        queries.Contains("color", "red"),
        queries.Comparison("gt", "color", "green"),
        queries.In("color", ["red", "blue"]),
        queries.NotIn("color", ["red"]),
        queries.KeyPresent("animal"),
        queries.KeysFilter(["flat_array", "dynamic"]),
        queries.StructureFamilyQuery("table"),
        queries.SpecsQuery(["nope"]),
    ]
    return [list(demo.search(query)) for query in asked]


@step
def searches_chain(client, package) -> Any:
    queries = package.queries
    found = client["demo"].search(queries.Key("color") == "green").search(queries.Key("animal") == "cat")
    return [list(found), len(found), repr(found), failure(lambda: found["short_table"])]


@step
def orders(client, package) -> Any:
    demo = client["demo"]
    return [
        list(demo.sort(("color", 1), ("animal", -1))),
        list(demo.sort(("id", -1))),
        demo.sort(("color", -1)).keys().head(3),
    ]


@step
def distinct(client, package) -> Any:
    found = client["demo"].distinct("color", "animal", structure_families=True, counts=True)
    return {kind: sorted(map(repr, values)) if isinstance(values, list) else values for kind, values in found.items()}


@step
def exports(client, package) -> Any:
    demo = client["demo"]
    return [
        exported(demo["tiny_image"].export, "a.csv"),
        exported(demo["medium_image"].export, "a.png", slice=np.s_[:50, 100:200]),
        exported(demo["short_table"].export, "a.csv", columns=["A", "B"]),
        failure(lambda: exported(demo["tiny_image"].export, "a.nope")),
    ]


@step
def folders(client, package) -> Any:
    drawn = io.StringIO()
    with contextlib.redirect_stdout(drawn):
        package.tree(client["files"], max_lines=None)
    return [list(client["files"]), drawn.getvalue()]


@step
def hdf5(client, package) -> Any:
    scan = client["files", "scan"]
    return [
        repr(scan),
        repr(scan.metadata),
        repr(scan["detector", "counts"]),
        repr(scan["detector", "counts"].metadata),
        scan["detector", "counts"][3:5, ::4],
        scan["detector", "counts"].read_block((1, 0)),
        scan["detector", "names"].read(),
        scan["time"].read(),
    ]


@step
def broken_links(client, package) -> Any:
    scan = client["links", "scan"]
    return [list(scan), scan["time"].read(), failure(lambda: scan["dangling"])]


@step
def tiff(client, package) -> Any:
    frames = client["files", "series", "frame"]
    return [repr(frames), frames[1, :2], frames[::2, 0, 0], client["files", "single"].read()]


@step
def csv(client, package) -> Any:
    table = client["files", "spectrum"]
    return [list(table), table.read(), table["x"].read()]


@step
def parquet(client, package) -> Any:
    table = client["files", "events"]
    return [list(table), table.read(), table.read(["when"])]


@step
def corrupt(client, package) -> Any:
    return [
        (key, repr(client["files", "broken", key]), dict(client["files", "broken", key].metadata))
        for key in client["files", "broken"]
    ]


@step
def raw_files(client, package) -> Any:
    with tempfile.TemporaryDirectory() as folder:
        paths = client["files", "spectrum"].raw_export(folder)
        return [(Path(path).name, zlib.crc32(Path(path).read_bytes())) for path in paths]


def main() -> None:
    """Run every step, and write what each found; an error stands in place of a result."""
    parser = argparse.ArgumentParser()
    parser.add_argument("package")
    parser.add_argument("url")
    parser.add_argument("answers", type=Path)
    arguments = parser.parse_args()
    package = importlib.import_module(f"{arguments.package}.client")
    package.queries = importlib.import_module(f"{arguments.package}.queries")
    client = package.from_uri(arguments.url)
    found = {}
    for name, function in STEPS.items():
        try:
            found[name] = plain(function(client, package))
        except Exception as error:  # noqa: BLE001 - it is reported with its step
            found[name] = {"error": f"{type(error).__name__}: {error}"}
    arguments.answers.write_text(json.dumps(found), encoding="utf-8")


if __name__ == "__main__":
    main()
