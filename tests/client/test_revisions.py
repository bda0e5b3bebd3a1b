"""The states of a node before its changes."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tiledkernel.client import ClientError

from .scripted import message, resource


@pytest.fixture
def node(catalog: Any) -> Any:
    """Five revisions."""
    made = catalog.create_container("x", metadata={"step": 0}, specs=["a"])
    for step in range(1, 6):
        made.update_metadata({"step": step})
    return made


def steps(revisions: Any) -> list[Any]:
    return [revision["attributes"]["metadata"]["step"] for revision in revisions]


def test_a_revision_is_the_state_before_a_change(node: Any) -> None:
    first = node.metadata_revisions[0]
    assert first["revision_number"] == 1
    assert first["attributes"]["metadata"] == {"step": 0}
    assert first["attributes"]["specs"] == [{"name": "a", "version": None}]
    assert "time_updated" in first["attributes"]


def test_they_are_a_sequence_with_the_oldest_first(node: Any) -> None:
    revisions = node.metadata_revisions
    assert len(revisions) == 5
    assert steps(revisions) == [0, 1, 2, 3, 4]
    assert steps(revisions[1:3]) == [1, 2]
    assert steps(revisions[3:]) == [3, 4]
    assert steps(revisions[4:100]) == [4]
    assert steps(revisions[:0]) == []
    assert steps([revisions[-1], revisions[-5], revisions.first(), revisions.last()]) == [4, 0, 0, 4]
    assert steps(revisions[-1:-3:-1]) == [4, 3]
    assert steps(revisions.tail(2)) == [3, 4]
    assert steps(revisions.page_size(2).tail(3)) == [2, 3, 4]
    assert steps(revisions.page_size(2)) == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("index", [5, -6, 100])
def test_there_is_none_beyond_the_last(node: Any, index: int) -> None:
    with pytest.raises(IndexError, match=f"index {index} is out of range"):
        _ = node.metadata_revisions[index]


def test_a_node_that_never_changed_has_none(catalog: Any) -> None:
    revisions = catalog.create_container("x").metadata_revisions
    assert (len(revisions), list(revisions)) == (0, [])


def test_a_change_may_leave_none(node: Any) -> None:
    node.update_metadata({"step": 6}, drop_revision=True)
    node.replace_metadata({"step": 7}, drop_revision=True)
    node.patch_metadata([{"op": "replace", "path": "/step", "value": 8}], drop_revision=True)
    assert steps(node.metadata_revisions) == [0, 1, 2, 3, 4]


def test_one_can_be_deleted_and_the_others_keep_their_numbers(node: Any) -> None:
    revisions = node.metadata_revisions
    assert len(revisions) == 5
    revisions.delete_revision(2)
    assert len(revisions) == 4
    assert [revision["revision_number"] for revision in revisions] == [1, 3, 4, 5]
    with pytest.raises(ClientError, match="404"):
        revisions.delete_revision(2)


def test_a_doubtful_deletion_is_repeated(scripted_client: Any, impatient: None) -> None:
    client, app = scripted_client(resource("x"), httpx.ReadTimeout(""), message({"detail": "no revision"}, 404))
    client.metadata_revisions.delete_revision(1)
    assert [request.path for request in app.received] == ["/api/v1/revisions/x?number=1"] * 2


def test_no_more_is_asked_for_than_is_needed(scripted_client: Any) -> None:
    links = {"next": "http://local-tiled-app/api/v1/revisions/x?page[offset]=1&page[limit]=0"}
    page = message({"data": [{"revision_number": 8, "attributes": {}}], "links": links, "meta": {"count": 40}})
    client, app = scripted_client(resource("x"), page)
    revisions = client.metadata_revisions
    assert (len(revisions), len(revisions)) == (40, 40)
    assert revisions[7]["revision_number"] == revisions[-1]["revision_number"] == 8
    asked = [httpx.QueryParams(request.path.partition("?")[2]) for request in app.received]
    assert [(one["page[offset]"], one["page[limit]"]) for one in asked] == [("0", "0"), ("7", "1"), ("39", "1")]
