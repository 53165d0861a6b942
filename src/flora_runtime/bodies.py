"""What requests carry: JSON, a form, files, or bytes as they are."""

from __future__ import annotations

import json
import os
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, TypeGuard
from urllib.parse import urlencode

from flora_runtime.errors import InvalidArgumentError
from flora_runtime.model import plain
from flora_runtime.paths import is_array, is_object

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

FileContent = bytes | BinaryIO | os.PathLike[str]
FileArgument = FileContent | tuple[str, FileContent] | tuple[str, FileContent, str]
"""A file to send: its bytes, a file that is open for reading them, or its path. As a tuple: its
name, one of these, and its media type where the name does not tell."""


def encoded(media: str, content: Any) -> tuple[bytes, str]:
    """A body and its Content-Type. Raises InvalidArgumentError where it has no form in that."""
    kind = media.partition(";")[0].strip().lower()
    if kind == "application/json" or kind.endswith("+json"):
        return as_json(content), media
    if kind == "application/x-www-form-urlencoded":
        return as_query(_members(content)).encode(), media
    if kind == "multipart/form-data":
        import hashlib  # slow to load, as the next, and seldom needed

        parts = [part for name, value in _members(content).items() for part in _parts(name, value)]
        mark = hashlib.sha256(b"".join(parts)).hexdigest().encode()  # the same for equal requests
        body = b"".join(b"--%b\r\n%b\r\n" % (mark, part) for part in parts)
        return b"%b--%b--\r\n" % (body, mark), f"{kind}; boundary={mark.decode()}"
    return (content.encode() if isinstance(content, str) else _read("body", content)), media


def as_json(content: Any) -> bytes:
    """Raises InvalidArgumentError where a value has no form in JSON."""
    try:
        return json.dumps(plain(content), allow_nan=False).encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidArgumentError(f"the arguments cannot be written as JSON: {error}") from None


def as_query(members: Mapping[str, Any]) -> str:
    """None is left out, a list repeats its name."""
    return urlencode(
        [
            (name, as_text(item))
            for name, value in members.items()
            for item in (value if is_array(value) else [value])
            if item is not None
        ]
    )


def as_text(value: Any) -> str:
    """One value, outside JSON."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value.value if isinstance(value, Enum) else value)


def _members(content: Any) -> Mapping[str, Any]:
    members = plain(content)
    if not is_object(members):
        raise InvalidArgumentError("body must be an object: a form is made of its members")
    return members


def _parts(name: str, value: Any) -> Iterator[bytes]:
    """Head and content of what a member becomes; a list repeats its name."""
    if is_array(value) and not _is_named_file(value):
        for item in value:
            yield from _parts(name, item)
    elif is_array(value):
        file, content, *media = value
        yield _part(name, _read(name, content), str(media[0]) if media else _media_of(file), file)
    elif _is_file(value):
        file = _name_of(value) or name
        yield _part(name, _read(name, value), _media_of(file), file)
    elif is_object(value):
        yield _part(name, as_json(value), "application/json")
    elif value is not None:
        yield _part(name, as_text(value).encode())


def _is_file(value: object) -> TypeGuard[FileContent]:
    return isinstance(value, bytes) or _is_path(value) or hasattr(value, "read")


def _is_path(value: object) -> TypeGuard[os.PathLike[str]]:
    return isinstance(value, os.PathLike)


def _is_named_file(value: Sequence[Any]) -> bool:
    return len(value) in {2, 3} and isinstance(value[0], str) and _is_file(value[1])


def _name_of(file: FileContent) -> str:
    path: Any = getattr(file, "name", None)
    return Path(path).name if isinstance(path, str) else ""


def _part(name: str, content: bytes, media: str | None = None, file: str | None = None) -> bytes:
    head = f'Content-Disposition: form-data; name="{_quoted(name)}"'
    head += f'; filename="{_quoted(file)}"' if file is not None else ""
    head += f"\r\nContent-Type: {' '.join(media.split())}" if media is not None else ""
    return head.encode() + b"\r\n\r\n" + content


def _quoted(name: str) -> str:
    return name.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")


def _media_of(file: str) -> str:
    import mimetypes

    return mimetypes.guess_type(file)[0] or "application/octet-stream"


def _read(name: str, file: Any) -> bytes:
    try:
        read: Any = Path(file).read_bytes if _is_path(file) else getattr(file, "read", None)
        content = read() if read is not None else file
    except OSError as error:
        raise InvalidArgumentError(f"{name} cannot be read: {error.strerror or error}") from None
    if not isinstance(content, bytes):
        raise InvalidArgumentError(f"{name} must be bytes, a file opened for them, or its path")
    return content
