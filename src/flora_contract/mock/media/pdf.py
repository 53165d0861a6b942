"""A document: one page of PDF 1.7 (ISO 32000-1) with a picture and the prompt below it."""

from __future__ import annotations

import textwrap
import zlib

from .landscape import Landscape

_PAGE_WIDTH, _PAGE_HEIGHT = 595, 842  # A4, in points
_MARGIN = 56
_PICTURE_WIDTH, _PICTURE_HEIGHT = 512, 288
_FONT_SIZE, _LINE_HEIGHT = 12, 17
_LETTERS = int((_PAGE_WIDTH - 2 * _MARGIN) / (0.6 * _FONT_SIZE))  # every letter of Courier: 0.6 em


def render_pdf(prompt: str, seed: int) -> bytes:
    """A page of A4. Its title is the prompt as it is; its text has only what Courier can write."""
    view = Landscape("", seed, _PICTURE_WIDTH, _PICTURE_HEIGHT)
    palette = "".join(f"{red:02x}{green:02x}{blue:02x}" for red, green, blue in view.palette)
    title = prompt.encode("utf-16-be", "replace").hex()
    return _file(
        [
            b"<< /Type /Catalog /Pages 2 0 R >>",
            b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 {_PAGE_WIDTH} {_PAGE_HEIGHT}]"
            " /Resources << /Font << /F 4 0 R >> /XObject << /I 5 0 R >> >>"
            " /Contents 6 0 R >>".encode(),
            b"<< /Type /Font /Subtype /Type1 /BaseFont /Courier /Encoding /WinAnsiEncoding >>",
            _stream(
                f"/Type /XObject /Subtype /Image /Width {view.width} /Height {view.height}"
                f" /ColorSpace [/Indexed /DeviceRGB {len(view.palette) - 1} <{palette}>]"
                " /BitsPerComponent 8",
                view.pixels(),
            ),
            _stream("", _page(prompt)),
            f"<< /Title <feff{title}> /Producer (flora-contract mock) >>".encode(),
        ]
    )


def _page(prompt: str) -> bytes:
    """The drawing instructions: the picture over the whole text width, then lines of text."""
    width = _PAGE_WIDTH - 2 * _MARGIN
    height = width * _PICTURE_HEIGHT // _PICTURE_WIDTH
    foot = _PAGE_HEIGHT - _MARGIN - height
    most_lines = (foot - 2 * _MARGIN) // _LINE_HEIGHT
    read = prompt[: 2 * most_lines * _LETTERS]  # not all of it, when a prompt has megabytes
    text = "".join(letter if letter.isprintable() else " " for letter in read)
    lines = textwrap.wrap(text, _LETTERS, max_lines=most_lines, placeholder=" …")
    shown = [f"<{line.encode('cp1252', 'replace').hex()}> Tj T*" for line in lines]
    return "\n".join(
        [
            f"q {width} 0 0 {height} {_MARGIN} {foot} cm /I Do Q",
            f"BT /F {_FONT_SIZE} Tf {_LINE_HEIGHT} TL {_MARGIN} {foot - 2 * _LINE_HEIGHT} Td",
            *shown,
            "ET",
        ]
    ).encode()


def _stream(entries: str, data: bytes) -> bytes:
    packed = zlib.compress(data)
    head = f"<< {entries} /Filter /FlateDecode /Length {len(packed)} >>\nstream\n".encode()
    return head + packed + b"\nendstream"


def _file(objects: list[bytes]) -> bytes:
    """The objects, numbered from 1, with the table that says where each begins.

    The first is the catalogue, the last the document information.
    """
    out = bytearray(b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n")
    places = []
    for number, body in enumerate(objects, 1):
        places.append(len(out))
        out += b"%d 0 obj\n%b\nendobj\n" % (number, body)
    table = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    out += b"".join(b"%010d 00000 n \n" % place for place in places)
    out += b"trailer\n<< /Size %d /Root 1 0 R /Info %d 0 R >>\n" % (len(objects) + 1, len(objects))
    out += b"startxref\n%d\n%%%%EOF\n" % table
    return bytes(out)
