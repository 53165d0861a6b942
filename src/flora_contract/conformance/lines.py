"""Lines of a file, of stdin, or of a file that grows; packed by gzip or not."""

from __future__ import annotations

import gzip
import io
import os
import sys
import time
import zlib
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING

from flora_contract.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

GZIP = b"\x1f\x8b"
"""What a file begins with that is packed by gzip (RFC 1952, 2.3.1)."""

PAUSE = 0.25
"""Seconds between looks at a file that grows."""

LOOKS = 2
"""So many are taken at a file that was replaced: who writes may still have it open."""


class Lines:
    """Reads the lines of a file; `-` is stdin. `number` is that of the last line, `bytes` how many
    were read."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.name = "<stdin>" if path == Path("-") else str(path)
        self.number = 0
        self.bytes = 0

    def error(self, problem: str, line: int | None = None) -> InputError:
        """What is wrong with a line, by default the last one."""
        return InputError.at(self.name, line or self.number, problem)

    def whole(self) -> Iterator[bytes]:
        """All lines, the last one with or without its end. Raises InputError."""
        with self._readable(), _open(self.path) as file:
            yield from map(self._count, file)

    def followed(self) -> Iterator[bytes | None]:
        """Lines as they are written, without an end; None where there is no other as yet.

        A line counts when its end is there. A file that is emptied is read from its start, and so
        is one that takes its place. Raises InputError.
        """
        if not self.path.is_file():
            raise InputError(f"{self.name}: cannot be followed; only a file that is there can")
        with self._readable():
            file, half, replaced = self.path.open("rb"), b"", 0
            try:
                while True:
                    if piece := file.readline():
                        if piece.startswith(GZIP):
                            raise self.error("packed by gzip, and so cannot be followed", 1)
                        half, replaced = half + piece, 0
                        if half.endswith(b"\n"):
                            yield self._count(half)
                            half = b""
                        continue
                    cut = os.fstat(file.fileno()).st_size < file.tell()
                    if cut or replaced == LOOKS:
                        file.close()
                        file, half, replaced = self.path.open("rb"), b"", 0
                        self.number = 0
                        continue
                    yield None
                    time.sleep(PAUSE)
                    replaced = replaced + 1 if _is_replaced(file, self.path) else 0
            finally:
                file.close()

    def _count(self, line: bytes) -> bytes:
        self.number += 1
        self.bytes += len(line)
        return line

    @contextmanager
    def _readable(self) -> Iterator[None]:
        try:
            yield
        except (gzip.BadGzipFile, EOFError, zlib.error) as error:
            raise self.error(f"not whole gzip: {error}", self.number + 1) from None
        except OSError as error:
            raise InputError(f"{self.name}: cannot be read: {error.strerror}") from None


@contextmanager
def _open(path: Path) -> Iterator[Iterable[bytes]]:
    if path == Path("-"):
        yield _unpacked(sys.stdin.buffer)
    else:
        with path.open("rb") as file:
            yield _unpacked(file)


def _unpacked(file: IO[bytes]) -> Iterable[bytes]:
    assert isinstance(file, io.BufferedReader)  # a file is one, and stdin
    return gzip.GzipFile(fileobj=file) if file.peek(2).startswith(GZIP) else file


def _is_replaced(file: IO[bytes], path: Path) -> bool:
    """Whether another file has come to the place of one that is open."""
    try:
        return not os.path.samestat(os.fstat(file.fileno()), path.stat())
    except FileNotFoundError:
        return False  # the next one is not there yet
