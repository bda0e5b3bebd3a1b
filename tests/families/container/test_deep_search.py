"""Searching a whole tree over HTTP: what is found, pages, counts, and what it may cost."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from typing import Any

import h5py
import numpy as np
import pandas as pd
import pytest

from tiledkernel.composition import Composition
from tiledkernel.errors import BrokenLink
from tiledkernel.families.array.memory import MemoryArray
from tiledkernel.families.container import deep
from tiledkernel.families.container.memory import MemoryContainer
from tiledkernel.nodes.directory import DirectoryOptions
from tiledkernel.plugins import discover
from tiledkernel.trees import build_directory


def array(**metadata: Any) -> MemoryArray:
    return MemoryArray(np.zeros(2), metadata=metadata)


def box(children: Mapping[str, Any], **metadata: Any) -> MemoryContainer:
    return MemoryContainer(children, metadata=metadata)


TREE = box(
    {
        "a": box(
            {"b": box({"c": array(color="red", n=1), "d": array(color="blue")}, color="red"), "e": array(color="red")},
            color="green",
        ),
        "f": array(color="red", n=2),
        "empty": {},
    }
)
RED = "filter[eq][condition][key]=color&filter[eq][condition][value]=%22red%22"


@pytest.fixture(scope="module")
def caller(connect_once):
    return connect_once(TREE)


def paths(page: dict[str, Any]) -> list[str]:
    return ["/".join([*item["attributes"]["ancestors"], item["id"]]) for item in page["data"]]


def follow(caller: Any, path: str, query: str) -> list[list[str]]:
    """The paths on each page; the parameters are sent again with the place of the next page."""
    pages, place = [], ""
    while True:
        page = caller.json(f"search-deep/{path}?{query}{place}")
        pages.append(paths(page))
        link = page["links"]["next"]
        if link is None:
            return pages
        place = "&" + link.partition("?")[2].partition("&")[0]


def test_containers_say_where_to_search_deep(caller) -> None:
    described = caller.json("metadata/a/b")["data"]
    assert described["links"]["search_deep"] == "http://data.example/api/v1/search-deep/a/b"


def test_matches_at_any_depth_are_found_in_the_order_of_an_outline(caller) -> None:
    page = caller.json(f"search-deep/?{RED}")
    assert paths(page) == ["a/b", "a/b/c", "a/e", "f"]
    assert page["meta"] == {"count": 4}
    assert page["links"]["next"] is None


def test_the_start_itself_is_no_match_and_paths_begin_at_the_root(caller) -> None:
    assert paths(caller.json(f"search-deep/a/b?{RED}")) == ["a/b/c"]


def test_without_filters_everything_below_is_listed(caller) -> None:
    assert paths(caller.json("search-deep/?fields=")) == ["a", "a/b", "a/b/c", "a/b/d", "a/e", "f", "empty"]


@pytest.mark.parametrize(("depth", "found"), [(1, ["f"]), (2, ["a/b", "a/e", "f"]), (64, ["a/b", "a/b/c", "a/e", "f"])])
def test_the_depth_can_be_limited(caller, depth, found) -> None:
    assert paths(caller.json(f"search-deep/?{RED}&max_depth={depth}")) == found


def test_filters_combine_and_a_lookup_finds_a_key_at_any_depth(caller) -> None:
    greater = "filter[comparison][condition][operator]=ge&filter[comparison][condition][key]=n"
    assert paths(caller.json(f"search-deep/?{RED}&{greater}&filter[comparison][condition][value]=2")) == ["f"]
    assert paths(caller.json("search-deep/?filter[lookup][condition][key]=c")) == ["a/b/c"]


def test_results_are_described_as_in_a_listing(caller) -> None:
    (found,) = caller.json("search-deep/?filter[lookup][condition][key]=c")["data"]
    assert found == caller.json("search/a/b?filter[lookup][condition][key]=c")["data"][0]
    (brief,) = caller.json("search-deep/?filter[lookup][condition][key]=c&fields=&omit_links=true")["data"]
    assert (brief["id"], brief["attributes"]["metadata"], brief["links"]) == ("c", None, None)


def test_metadata_can_be_selected(caller) -> None:
    (found,) = caller.json("search-deep/?filter[lookup][condition][key]=c&select_metadata=n")["data"]
    assert found["attributes"]["metadata"] == {"selected": 1}


@pytest.mark.parametrize("limit", [1, 2, 3, 7])
@pytest.mark.parametrize("query", [RED, "max_depth=2", "fields="])
def test_pages_together_are_the_results(caller, limit, query) -> None:
    whole = paths(caller.json(f"search-deep/?{query}"))
    pages = follow(caller, "", f"{query}&page[limit]={limit}")
    assert [path for page in pages for path in page] == whole
    assert [len(page) for page in pages[:-1]] == [limit] * (len(pages) - 1)
    assert pages[-1]


@pytest.mark.parametrize("offset", range(6))
def test_an_offset_skips_results(caller, offset) -> None:
    page = caller.json(f"search-deep/?{RED}&page[offset]={offset}&page[limit]=2")
    assert paths(page) == ["a/b", "a/b/c", "a/e", "f"][offset : offset + 2]
    assert page["meta"] == {"count": 4}


def test_links_name_their_page(caller) -> None:
    here = "http://data.example/api/v1/search-deep/a?"
    links = caller.json("search-deep/a?page[offset]=1&page[limit]=1")["links"]
    assert links["self"] == f"{here}page[offset]=1&page[limit]=1"
    assert links["first"] == f"{here}page[limit]=1"
    assert links["next"].startswith(f"{here}page[cursor]=")
    again = caller.get(links["next"].partition("/api/v1/")[2]).json()["links"]
    assert again["self"] == links["next"]


@pytest.mark.parametrize("query", ["fields=count", "page[limit]=0"])
def test_only_the_count_can_be_asked_for(caller, query) -> None:
    page = caller.json(f"search-deep/?{RED}&{query}")
    assert (page["data"], page["meta"], page["links"]["next"]) == ([], {"count": 4}, None)


def test_a_page_that_runs_out_of_budget_leads_on_from_where_it_stopped(caller, monkeypatch) -> None:
    monkeypatch.setattr(deep, "PAGE_NODES", 2)
    pages = follow(caller, "", RED)
    assert pages == [["a/b"], ["a/b/c"], ["a/e", "f"], []]


def test_an_offset_survives_a_page_that_runs_out_of_budget(caller, monkeypatch) -> None:
    monkeypatch.setattr(deep, "PAGE_NODES", 2)
    first = caller.json(f"search-deep/?{RED}&page[offset]=2&page[limit]=1")
    assert (first["data"], first["meta"]) == ([], {"count": 1})
    found, link = [], first["links"]["next"]
    while link is not None:
        page = caller.json(f"search-deep/?{RED}&" + link.partition("?")[2])
        found += paths(page)
        link = page["links"]["next"]
    assert found == ["a/e", "f"]


def test_what_comes_behind_a_page_is_counted_only_so_far(connect, monkeypatch) -> None:
    caller = connect({f"k{number}": 1 for number in range(50)})
    assert caller.json("search-deep/?page[limit]=10")["meta"] == {"count": 50}
    monkeypatch.setattr(deep, "COUNTED_ON", 5)
    assert caller.json("search-deep/?page[limit]=10")["meta"] == {"count": 16}
    assert caller.json("search-deep/?fields=count")["meta"] == {"count": 50}


def test_a_count_that_costs_too_much_is_refused(caller, monkeypatch) -> None:
    monkeypatch.setattr(deep, "COUNT_NODES", 3)
    response = caller.get(f"search-deep/?{RED}&fields=count")
    assert response.status_code == 400
    assert "page by page" in response.json()["detail"]


def test_a_tree_that_changes_between_two_pages_neither_repeats_nor_skips(connect) -> None:
    live = {"a": {"x": 1, "y": 1}, "b": {"x": 1, "y": 1}, "c": 1}
    caller = connect(live)
    first = caller.json("search-deep/?page[limit]=4&fields=")
    assert paths(first) == ["a", "a/x", "a/y", "b"]
    del live["a"]
    place = first["links"]["next"].partition("?")[2]
    assert paths(caller.json(f"search-deep/?fields=&{place}")) == ["b/x", "b/y", "c"]


def test_a_container_inside_itself_has_an_end(connect) -> None:
    loop: dict[str, Any] = {"leaf": 1}
    loop["loop"] = loop
    caller = connect(loop)
    assert caller.json("search-deep/?fields=count")["meta"] == {"count": 128}
    assert len(caller.json("search-deep/?fields=&page[limit]=300")["data"]) == 128


class Failing(Mapping[str, Any]):
    """A container that cannot be listed, or whose children fail."""

    def __init__(self, error: BaseException, *, at: str) -> None:
        self.error, self.at = error, at

    def __iter__(self) -> Iterator[str]:
        if self.at == "listing":
            raise self.error
        return iter(["child"])

    def __len__(self) -> int:
        return 1

    def __getitem__(self, key: str) -> Any:
        raise self.error


@pytest.mark.parametrize("error", [RuntimeError("broken"), BrokenLink("nowhere"), SystemExit(1)])
@pytest.mark.parametrize("at", ["listing", "reading"])
def test_what_fails_below_hurts_only_itself(connect, error, at) -> None:
    bad = MemoryContainer(Failing(error, at=at))
    caller = connect({"bad": box({"inner": bad}, color="red"), "good": array(color="red")})
    assert paths(caller.json(f"search-deep/?{RED}")) == ["bad", "good"]


def test_a_start_that_cannot_be_listed_says_so(connect) -> None:
    caller = connect({"bad": MemoryContainer(Failing(RuntimeError("broken"), at="listing"))})
    assert caller.get("search-deep/bad").status_code == 500


def test_a_search_never_runs_on_the_event_loop(connect) -> None:
    seen = []

    class Spying(MemoryArray):
        @property
        def specs(self) -> tuple[()]:
            seen.append(threading.current_thread())
            return ()

        @specs.setter
        def specs(self, value: object) -> None: ...

    connect({"a": Spying(np.zeros(1))}).json("search-deep/")
    assert seen
    assert threading.main_thread() not in seen


@pytest.mark.parametrize(
    ("query", "status", "sentence"),
    [
        ("sort=color", 400, "leave out 'sort'"),
        ("max_depth=0", 422, "expected 1 to 64"),
        ("max_depth=65", 422, "expected 1 to 64"),
        ("page[limit]=301", 422, "expected 0 to 300"),
        ("page[offset]=-1", 422, "out of range"),
        ("page[offset]=1&page[cursor]=1", 400, "cannot be used together"),
        ("page[cursor]=-1", 422, "take it from the 'next' link"),
        ("page[cursor]=0", 422, "take it from the 'next' link"),
        ("page[cursor]=12345", 422, "take it from the 'next' link"),
        (f"page[cursor]={'9' * 4000}", 422, "take it from the 'next' link"),
        ("page[cursor]=x", 422, "query parameter page[cursor]='x'"),
        ("fields=nope", 422, "unknown field"),
        ("filter[nope][condition][key]=a", 400, "no query named"),
        ("deep=1", 422, "unknown query parameter"),
    ],
)
def test_a_mistake_is_explained(caller, query, status, sentence) -> None:
    response = caller.get(f"search-deep/?{query}")
    assert (response.status_code, response.headers["content-type"]) == (status, "application/json")
    assert sentence in str(response.json()["detail"])


@pytest.mark.parametrize("trail", [(2**64 - 1,), (0,), (2**63, 5), (1,) * 64], ids=["huge", "gone", "two", "deep"])
def test_a_cursor_of_another_tree_is_no_crash(caller, trail) -> None:
    cursor = deep.Position(2**62, 2**62, trail).as_cursor()
    assert caller.get(f"search-deep/?page[cursor]={cursor}").status_code == 200


def test_only_containers_can_be_searched(caller) -> None:
    assert caller.get("search-deep/f").status_code == 404
    assert caller.get("search-deep/nope").status_code == 404


@pytest.fixture
def files(tmp_path, connect) -> Any:
    """A folder with a file that has contents of its own, one that is corrupt, and a folder below."""
    with h5py.File(tmp_path / "scan.h5", "w") as file:
        file.attrs["color"] = "red"
        group = file.create_group("detector")
        group.attrs["color"] = "blue"
        group["counts"] = np.arange(3)
        group["counts"].attrs["color"] = "red"
        group["loop"] = group
        group["dangling"] = h5py.SoftLink("/nowhere")
    (tmp_path / "corrupt.h5").write_bytes(b"nothing")
    (tmp_path / "below").mkdir()
    pd.DataFrame({"x": [1]}).to_csv(tmp_path / "below" / "table.csv", index=False)
    composition = Composition(discover())
    return connect(build_directory(DirectoryOptions(path=str(tmp_path)), composition), composition=composition)


def test_folders_and_the_contents_of_files_are_searched(files) -> None:
    assert paths(files.json(f"search-deep/?{RED}"))[:2] == ["scan", "scan/detector/counts"]
    assert paths(files.json("search-deep/?filter[structure_family][condition][value]=table")) == ["below/table"]
    assert paths(files.json(f"search-deep/scan?{RED}"))[0] == "scan/detector/counts"


def test_a_corrupt_file_is_found_with_its_reason(files) -> None:
    (found,) = files.json("search-deep/?filter[specs][condition][include]=%5B%22unavailable%22%5D")["data"]
    assert found["id"] == "corrupt"
    assert found["attributes"]["metadata"]["unavailable"]["file"] == "corrupt.h5"


def test_pages_go_through_files(files) -> None:
    pages = follow(files, "", "fields=&max_depth=2&page[limit]=1")
    assert [page[0] for page in pages] == ["below", "below/table", "corrupt", "scan", "scan/detector"]
