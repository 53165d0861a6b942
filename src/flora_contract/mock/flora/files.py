"""The files that outputs lead to: no key needed, ranges and HEAD as in RFC 9110."""

from __future__ import annotations

import hashlib
import re
from functools import lru_cache
from typing import TYPE_CHECKING, Final, cast

from flora_contract.mock import media
from flora_contract.mock.http.messages import HTTPResponse, Rejection, not_allowed, not_found

if TYPE_CHECKING:
    from flora_contract.mock.http.messages import HTTPRequest
    from flora_contract.mock.state.entities import Entity
    from flora_contract.mock.state.store import Store

PREFIX: Final = "/media/"

EXTENSIONS: Final = {"imageUrl": "png", "videoUrl": "mp4", "audioUrl": "wav", "documentUrl": "pdf"}
"""What the file of an output is, by the output's type; a text output has none."""

_RANGE: Final = re.compile(r"bytes=(\d*)-(\d*)\Z")


def answer(store: Store, request: HTTPRequest) -> HTTPResponse:
    """A file of a completed run, whole or in part. Raises Rejection 404, 405 or 416."""
    if request.method not in {"GET", "HEAD"}:
        raise not_allowed(["GET"])
    run_id, _, name = request.path.removeprefix(PREFIX).partition("/")
    run = store.get("Run", run_id)
    if run is None or run.final != "completed" or store.now() < run.ended:
        raise not_found()
    number, kind = _output(run, name)
    seed = store.world.seed + (run.seq << 8) + number
    prompt = run.members["prompt"]
    content = _render(kind, prompt, seed)
    tag = hashlib.blake2b(f"{kind}/{seed}/{prompt}".encode(), digest_size=8).hexdigest()
    return _part(request, HTTPResponse(200, content, media.CONTENT_TYPES[kind]), f'"{tag}"')


def file_name(number: int, kind: str) -> str:
    """Last part of the URL of an output's file; `number` counts from 1."""
    return f"output_{number}.{EXTENSIONS[kind]}"


def _output(run: Entity, name: str) -> tuple[int, media.FileType]:
    for number, kind in enumerate(run.facts["makes"], 1):
        if kind != "text" and name == file_name(number, kind):
            return number, cast("media.FileType", kind)
    raise not_found()


@lru_cache(maxsize=16)
def _render(kind: media.FileType, prompt: str, seed: int) -> bytes:
    return media.render(kind, prompt, seed)


def _part(request: HTTPRequest, whole: HTTPResponse, tag: str) -> HTTPResponse:
    """What of a file the Range header asks for; all of it if that names no single range."""
    whole.headers = (("accept-ranges", "bytes"), ("etag", tag))
    asked = _RANGE.match(request.header(b"range"))
    if not asked or request.header(b"if-range") not in {"", tag} or request.method == "HEAD":
        return whole
    size = len(whole.body)
    first, last = asked.groups()
    if not first and not last:
        return whole
    start = int(first) if first else max(0, size - int(last))
    end = min(int(last), size - 1) if first and last else size - 1
    if first and last and int(last) < start:
        return whole
    if start >= size or (not first and int(last) == 0):
        headers = (("content-range", f"bytes */{size}"),)
        raise Rejection(416, "The range is outside.", "range_not_satisfiable", headers=headers)
    part = HTTPResponse(206, whole.body[start : end + 1], whole.content_type)
    part.headers = (*whole.headers, ("content-range", f"bytes {start}-{end}/{size}"))
    return part
