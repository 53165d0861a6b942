"""The files that outputs lead to: no key needed, ranges and HEAD as in RFC 9110."""

from __future__ import annotations

import hashlib
import re
from functools import lru_cache
from typing import TYPE_CHECKING, Final, cast

from flora_contract.mock import media, runs
from flora_contract.mock.messages import Refusal, Request, Response, not_allowed, not_found

if TYPE_CHECKING:
    from flora_contract.mock.runs import Run
    from flora_contract.mock.store import Store

PREFIX: Final = "/media/"

_RANGE: Final = re.compile(r"bytes=(\d*)-(\d*)\Z")


def answer(store: Store, request: Request) -> Response:
    """A file of a completed run, whole or in part. Raises Refusal 404, 405 or 416."""
    if request.method not in {"GET", "HEAD"}:
        raise not_allowed(["GET"])
    run_id, _, name = request.path.removeprefix(PREFIX).partition("/")
    run = store.run(run_id)
    if run is None or run.status(store.now()) != "completed":
        raise not_found()
    number, kind = _output(run, name)
    seed = store.world.seed + (run.seq << 8) + number
    content = _render(kind, run.prompt, seed)
    tag = hashlib.blake2b(f"{kind}/{seed}/{run.prompt}".encode(), digest_size=8).hexdigest()
    return _part(request, Response(200, content, media.CONTENT_TYPES[kind]), f'"{tag}"')


def _output(run: Run, name: str) -> tuple[int, media.FileType]:
    for number, kind in enumerate(run.outputs, 1):
        if kind != "text" and name == runs.file_name(number, kind):
            return number, cast("media.FileType", kind)
    raise not_found()


@lru_cache(maxsize=16)
def _render(kind: media.FileType, prompt: str, seed: int) -> bytes:
    return media.render(kind, prompt, seed)


def _part(request: Request, whole: Response, tag: str) -> Response:
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
        raise Refusal(416, "range_not_satisfiable", "The range is outside.", headers=headers)
    part = Response(206, whole.body[start : end + 1], whole.content_type)
    part.headers = (*whole.headers, ("content-range", f"bytes {start}-{end}/{size}"))
    return part
