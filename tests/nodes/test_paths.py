"""No path leads out of the folder that is served."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tiledkernel.errors import BadRequest, Forbidden, KernelError, NotFound, Unavailable
from tiledkernel.nodes.paths import SafeRoot, files_below


@pytest.fixture
def root(tmp_path: Path) -> SafeRoot:
    (tmp_path / "served" / "sub").mkdir(parents=True)
    (tmp_path / "served" / "sub" / "a.txt").write_text("a")
    (tmp_path / "served2").mkdir()
    (tmp_path / "served2" / "secret.txt").write_text("s")
    return SafeRoot(tmp_path / "served")


def test_relative_and_absolute_paths_inside_are_real_paths(root: SafeRoot) -> None:
    expected = root.path / "sub" / "a.txt"
    assert root.check("sub/a.txt") == expected
    assert root.check(expected) == expected
    assert root.check("sub/../sub/./a.txt") == expected
    assert root.check(root.path) == root.path


@pytest.mark.parametrize(
    "path", ["..", "../served2/secret.txt", "../served2/absent", "sub/../../served2", "/etc/passwd", "/absent/x"]
)
def test_what_leads_out_is_forbidden_whether_it_exists_or_not(root: SafeRoot, path) -> None:
    with pytest.raises(Forbidden, match="leads out"):
        root.check(path)


@pytest.mark.parametrize("target", ["../../served2/secret.txt", "/etc", "../../served2"])
def test_links_that_lead_out_are_forbidden(root: SafeRoot, target) -> None:
    (root.path / "sub" / "link").symlink_to(target)
    with pytest.raises(Forbidden, match="sub/link"):
        root.check("sub/link")


def test_a_path_through_a_link_to_a_folder_outside_is_forbidden(root: SafeRoot) -> None:
    (root.path / "out").symlink_to(root.path.parent / "served2")
    with pytest.raises(Forbidden):
        root.check("out/secret.txt")


def test_links_inside_are_followed(root: SafeRoot) -> None:
    (root.path / "link.txt").symlink_to("sub/a.txt")
    assert root.check("link.txt") == root.path / "sub" / "a.txt"


@pytest.mark.parametrize("path", ["absent", "sub/a.txt/below", "n" * 300, "x/" * 3000])
def test_what_is_not_there_is_not_found(root: SafeRoot, path) -> None:
    with pytest.raises(NotFound):
        root.check(path)


def test_dangling_links_and_circles_are_not_found(root: SafeRoot) -> None:
    (root.path / "dangling").symlink_to("nowhere")
    (root.path / "circle").symlink_to("circle")
    for name in ("dangling", "circle"):
        with pytest.raises(NotFound):
            root.check(name)


def test_a_folder_that_the_server_may_not_enter_is_unavailable(root: SafeRoot, monkeypatch) -> None:
    def refuse(*_: object, **__: object) -> str:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os.path, "realpath", refuse)
    with pytest.raises(Unavailable):
        root.check("sub/a.txt")


@pytest.mark.parametrize("text", ["", "/etc/passwd", "../a", "sub/../../x", "a/..", "a" * 5000])
def test_a_caller_may_only_name_relative_paths_without_dots(root: SafeRoot, text) -> None:
    with pytest.raises(BadRequest):
        root.below(root.path, text)


@pytest.mark.parametrize("text", ["a\0b", "\0"])
def test_a_nul_character_makes_no_path(root: SafeRoot, text) -> None:
    with pytest.raises(BadRequest):
        root.check(text)
    with pytest.raises(BadRequest):
        root.below(root.path, text)


def test_a_link_may_not_leave_the_folder_that_a_caller_looks_into(root: SafeRoot) -> None:
    (root.path / "other.txt").write_text("o")
    (root.path / "sub" / "link").symlink_to("../other.txt")
    with pytest.raises(Forbidden):
        root.below(root.path / "sub", "link")


def test_no_message_says_where_the_root_is(root: SafeRoot) -> None:
    for path in ("../served2/secret.txt", root.path / "absent", "/etc/passwd"):
        with pytest.raises(KernelError) as caught:
            root.check(path)
        assert str(root.path.parent) not in str(caught.value)
        assert "/etc" not in str(caught.value)


def test_a_root_that_is_absent_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="absent"):
        SafeRoot(tmp_path / "absent")


def test_the_file_system_itself_can_be_the_root() -> None:
    assert SafeRoot("/").check("/usr") == Path("/usr")


def test_files_below_are_regular_files_in_order(root: SafeRoot) -> None:
    for name in ("sub/.hidden", "z", "sub/b/c"):
        (root.path / name).parent.mkdir(exist_ok=True)
        (root.path / name).write_text("")
    (root.path / "link").symlink_to("z")
    os.mkfifo(root.path / "pipe")
    assert list(files_below(root.path)) == ["z", "sub/.hidden", "sub/a.txt", "sub/b/c"]
