"""Files as they are in a revision, all of them read by one process of git."""

from __future__ import annotations

import subprocess
import weakref
from typing import IO

from flora_contract.errors import InputError


class Reader:
    """Reads files of the repository that the working directory lies in."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None

    def read(self, spec: str) -> str:
        """The text of `revision:path`. Raises InputError if there is none."""
        pipes = self._pipes(spec)
        if "\n" in spec:
            raise InputError(f"{spec!r}: no file has such a name")
        pipes[0].write(spec.encode() + b"\n")
        pipes[0].flush()
        header = pipes[1].readline().split()
        if len(header) != 3 or header[1] != b"blob":
            if len(header) == 3:
                pipes[1].read(int(header[2]) + 1)
                raise InputError(f"{spec}: is not a file")
            run("show", "--end-of-options", spec, problem=spec)  # git tells what is wrong with it
            raise InputError(f"{spec}: cannot be read")
        return _decoded(pipes[1].read(int(header[2]) + 1)[:-1], spec)

    def _pipes(self, problem: str) -> tuple[IO[bytes], IO[bytes]]:
        if self._process is None or self._process.poll() is not None:
            try:
                self._process = subprocess.Popen(  # a fixed program, no shell
                    ["git", "cat-file", "--batch"],  # noqa: S607
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.DEVNULL,
                )
            except FileNotFoundError:
                raise _missing(problem) from None
            weakref.finalize(self, _end, self._process)
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        return self._process.stdin, self._process.stdout


def _end(process: subprocess.Popen[bytes]) -> None:
    process.communicate()  # closes its input, upon which it ends


def run(*arguments: str, problem: str) -> str:
    """What git says. Raises InputError about `problem` when git fails."""
    try:
        done = subprocess.run(  # noqa: S603 - a fixed program, no shell, options ended
            ["git", *arguments],  # noqa: S607
            capture_output=True,
            check=False,
        )
    except FileNotFoundError:
        raise _missing(problem) from None
    if done.returncode:
        reason = done.stderr.decode(errors="replace").strip().splitlines() or ["git failed"]
        raise InputError(f"{problem}: {reason[0].removeprefix('fatal: ')}")
    return _decoded(done.stdout, problem)


def _missing(problem: str) -> InputError:
    return InputError(f"{problem}: no such file, and git is not installed")


def _decoded(data: bytes, problem: str) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise InputError(f"{problem}: not UTF-8 at byte {error.start}") from None
