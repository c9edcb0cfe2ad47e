"""Formats that are not read: who has such a file is told its format, by a file's first bytes."""

from dlcv.errors import ImageError

UNREAD_STARTS = {
    "Photoshop": (b"8BPS",),
    "icon": (b"\0\0\1\0",),
    "PDF": (b"%PDF",),
    "SVG": (b"<svg", b"<?xml"),
    "Netpbm": (b"P1\n", b"P2\n", b"P3\n", b"P4\n", b"P5\n", b"P6\n", b"P7\n"),
    "OpenEXR": (b"\x76\x2f\x31\x01",),
    "Radiance HDR": (b"#?RADIANCE",),
}
"""How their files begin."""


def size_of(content: bytes) -> None:
    """Raises an `ImageError` that names the format; returns None for formats that are read."""
    for name, starts in UNREAD_STARTS.items():
        if content.startswith(starts):
            raise ImageError(f"has the format {name}, which is not read; convert it to PNG")


def decode(content: bytes, **_: object) -> None:
    """Decodes nothing."""
