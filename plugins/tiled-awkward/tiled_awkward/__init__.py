"""Awkward arrays (nested lists and records of any length) and ragged arrays (of numbers, with lists of any length)."""

from __future__ import annotations

from tiledkernel import Family, Serializer, Storage, hookimpl

AWKWARD = Family(
    name="awkward",
    structure="tiled_awkward.awkward.structure:AwkwardStructure",
    links="tiled_awkward.awkward.links:links",
    routes="tiled_awkward.awkward.routes:ROUTES",
    default_media_type="application/zip",
    adopt="tiled_awkward.awkward.memory:adopt",
    adopts=("awkward.highlevel.Array",),
)

RAGGED = Family(
    name="ragged",
    structure="tiled_awkward.ragged.structure:RaggedStructure",
    links="tiled_awkward.ragged.links:links",
    routes="tiled_awkward.ragged.routes:ROUTES",
    default_media_type="application/json",
    adopt="tiled_awkward.ragged.memory:adopt",
    adopts=("ragged._spec_array_object.array",),
)


@hookimpl
def register_families() -> list[Family]:
    """Awkward and ragged."""
    return [AWKWARD, RAGGED]


@hookimpl
def register_storages() -> list[Storage]:
    """A folder of buffers; archives of neighbouring rows, also for writers who ask for a table of a database."""
    return [
        _storage("awkward", "application/x-awkward-buffers"),
        _storage("ragged", "application/x-ragged-archives", rank=10),
        _storage("ragged", "application/x-ragged+sql", opened="open_foreign", deleted="delete_foreign"),
    ]


def _storage(
    family: str, media_type: str, *, rank: int = 100, opened: str = "open_stored", deleted: str = "delete"
) -> Storage:
    module = f"tiled_awkward.{family}.storage"
    return Storage(
        family=family,
        media_type=media_type,
        schemes=("file",),
        create=f"{module}:create",
        open=f"{module}:{opened}",
        delete=f"{module}:{deleted}",
        rank=rank,
    )


@hookimpl
def register_serializers() -> list[Serializer]:
    """Buffers in a ZIP archive, from which the array is put together again, and formats for other programs."""
    return [*_formats("awkward", zip_rank=10, json_rank=20), *_formats("ragged", zip_rank=20, json_rank=10)]


def _formats(family: str, *, zip_rank: int, json_rank: int) -> list[Serializer]:
    common = "tiled_awkward.encoders"
    return [
        Serializer(
            target=family,
            media_type="application/zip",
            encode=f"tiled_awkward.{family}.archive:encode_zip",
            suffixes=("zip",),
            rank=zip_rank,
        ),
        Serializer(target=family, media_type="application/json", encode=f"{common}:encode_json", rank=json_rank),
        Serializer(
            target=family,
            media_type="application/vnd.apache.arrow.file",
            encode=f"{common}:encode_arrow",
            needs=("pyarrow",),
            rank=30,
        ),
        Serializer(
            target=family,
            media_type="application/x-parquet",
            encode=f"{common}:encode_parquet",
            suffixes=("parquet",),
            needs=("pyarrow",),
            rank=40,
        ),
    ]
