"""Saving what a run has made.

A file comes without a key, and never lands outside its folder but where a link in it leads.
"""

from __future__ import annotations

import filecmp
import hashlib
import os
import re
import shutil
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin, urlsplit

from attrs import frozen

from flora_runtime.credentials import check_file_url
from flora_runtime.errors import APIConnectionError, DownloadError, InvalidArgumentError
from flora_runtime.exchange import Answer, Request, fetch
from flora_runtime.model import Model, wire_names
from flora_runtime.operation import named
from flora_runtime.options import checked_path
from flora_runtime.paths import at_path, is_array, one_line, text_at
from flora_runtime.retry import LONGEST_WAIT, backoff, retry_after

if TYPE_CHECKING:
    from collections.abc import Sequence

    from flora_runtime.operation import Media, Polling
    from flora_runtime.options import Limits
    from flora_runtime.session import Session

_SUFFIXES = {
    "application/json": ".json",
    "application/pdf": ".pdf",
    "application/zip": ".zip",
    "audio/aac": ".aac",
    "audio/flac": ".flac",
    "audio/mp4": ".m4a",
    "audio/mpeg": ".mp3",
    "audio/ogg": ".ogg",
    "audio/wav": ".wav",
    "audio/webm": ".weba",
    "audio/x-wav": ".wav",
    "image/avif": ".avif",
    "image/gif": ".gif",
    "image/jpeg": ".jpg",
    "image/png": ".png",
    "image/svg+xml": ".svg",
    "image/webp": ".webp",
    "text/markdown": ".md",
    "text/plain": ".txt",
    "video/mp4": ".mp4",
    "video/quicktime": ".mov",
    "video/webm": ".webm",
}
_UNTOLD = {"application/octet-stream", "binary/octet-stream", ""}
_MOST_REDIRECTS = 5


async def download(
    session: Session,
    polling: Polling | None,
    media: Media,
    run: Model,
    folder: str | Path,
    limits: Limits,
) -> list[Path]:
    """Save every output of a completed run; where each was saved, in order.

    Raises DownloadError, UnsafeURLError; after the others have been saved.
    """
    if not _has(run, media.items):
        kind = type(run).__name__
        raise InvalidArgumentError(f"a {kind} has no {media.items}: give what wait returned")
    data = run.to_dict()
    run_id = ""
    if polling is not None:
        run_id, status = text_at(data, polling.id) or "", text_at(data, polling.status)
        if status is not None and status not in polling.completed:
            raise InvalidArgumentError(
                f"{one_line(named(polling.kind, run_id), 100)} is {one_line(status, 50)}, and has"
                f" no outputs yet: give what {polling.resume} returned"
            )
    outputs = at_path(data, media.items)
    files = _planned(media, run_id, outputs if is_array(outputs) else [])
    target = _folder(folder)
    done = await session.io.gather(
        [_Job(session, media, file, target, limits) for file in files], limits.max_concurrency
    )
    saved = [result for result in done if isinstance(result, Path)]
    for result in done:
        if isinstance(result, DownloadError):
            result.saved = tuple(saved)
        if isinstance(result, Exception):
            raise result
    return saved


@frozen
class _File:
    stem: str
    output_id: str
    kind: str
    url: str


@frozen
class _Job:
    """Saves one output when it is called."""

    session: Session
    media: Media
    file: _File
    target: Path
    limits: Limits

    async def __call__(self) -> Path:
        part = self.target / f".{self.file.stem}.{uuid.uuid4().hex}.part"
        try:
            suffix = await self._write(part)
            return self._placed(part, self.target / f"{self.file.stem}{suffix}")
        except OSError as error:
            raise DownloadError.of(self.file.output_id, _problem(error)) from error
        finally:
            part.unlink(missing_ok=True)

    def _placed(self, part: Path, path: Path) -> Path:
        """Move a file to its place. Another file that is there stays."""
        loses_nothing = not path.is_file() and os.path.lexists(path)  # a pipe, a link to nothing
        if self.limits.overwrite or loses_nothing:
            return _put(part, path)
        if not _moved(part, path) and not filecmp.cmp(part, path, shallow=False):
            problem = f"{path} is another file; overwrite=True replaces it"
            raise DownloadError.of(self.file.output_id, problem)
        return path

    async def _write(self, part: Path) -> str:
        """Write the output to a file. Returns the suffix that fits it."""
        file = self.file
        try:
            if file.kind in self.media.text:
                return _save_text(part, file.url, self.limits.max_bytes)
            answer = await self._fetch(file.url, part)
        except (APIConnectionError, DownloadError) as error:
            raise DownloadError.of(file.output_id, str(error)) from None
        if not 200 <= answer.status_code < 300:
            raise DownloadError.of(file.output_id, f"its server answered {answer.status_code}")
        kind = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
        family = self.media.families.get(file.kind)
        if family is not None and kind not in _UNTOLD and not kind.startswith(f"{family}/"):
            raise DownloadError.of(file.output_id, f"it is {kind}, not {family}")
        return _suffix(kind, family, file.url)

    async def _fetch(self, url: str, part: Path) -> Answer:
        attempt = redirects = 0
        while True:
            request = Request(
                method="GET",
                url=check_file_url(url, self.session.origin),
                headers={
                    "accept": "*/*",
                    "accept-encoding": "identity",
                    "user-agent": self.session.user_agent,
                },
                body=None,
                timeout=self.limits.timeout,
            )
            attempt += 1
            try:
                with part.open("wb") as into:
                    answer = await fetch(self.session.io, request, into, self.limits.max_bytes)
            except APIConnectionError:
                if attempt > self.limits.max_retries:
                    raise
                await self.session.io.sleep(backoff(attempt))
                continue
            if answer.status_code in {301, 302, 303, 307, 308} and "location" in answer.headers:
                redirects += 1
                if redirects > _MOST_REDIRECTS:
                    raise DownloadError("its server redirects in circles")
                url = urljoin(url, answer.headers["location"])
                attempt -= 1
                continue
            pause = _pause(answer, attempt)
            if pause is None or attempt > self.limits.max_retries:
                return answer
            await self.session.io.sleep(pause)


def _moved(part: Path, path: Path) -> bool:
    """Move a file to a place that is free. Whether it was."""
    try:
        os.link(part, path)
    except FileExistsError:
        return False
    except OSError:  # no links here
        if path.exists():
            return False
        part.replace(path)
    return True


def _has(run: object, member: str) -> bool:
    return isinstance(run, Model) and any(wire == member for _, wire in wire_names(type(run)))


def _folder(path: str | Path) -> Path:
    folder = Path(checked_path(path, "folder"))
    try:
        Path(os.path.realpath(folder)).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DownloadError(f"nothing was saved in {folder}: {_problem(error)}") from error
    return folder


def _put(part: Path, place: Path) -> Path:
    """Let a whole file take its place. What is there keeps its permissions, a link stays a link,
    and a device or a pipe is written to.
    """
    if place.exists() and not place.is_file():
        with part.open("rb") as source, place.open("wb") as into:
            shutil.copyfileobj(source, into)
        return place
    real = Path(os.path.realpath(place))
    beside = real.with_name(part.name)
    try:
        if real.exists():
            shutil.copymode(real, part)
        real.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(part, beside)  # a link may lead to another disk
        beside.replace(real)
    finally:
        beside.unlink(missing_ok=True)
    return place


def _problem(error: OSError) -> str:
    return error.strerror or str(error)


def _save_text(part: Path, text: str, most: int) -> str:
    content = text.encode("utf-8", "surrogatepass")
    if len(content) > most:
        raise DownloadError(f"larger than the limit of {most} bytes")
    part.write_bytes(content)
    return ".txt"


def _pause(answer: Answer, attempt: int) -> float | None:
    """Seconds until it is worth asking again; None if it is not."""
    if answer.status_code not in {408, 429} and answer.status_code < 500:
        return None
    asked = retry_after(answer.headers)
    if asked is None:
        return backoff(attempt)
    return asked if asked <= LONGEST_WAIT else None


def _planned(media: Media, run_id: str, outputs: Sequence[Any]) -> list[_File]:
    """What is to be saved, each under a name of its own."""
    files: list[_File] = []
    taken: set[str] = set()
    for number, output in enumerate(outputs, 1):
        output_id = text_at(output, media.id) or ""
        kind = text_at(output, media.kind) or ""
        url = text_at(output, media.url) or ""
        if not url:
            raise DownloadError.of(output_id or f"number {number}", "it has no URL")
        base = f"{_stem(run_id) or 'run'}_{_stem(output_id) or f'output_{number}'}"
        stem = base
        copies = 1
        while stem.lower() in taken:
            copies += 1
            stem = f"{base}-{copies}"
        taken.add(stem.lower())
        files.append(_File(stem, output_id, kind, url))
    return files


def _stem(name: str) -> str:
    """A part of a file name that is one on every system, names no other folder, and no other id."""
    stem = re.sub(r"[^A-Za-z0-9_-]+", "_", name).strip("_")[:80]
    if stem == name or not stem:
        return stem
    return f"{stem}-{hashlib.sha256(name.encode('utf-8', 'replace')).hexdigest()[:8]}"


def _suffix(kind: str, family: str | None, url: str) -> str:
    """The suffix of a kind of file that nothing runs: as its server says, else as its URL does."""
    fitting = {
        suffix
        for known, suffix in _SUFFIXES.items()
        if family is None or known.startswith(f"{family}/")
    }
    in_url = re.search(r"\.[a-z0-9]{1,5}\Z", urlsplit(url).path.lower())
    told = _SUFFIXES.get(kind) or (in_url[0] if in_url else "")
    return told if told in fitting else ".bin"
