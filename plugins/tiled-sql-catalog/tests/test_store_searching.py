"""A catalog finds, sorts and summarises as trees in memory do, on both databases."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tiledkernel import queries as q
from tiledkernel.errors import BadRequest, Unprocessable, UnsupportedQuery
from tiledkernel.nodes.distinct import distinct
from tiledkernel.nodes.sorting import SortKey, sort_children
from tiledkernel.nodes.writing import Draft
from tiledkernel.specs import as_spec

ALL = ("sqlite", "postgresql")


def held_to(examples):
    return settings(
        max_examples=examples, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
    )


class Backend:
    """A catalog with a new container for each corpus."""

    def __init__(self, store):
        self.catalog = store
        self.parent = store.root()

    def store(self, corpus):
        self.parent = self.catalog.create(self.catalog.root())
        drafts = [
            Draft(
                key=key,
                family=item.family,
                metadata=item.metadata,
                specs=item.specs,
                access_tags=list(item.tags) or None,
            )
            for key, item in corpus.items()
        ]
        self.catalog.create_many(self.parent, drafts)

    def ask(self, queries):
        found = self.catalog.search(self.parent, queries)
        nodes = self.catalog.page(found).nodes
        assert self.catalog.count(found) == len(nodes)
        return [node.key for node in nodes]


class Deep(Backend):
    """The same, asked about everything below."""

    def ask(self, queries):
        found = self.catalog.search(self.parent, queries, depth=5)
        return [node.key for node in self.catalog.page(found).nodes]


@pytest.fixture(scope="module")
def module_stores(make_uri):
    from tiled_sql_catalog import revisions
    from tiled_sql_catalog.database import Database
    from tiled_sql_catalog.store import Store

    databases = {kind: Database(make_uri(kind)) for kind in ALL}
    for database in databases.values():
        revisions.init(database)
    yield {kind: Store(database) for kind, database in databases.items()}
    for database in databases.values():
        database.close()


@pytest.fixture(scope="module")
def backends(module_stores):
    flat = {kind: Backend(store) for kind, store in module_stores.items()}
    return flat | {f"{kind} deep": Deep(store) for kind, store in module_stores.items()}


@pytest.mark.parametrize("kind", q.QUERIES, ids=lambda kind: kind.name)
def test_each_query_finds_what_it_means(backends, question_bank, kind):
    @held_to(12)
    @given(st.data())
    def check(data):
        corpus = data.draw(question_bank.corpora)
        asked = data.draw(st.lists(question_bank.asked_in(corpus)[kind], min_size=5, max_size=10))
        question_bank.compare(backends, corpus, [[query] for query in asked])

    check()


def test_queries_together_find_what_each_of_them_finds(backends, question_bank):
    @held_to(20)
    @given(st.data())
    def check(data):
        corpus = data.draw(question_bank.corpora)
        together = st.lists(st.one_of(*question_bank.asked_in(corpus).values()), max_size=4)
        question_bank.compare(backends, corpus, data.draw(st.lists(together, min_size=1, max_size=4)))

    check()


def orders(question_bank):
    by_metadata = st.builds(SortKey, st.just("metadata"), st.sampled_from(question_bank.PLACES), st.booleans())
    last = st.builds(SortKey, st.sampled_from(["place", "key"]), st.just(""), st.booleans())
    return st.tuples(st.lists(by_metadata, max_size=3), st.lists(last, max_size=1)).map(
        lambda parts: parts[0] + parts[1]
    )


def pages(catalog, found, order, limit):
    after, keys = None, []
    while True:
        page = catalog.page(found, order, after=after, limit=limit)
        keys += [node.key for node in page.nodes]
        after = page.following
        if after is None:
            return keys


def plain(item):
    from tiledkernel.nodes.values import json_value

    return SimpleNamespace(
        metadata=json_value(item.metadata), family=item.family, specs=[as_spec(spec) for spec in item.specs]
    )


def test_every_order_is_that_of_trees_in_memory_page_by_page(module_stores, question_bank):
    backends = {kind: Backend(store) for kind, store in module_stores.items()}

    @held_to(40)
    @given(st.data())
    def check(data):
        corpus = data.draw(question_bank.corpora)
        for backend in backends.values():
            backend.store(corpus)
        children = [(key, plain(item)) for key, item in corpus.items()]
        for order in data.draw(st.lists(orders(question_bank), min_size=2, max_size=5)):
            expected = [key for key, _ in sort_children(children, order)]
            limit, offset = data.draw(st.integers(1, 7)), data.draw(st.integers(0, 7))
            for backend in backends.values():
                found = backend.catalog.search(backend.parent)
                assert pages(backend.catalog, found, order, limit) == expected, order
                page = backend.catalog.page(found, order, limit=limit, offset=offset)
                assert [node.key for node in page.nodes] == expected[offset : offset + limit]

    check()


def test_distinct_values_are_those_of_trees_in_memory(module_stores, question_bank):
    backends = {kind: Backend(store) for kind, store in module_stores.items()}

    @held_to(25)
    @given(st.data())
    def check(data):
        corpus = data.draw(question_bank.corpora)
        keys = data.draw(st.lists(st.sampled_from(question_bank.PLACES), max_size=4, unique=True))
        counts = data.draw(st.booleans())
        query = data.draw(st.sampled_from([[], [q.StructureFamilyQuery("array")]]))
        children = [(key, plain(item)) for key, item in corpus.items() if not query or item.family == "array"]
        expected = distinct(children, keys, structure_families=True, specs=True, counts=counts)
        for backend in backends.values():
            backend.store(corpus)
            found = backend.catalog.search(backend.parent, query)
            assert backend.catalog.distinct(found, keys, structure_families=True, specs=True, counts=counts) == expected

    check()


@pytest.mark.parametrize("sort", ["", "-", "id", "-id", "n", "-n", "n,-m"])
def test_pages_neither_repeat_nor_skip_while_others_write(store, sort):
    root = store.root()
    store.create_many(root, [Draft(key=f"k{n:02}", metadata={"n": n % 5, "m": n}) for n in range(0, 40, 2)])
    order = [
        SortKey("place" if text in ("", "-") else "key" if text.endswith("id") else "metadata", text.strip("-id"),
                text.startswith("-"))
        for text in sort.split(",")
    ]  # fmt: skip
    there = pages(store, store.search(root), order, 100)
    after, seen, number = None, [], 1
    while True:
        page = store.page(store.search(root), order, after=after, limit=3)
        seen += [node.key for node in page.nodes]
        after = page.following
        if after is None:
            break
        store.create(root, f"k{number:02}", metadata={"n": number % 5, "m": number})
        store.delete(page.nodes[-1])  # the very one that the token stands for
        number += 2
    assert [key for key in seen if key in there] == there
    assert len(set(seen)) == len(seen)


def test_a_token_belongs_to_its_order(store):
    root = store.root()
    store.create_many(root, [Draft(key=f"k{n}", metadata={"n": n}) for n in range(4)])
    token = store.page(store.search(root), [SortKey("metadata", "n")], limit=2).following
    for order, after in [([], token), ([SortKey("key")], token), ([], b"\xff"), ([], b"\x92\x90\xcf" + b"\xff" * 8)]:
        with pytest.raises(Unprocessable, match="cursor"):
            store.page(store.search(root), order, after=after)


def test_texts_longer_than_their_keys_are_told_apart(store):
    root = store.root()
    long = "x" * 2000
    store.create_many(root, [Draft(key=key, metadata={"t": long + key}) for key in "abc"])
    assert [node.key for node in store.page(store.search(root, [q.Eq("t", long + "b")])).nodes] == ["b"]
    assert [node.key for node in store.page(store.search(root, [q.Like("t", "%xc")])).nodes] == ["c"]
    assert store.distinct(store.search(root), ["t"])["metadata"]["t"][1]["value"] == long + "b"
    found = store.search(root, [q.Comparison("gt", "t", long + "a")])
    assert [query.name for query in found.left] == ["comparison"]
    with pytest.raises(UnsupportedQuery, match="comparison"):
        store.page(found)


def test_a_deep_search_finds_what_lies_so_many_levels_below_and_tells_the_way(store):
    at = store.root()
    for depth in range(1, 5):
        at = store.create(at, f"d{depth}", metadata={"depth": depth, "odd": depth % 2 == 1})
    found = store.page(store.search(store.root(), [q.Eq("odd", value=True)], depth=3)).nodes
    trails = store.keys_above(found, store.root())
    assert [trails[node.id] for node in found] == [("d1",), ("d1", "d2", "d3")]
    with pytest.raises(BadRequest, match="sort"):
        store.page(store.search(store.root(), depth=3), [SortKey("metadata", "depth")])


def test_a_search_for_what_no_database_can_hold_finds_nothing(store):
    store.create(store.root(), "a", metadata={"t": "x\0y"})
    for query, keys in [
        (q.Eq("t", "x\0y"), ["a"]),
        (q.Eq("t", "\ud800"), []),
        (q.KeyLookup("a\0"), []),
        (q.KeysFilter(["a", "\ud800"]), ["a"]),
        (q.KeyPresent("\0"), []),
        (q.In("t", [float("nan")]), []),
        (q.AccessTagsFilter(["\0"]), []),
    ]:
        assert [node.key for node in store.page(store.search(store.root(), [query])).nodes] == keys
