"""A folder of files is a tree that mirrors it."""

from __future__ import annotations

import logging
import os
import shutil
import time
from pathlib import Path

import pytest

from tiledkernel.errors import BrokenLink, ConfigurationError, Forbidden, Unavailable
from tiledkernel.nodes import listings, walk
from tiledkernel.nodes.directory import DirectoryNode, DirectoryOptions, directory_tree
from tiledkernel.nodes.files import FileEntry
from tiledkernel.nodes.readers import ReaderTable
from tiledkernel.records import Reader


def logged(caplog: pytest.LogCaptureFixture, level: int) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelno == level]


# Keys


def test_keys_are_file_names_without_all_their_suffixes(put, serve) -> None:
    for name in ("a.npy", "thing.tar.npy", "UPPER.NPY", "b.x.npy", "sub.dir/c.npy"):
        put(name)
    tree = serve()
    assert tree.keys() == ["UPPER", "a", "b", "sub", "thing"]
    assert list(tree["sub"]) == ["c"]
    assert isinstance(tree["a"], FileEntry)
    assert isinstance(tree["sub"], DirectoryNode)


def test_a_folder_is_a_container_with_as_many_children_as_it_lists(put, serve) -> None:
    put("a.npy")
    put("sub/b.npy")
    tree = serve()
    assert (tree.family, len(tree), list(tree), tree.metadata, tree.specs) == ("container", 2, ["a", "sub"], {}, ())
    assert "a" in tree
    assert "a.npy" not in tree
    with pytest.raises(KeyError):
        tree["a.npy"]


def test_an_empty_folder_is_an_empty_container(folder, serve) -> None:
    (folder / "empty").mkdir()
    assert list(serve()["empty"]) == []


def test_hidden_names_are_left_out(put, serve) -> None:
    put(".hidden.npy")
    put(".git/a.npy")
    assert serve().keys() == []


def test_keys_may_keep_their_suffixes(put, serve) -> None:
    put("a.tar.npy")
    put("d.x/b.npy")
    assert serve(keep_ext=True).keys() == ["a.tar.npy", "d.x"]


def test_two_files_that_want_one_key_are_both_left_out_and_both_named_once(put, serve, caplog) -> None:
    put("sub/dup.npy")
    put("sub/dup.lone")
    put("sub/other.npy")
    tree = serve()
    with caplog.at_level(logging.INFO):
        assert tree["sub"].keys() == ["other"]
        assert tree["sub"].keys() == ["other"]
    (warning,) = logged(caplog, logging.WARNING)
    assert "sub/dup.npy" in warning
    assert "sub/dup.lone" in warning


def test_a_folder_and_a_file_may_collide_too(put, serve) -> None:
    put("a.npy")
    put("a/b.npy")
    assert serve().keys() == []
    assert serve(keep_ext=True).keys() == ["a", "a.npy"]


def test_a_name_that_is_no_text_is_left_out_with_a_warning(folder, put, serve, caplog) -> None:
    put("a.npy")
    shutil.copy(folder / "a.npy", os.fsencode(folder) + b"/\xff.npy")
    assert serve().keys() == ["a"]
    assert "no valid text" in logged(caplog, logging.WARNING)[0]


# Which reader


def test_files_that_nobody_claims_are_skipped_with_one_line_each(put, serve, caplog) -> None:
    put("notes.unknown", b"words")
    put("README", b"words")
    put("a.npy")
    tree = serve()
    with caplog.at_level(logging.INFO):
        assert tree.keys() == ["a"]
        assert tree.keys() == ["a"]
    assert logged(caplog, logging.INFO) == [
        "skipped README: no reader claims it",
        "skipped notes.unknown: no reader claims it",
    ]


def test_a_file_without_a_known_suffix_is_recognised_by_how_it_begins(put, serve) -> None:
    put("scan", [1, 2])
    put("data.bin", [3])
    tree = serve()
    assert tree.keys() == ["data", "scan"]
    assert tree["scan"].open().array.tolist() == [1, 2]


def test_the_longest_suffix_decides(put, serve) -> None:
    put("a.tar.lone")
    put("b.npy.lone")
    tree = serve()
    assert {tree[key].reader.media_type for key in tree} == {"application/x-lone"}


def test_an_odd_extension_can_be_given_a_media_type(put, serve) -> None:
    put("a.stuff", [1])
    put("b.odd.npy", [2])
    tree = serve(ext={".stuff": "application/x-npy", "odd.npy": "application/x-lone"})
    assert tree["a"].open().array.tolist() == [1]
    assert tree["b"].reader.media_type == "application/x-lone"


def test_an_extension_of_an_unknown_media_type_is_a_configuration_error(serve) -> None:
    with pytest.raises(ConfigurationError, match=r"\.stuff=text/none.*application/x-npy"):
        serve(ext={".stuff": "text/none"})


def test_a_hook_has_the_last_word_on_media_types(put, serve) -> None:
    put("described", b'{"type": "application/x-bad"}')
    put("unclaimed", b'{"type": "application/unknown"}')
    put("a.npy")
    tree = serve(mimetype_hook="toy_readers:by_content")
    assert {key: tree[key].reader.media_type for key in tree} == {
        "a": "application/x-npy",
        "described": "application/x-bad",
    }


def test_a_hook_that_fails_hurts_only_its_file(put, serve, caplog) -> None:
    put("raises", b"")
    put("a.npy")
    assert serve(mimetype_hook="toy_readers:by_content").keys() == ["a"]
    assert caplog.records[0].exc_info is not None


def test_only_included_suffixes_are_listed_and_folders_are_entered_anyway(put, serve) -> None:
    for name in ("a.npy", "b.lone", "sub/c.npy", "sub/d.lone", "e.group/x.npy"):
        put(name)
    tree = serve(include_ext=["lone"])
    assert tree.keys() == ["b", "sub"]
    assert tree["sub"].keys() == ["d"]
    assert serve(include_ext=[".group"]).keys() == ["e", "sub"]


def test_a_folder_in_the_format_of_a_reader_is_one_node(put, serve) -> None:
    put("a.group/x.npy", [1])
    put("a.group/y.npy", [2])
    tree = serve()
    assert tree.keys() == ["a"]
    assert list(tree["a"].open()) == ["x", "y"]


def test_a_root_in_the_format_of_a_reader_is_one_node(folder, put, toys, serve) -> None:
    put("root.group/x.npy", [1])
    root = directory_tree(DirectoryOptions(path=str(folder / "root.group")), _readers(), toys.adopt)
    assert isinstance(root, FileEntry)
    assert root.open()["x"].array.tolist() == [1]
    assert root.manifest(1) == ["x.npy"]


def _readers() -> ReaderTable:
    reader = Reader(
        media_type="application/x-group", suffixes=(".group",), open="toy_readers:open_group", directory=True
    )
    return ReaderTable([(reader, "toy")])


MARKED = Reader(
    media_type="application/x-marked", markers=("mark.json",), open="toy_readers:open_group", directory=True
)


def test_a_folder_is_known_by_a_file_in_it_whenever_that_comes(folder, put, toys) -> None:
    put("plain/x.npy", [1])
    tree = directory_tree(DirectoryOptions(path=str(folder)), ReaderTable([(MARKED, "toy")]), toys.adopt)
    assert isinstance(tree["plain"], DirectoryNode)
    put("plain/mark.json")
    assert list(tree["plain"].open()) == ["x"]
    (folder / "plain/mark.json").unlink()
    assert isinstance(tree["plain"], DirectoryNode)


def test_a_root_is_known_by_a_file_in_it(folder, put, toys) -> None:
    put("root/mark.json")
    put("root/x.npy", [1])
    root = directory_tree(DirectoryOptions(path=str(folder / "root")), ReaderTable([(MARKED, "toy")]), toys.adopt)
    assert list(root.open()) == ["x"]


def test_the_stamp_of_a_marked_folder_changes_with_its_marker_and_looks_at_no_other_file(folder, put, toys) -> None:
    put("a/mark.json")
    put("a/deep/x.npy", [1])
    entry = directory_tree(DirectoryOptions(path=str(folder)), ReaderTable([(MARKED, "toy")]), toys.adopt)["a"]
    before = entry.stamp()
    put("a/deep/y.npy", [2])
    assert entry.stamp() == before
    (folder / "a/mark.json").write_text("{}")
    assert entry.stamp() != before


@pytest.mark.parametrize("name", ["absent", "a.npy"])
def test_what_is_no_folder_cannot_be_served(folder, put, toys, name) -> None:
    put("a.npy")
    with pytest.raises(ConfigurationError, match=name):
        directory_tree(DirectoryOptions(path=str(folder / name)), _readers(), toys.adopt)


def test_pipes_are_not_touched(folder, serve) -> None:
    os.mkfifo(folder / "pipe")
    assert serve().keys() == []


# Sequences


def test_numbered_files_are_one_node_in_the_order_of_their_numbers(put, serve) -> None:
    for number in (10, 9, 100):
        put(f"scan{number}.npy", [number])
    tree = serve()
    assert tree.keys() == ["scan"]
    assert tree["scan"].open().array.tolist() == [[9], [10], [100]]


def test_a_single_numbered_file_is_a_sequence_too(put, serve) -> None:
    put("scan_007.npy", [7, 7])
    assert serve()["scan_"].open().array.shape == (1, 2)


def test_files_that_are_only_a_number_are_unnamed(put, serve) -> None:
    put("1.npy")
    put("2.npy")
    assert serve().keys() == ["_unnamed"]


def test_the_stem_of_a_sequence_loses_its_suffixes_as_any_name(put, serve) -> None:
    put("scan.v1_001.npy")
    assert serve().keys() == ["scan"]


def test_files_of_different_types_are_separate_sequences(put, serve, caplog) -> None:
    put("a1.npy")
    put("b1.stuff")
    put("b2.npy")
    tree = serve(ext={"stuff": "application/x-npy"})
    assert [path.name for path in tree["b"].paths] == ["b1.stuff", "b2.npy"]
    put("a2.lone")  # its reader knows no sequences
    assert tree.keys() == ["a", "a2", "b"]


# Changes


def test_new_changed_and_deleted_files_show_at_once(folder, put, serve) -> None:
    put("a.npy", [1])
    tree = serve()
    assert tree.keys() == ["a"]
    put("b.npy", [2])
    assert tree.keys() == ["a", "b"]
    assert tree["a"].open().array.tolist() == [1]
    put("a.npy", [1, 1])
    assert tree["a"].open().array.tolist() == [1, 1]
    (folder / "a.npy").unlink()
    assert tree.keys() == ["b"]


def test_a_file_that_appears_within_the_clock_tick_of_the_last_look_shows(folder, put, serve) -> None:
    put("a.npy")
    tree = serve()
    before = folder.stat()
    assert tree.keys() == ["a"]
    put("b.npy")
    os.utime(folder, ns=(before.st_atime_ns, before.st_mtime_ns))  # as a coarse clock would have it
    assert tree.keys() == ["a", "b"]


def test_a_folder_at_rest_is_not_read_again(put, serve, age, monkeypatch) -> None:
    put("a.npy")
    age()
    tree = serve()
    assert tree.keys() == ["a"]
    monkeypatch.setattr(listings, "scan", None)  # reading it again would fail
    assert tree.keys() == ["a"]


def test_a_file_that_is_recognised_only_when_it_has_grown_shows_then(folder, put, serve, age) -> None:
    put("scan", b"")
    age()
    tree = serve()
    assert tree.keys() == []
    put("scan", [1])
    age()
    assert tree.keys() == ["scan"]


def test_files_are_looked_into_once(put, serve, monkeypatch) -> None:
    put("scan", [1])
    tree = serve()
    assert tree.keys() == ["scan"]
    put("other.npy")
    monkeypatch.setattr(Path, "open", None)  # looking into a file again would fail
    assert tree.keys() == ["other", "scan"]


def test_a_folder_may_change_while_it_is_walked(folder, put, serve) -> None:
    for name in ("a.npy", "b.npy", "c.npy"):
        put(name)
    tree = serve()
    seen = []
    for key in tree:
        seen.append(key)
        (folder / "b.npy").unlink(missing_ok=True)
        put("d.npy")
    assert seen == ["a", "b", "c"]
    assert tree.keys() == ["a", "c", "d"]


def test_a_folder_that_vanishes_is_unavailable(folder, put, serve) -> None:
    put("sub/a.npy")
    sub = serve()["sub"]
    shutil.rmtree(folder / "sub")
    with pytest.raises(Unavailable, match="no such file"):
        sub.keys()


def test_a_folder_that_may_not_be_read_is_unavailable_and_its_siblings_are_not(folder, put, serve, monkeypatch) -> None:
    put("closed/a.npy")
    put("b.npy")
    real = os.scandir

    def scandir(path: Path) -> object:
        if Path(path).name == "closed":
            raise PermissionError(13, "Permission denied")
        return real(path)

    monkeypatch.setattr(os, "scandir", scandir)
    tree = serve()
    assert tree.keys() == ["b", "closed"]
    with pytest.raises(Unavailable, match="permission denied") as caught:
        len(tree["closed"])
    assert str(folder) not in str(caught.value)


def test_the_listing_stamp_differs_when_children_come_or_go(put, serve) -> None:
    put("a.npy")
    tree = serve()
    before = tree.listing_stamp()
    time.sleep(0.02)
    put("b.npy")
    assert tree.listing_stamp() != before


# Links


def test_links_that_lead_out_are_left_out_with_a_warning(folder, put, serve, tmp_path, caplog) -> None:
    put("a.npy")
    shutil.copy(folder / "a.npy", tmp_path / "secret.npy")
    (tmp_path / "private").mkdir()
    (folder / "out.npy").symlink_to(tmp_path / "secret.npy")
    (folder / "outside").symlink_to(tmp_path / "private")
    (folder / "dangling.npy").symlink_to("nowhere.npy")
    assert serve().keys() == ["a"]
    assert len(logged(caplog, logging.WARNING)) == 3
    assert str(tmp_path) not in caplog.text


def test_links_inside_are_followed(folder, put, serve) -> None:
    put("a/b.npy", [1])
    (folder / "link.npy").symlink_to("a/b.npy")
    (folder / "folder").symlink_to("a")
    tree = serve()
    assert tree.keys() == ["a", "folder", "link"]
    assert tree["link"].open().array.tolist() == [1]
    assert tree["folder"]["b"].open().array.tolist() == [1]


def test_a_link_that_leads_back_up_ends_the_walk(folder, put, serve) -> None:
    put("a/b/c.npy")
    (folder / "a" / "b" / "up").symlink_to("..")
    (folder / "a" / "here").symlink_to(".")
    tree = serve()
    for parent, key in ((tree["a"]["b"], "up"), (tree["a"], "here")):
        assert key in parent
        with pytest.raises(BrokenLink, match="leads back"):
            parent[key]


def test_two_folders_that_link_to_each_other_end_the_walk(folder, put, serve) -> None:
    put("a/x.npy")
    put("b/y.npy")
    (folder / "a" / "to_b").symlink_to("../b")
    (folder / "b" / "to_a").symlink_to("../a")
    with pytest.raises(BrokenLink):
        serve()["a"]["to_b"]["to_a"]


def test_a_folder_replaced_by_a_link_that_leads_out_is_refused(folder, put, serve, tmp_path) -> None:
    put("sub/a.npy")
    tree = serve()
    item = tree["sub"]["a"]
    (folder / "sub").rename(tmp_path / "moved")
    (folder / "sub").symlink_to(tmp_path / "moved")
    with pytest.raises(Unavailable, match="leads out"):
        item.open()
    with pytest.raises(Forbidden):
        item.asset_path(1)


# Scale


def test_a_folder_of_ten_thousand_files_lists_fast_and_opens_nothing(folder, serve, toys, age) -> None:
    for number in range(10_000):
        (folder / f"f{number}x.npy").touch()
    age()
    tree = serve()
    start = time.perf_counter()
    assert len(tree) == 10_000
    first = time.perf_counter() - start
    start = time.perf_counter()
    for _ in range(100):
        assert tree["f7x"].key == "f7x"
    later = time.perf_counter() - start
    assert first < 2
    assert later < 0.5
    assert toys.opened == []


def test_listings_are_remembered_within_bounds(folder, put, serve, age) -> None:
    for number in range(10):
        put(f"sub{number}x/a.npy")
    age()
    tree = serve()
    tree._listings._max_items = 9
    for key in tree:
        assert tree[key].keys() == ["a"]
    assert tree._listings._items <= 9
    assert tree._listings._items == sum(listings._weight(known) for known in tree._listings._known.values())


def test_scanning_reads_no_status_of_files_with_known_suffixes(put, folder, serve, monkeypatch) -> None:
    put("a.npy")
    monkeypatch.setattr(walk._Scan, "_look", None)
    assert serve().keys() == ["a"]
