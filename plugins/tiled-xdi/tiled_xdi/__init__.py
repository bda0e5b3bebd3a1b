"""XDI, the text format in which X-ray absorption spectra are exchanged: read as tables, and written from tables."""

from __future__ import annotations

from tiledkernel import Reader, Serializer, hookimpl

MEDIA_TYPE = "application/x-xdi"
SPEC = "xdi"
READER = Reader(
    media_type=MEDIA_TYPE,
    suffixes=(".xdi",),
    signatures=(b"# XDI/", b"#XDI/"),
    open="tiled_xdi.reader:open_xdi",
)


@hookimpl
def register_readers() -> list[Reader]:
    """One reader, which gives its tables the spec `xdi`."""
    return [READER]


@hookimpl
def register_serializers() -> list[Serializer]:
    """One format, for tables with the spec `xdi`, whatever they were read from."""
    return [
        Serializer(
            target=SPEC, media_type=MEDIA_TYPE, encode="tiled_xdi.writer:encode", suffixes=("xdi",), needs=("pyarrow",)
        )
    ]
