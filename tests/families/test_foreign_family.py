"""A family that nobody here has heard of comes with a distribution of its own: no file of the kernel changes for it."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tiledkernel.client import Context, from_context
from tiledkernel.client.classes import forget_installed
from tiledkernel.client.errors import UnknownStructureFamily
from tiledkernel.composition import Composition
from tiledkernel.plugins import discover
from tiledkernel.server import Settings, build_app

DISTRIBUTION = "music-at-the-beamline"
FILES = {
    "melody/__init__.py": """\
        '''Melodies: a family with everything that it needs.'''

        from tiledkernel import Family, Serializer, hookimpl


        @hookimpl
        def register_families():
            return [
                Family(
                    name="melody",
                    structure="melody.family:MelodyStructure",
                    links="melody.family:links",
                    routes="melody.routes:ROUTES",
                    default_media_type="text/plain",
                    adopt="melody.family:adopt",
                    adopts=("melody.music.Melody",),
                )
            ]


        @hookimpl
        def register_serializers():
            return [
                Serializer(target="melody", media_type="text/plain", encode="melody.encoders:encode_text"),
                Serializer(
                    target="melody",
                    media_type="audio/x-notes",
                    encode="melody.encoders:encode_notes",
                    suffixes=("notes",),
                ),
            ]
        """,
    "melody/music.py": """\
        '''What scientists have.'''


        class Melody:
            def __init__(self, tempo, *notes):
                self.tempo, self.notes = tempo, notes
        """,
    "melody/family.py": """\
        '''How a melody is described and linked, and the node that it becomes.'''

        from msgspec import Struct


        class MelodyStructure(Struct, frozen=True, kw_only=True):
            tempo: int
            length: int


        class MelodyNode:
            family = "melody"

            def __init__(self, live, metadata, specs, generation):
                self.structure = MelodyStructure(tempo=live.tempo, length=len(live.notes))
                self.metadata, self.specs, self.notes = metadata or {}, tuple(specs), live.notes
                self.generation = generation

            def stamp(self, cut):
                return self.generation


        def adopt(live, metadata, specs, generation):
            return MelodyNode(live, metadata, specs, generation)


        def links(path, structure):
            return {"full": f"/melody/full/{path}"}
        """,
    "melody/routes.py": """\
        '''Melodies over HTTP.'''

        from functools import partial

        from msgspec import Struct
        from tiledkernel import Route
        from tiledkernel.encoding import Encoding
        from tiledkernel.server.answers import Payload


        class Query(Struct, frozen=True, kw_only=True):
            transpose: int = 0
            format: str | None = None
            filename: str | None = None


        def read(request):
            node, query = request.entry.node, request.query
            choice = request.service.negotiator.choose(node, query.format, request.header(b"accept"))
            notes = [note + query.transpose for note in node.notes]
            encoding = Encoding(choice.media_type, request.entry.key, node.metadata, node.specs)
            return Payload(
                media_type=choice.content_type,
                work=partial(choice.encode, notes, encoding),
                stamp=request.entry.stamp(),
                nbytes=len(notes),
                filename=query.filename,
            )


        ROUTES = (
            Route(
                path="/melody/full/{path}", handler=read, scopes=frozenset({"read:data"}), parameters=Query,
                families=frozenset({"melody"}),
            ),
        )
        """,
    "melody/encoders.py": """\
        '''Formats of melodies.'''


        def encode_text(notes, encoding):
            return " ".join(map(str, notes))


        def encode_notes(notes, encoding):
            return bytes(notes)
        """,
    "melody/client_classes.py": """\
        '''The client half.'''

        from tiledkernel.client.classes import ClientClass

        CLIENT_CLASSES = (ClientClass("melody", "melody.client:MelodyClient"),)
        """,
    "melody/client.py": """\
        '''The client of a melody.'''

        from melody.family import MelodyStructure
        from tiledkernel.client.calls import Call
        from tiledkernel.client.exporting import saving
        from tiledkernel.client.node import Node
        from tiledkernel.client.plans import ask_bytes


        class MelodyClient(Node):
            structure_type = MelodyStructure

            def read(self, transpose=0):
                return self._run(self._reading(transpose))

            def _reading(self, transpose):
                call = Call(
                    url=self.item["links"]["full"],
                    parameters=[("transpose", str(transpose))],
                    headers={"accept": "audio/x-notes"},
                )
                return list((yield from ask_bytes(call)))

            def export(self, filepath, *, format=None):
                self._run(saving(self.item["links"]["full"], filepath, format))

            def __repr__(self):
                return f"<MelodyClient of {self.structure().length} notes>"
        """,
    f"{DISTRIBUTION.replace('-', '_')}-1.0.dist-info/METADATA": f"""\
        Metadata-Version: 2.1
        Name: {DISTRIBUTION}
        Version: 1.0
        """,
    f"{DISTRIBUTION.replace('-', '_')}-1.0.dist-info/entry_points.txt": """\
        [tiledkernel]
        melody = melody

        [tiledkernel.client]
        melody = melody.client_classes
        """,
}


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder on the path in which the distribution is installed."""
    for name, text in FILES.items():
        path = tmp_path / "site" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n".join(line.removeprefix(" " * 8) for line in text.splitlines()) + "\n")
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    forget_installed()
    yield tmp_path / "site"
    forget_installed()
    for module in [name for name in sys.modules if name.partition(".")[0] == "melody"]:
        del sys.modules[module]


@pytest.fixture
def context(site: Path) -> Iterator[Context]:
    """A connection to a server that has a melody among other things."""
    melody = importlib.import_module("melody.music").Melody
    tree = {"song": melody(120, 60, 64, 67), "numbers": np.arange(3)}
    app = build_app(tree, settings=Settings(allow_anonymous_access=True), composition=Composition(discover()))
    with Context.from_app(app) as connection:
        yield connection


def leave(site: Path) -> None:
    """What was installed is there no more for the client, as on another machine."""
    sys.path.remove(str(site))
    importlib.invalidate_caches()
    forget_installed()


def get(context: Context, path: str) -> Any:
    return context.http_client.get(f"{context.api_uri}{path}")


def test_no_file_of_the_kernel_knows_the_family():
    kernel = Path(importlib.import_module("tiledkernel").__file__ or "").parent
    assert not [path for path in kernel.rglob("*.py") if "melody" in path.read_text(encoding="utf-8")]


def test_it_is_described_and_linked(context):
    found = get(context, "metadata/song").json()["data"]
    assert found["attributes"]["structure_family"] == "melody"
    assert found["attributes"]["structure"] == {"tempo": 120, "length": 3}
    assert found["links"] == {
        "self": "http://local-tiled-app/api/v1/metadata/song",
        "full": "http://local-tiled-app/api/v1/melody/full/song",
    }


def test_it_is_listed_with_its_formats_and_where_it_comes_from(context):
    about = get(context, "").json()
    assert about["formats"]["melody"] == ["text/plain", "audio/x-notes"]
    assert about["aliases"]["melody"]["audio/x-notes"] == ["notes"]
    assert about["meta"]["distributions"]["melody"] == DISTRIBUTION


def test_it_is_read_in_its_formats_with_its_parameters(context):
    response = get(context, "melody/full/song")
    assert (response.text, response.headers["content-type"]) == ("60 64 67", "text/plain; charset=utf-8")
    assert get(context, "melody/full/song?format=notes&transpose=12").content == bytes([72, 76, 79])
    assert get(context, "melody/full/song?format=csv").status_code == 406
    assert get(context, "melody/full/song?transpose=high").status_code == 422
    assert get(context, "melody/full/numbers").status_code == 404
    assert get(context, "array/full/song").status_code == 404


def test_what_every_family_gets_it_gets_too(context):
    etag = get(context, "melody/full/song").headers["etag"]
    url = f"{context.api_uri}melody/full/song"
    assert context.http_client.get(url, headers={"if-none-match": etag}).status_code == 304
    assert context.http_client.head(url).headers["content-length"] == "8"
    families = get(context, "distinct/?structure_families=true").json()["structure_families"]
    assert {entry["value"] for entry in families} == {"melody", "array"}
    filtered = "search/?filter[structure_family][condition][value]="
    assert [item["id"] for item in get(context, f"{filtered}melody").json()["data"]] == ["song"]
    assert get(context, f"{filtered}sandwich").status_code == 422
    paths = context.http_client.get("http://local-tiled-app/openapi.json").json()["paths"]
    assert "transpose" in {parameter["name"] for parameter in paths["/api/v1/melody/full/{path}"]["get"]["parameters"]}


def test_its_client_is_met_where_the_node_is(context, tmp_path):
    client = from_context(context)
    song = client["song"]
    assert repr(song) == "<MelodyClient of 3 notes>"
    assert song.read(transpose=1) == [61, 65, 68]
    assert song.formats == ["audio/x-notes", "text/plain"]
    song.export(tmp_path / "song.notes")
    assert (tmp_path / "song.notes").read_bytes() == bytes([60, 64, 67])
    assert repr(client.values().first()) == "<MelodyClient of 3 notes>"


def test_without_its_client_half_the_client_says_what_to_install_and_goes_on(context, site):
    leave(site)
    client = from_context(context)
    with pytest.raises(UnknownStructureFamily, match=f"'melody', which 'song' has: `pip install {DISTRIBUTION}`"):
        client["song"]
    unknown, numbers = client.values()
    assert repr(unknown) == "<UnavailableClient 'melody'>"
    with pytest.raises(UnknownStructureFamily, match=DISTRIBUTION):
        unknown.read()
    assert numbers[1:].tolist() == [1, 2]
    assert list(client) == ["song", "numbers"]


def test_a_client_half_that_fails_is_not_to_be_installed_but_repaired(context, site, caplog):
    (site / "melody" / "client_classes.py").write_text("raise ImportError('no sound card')\n")
    importlib.invalidate_caches()
    forget_installed()
    client = from_context(context)
    with pytest.raises(UnknownStructureFamily, match=f"{DISTRIBUTION} is installed, but its client half"):
        client["song"]
    assert "no sound card" in caplog.text
    assert client["numbers"].read().tolist() == [0, 1, 2]


def test_a_class_of_the_users_own_shows_it(context, site):
    mine = importlib.import_module("melody.client").MelodyClient
    leave(site)
    assert from_context(context, {"melody": mine, "container": "tiledkernel.families.container.client:Container"})[
        "song"
    ].read() == [60, 64, 67]


def test_removing_the_distribution_leaves_a_server_that_says_so(site):
    melody = importlib.import_module("melody.music").Melody
    leave(site)
    app = build_app({"song": melody(1), "n": 1}, settings=Settings(allow_anonymous_access=True))
    with Context.from_app(app) as context:
        detail = get(context, "metadata/song").json()["detail"]
        assert "no family adopts melody.music.Melody objects" in detail
        assert get(context, "array/full/n?format=json").json() == 1
