"""Where a command's answer goes: to stdout, or whole into a file."""

from __future__ import annotations

import contextlib
import os
import socket
import stat
import sys
import tempfile
from pathlib import Path

from flora_contract.errors import InputError

_MOST_LINKS = 40  # in a chain: as many as Linux follows


def deliver(text: str, output: Path | None) -> None:
    """Write `text` to the file `output`, or to stdout when it is None."""
    if output is None:
        sys.stdout.write(text if text.endswith("\n") else text + "\n")
    else:
        write(output, text)


def write(path: Path, text: str) -> None:
    """Replace a file at once: readers see the old text or the new one, never half of it.

    The file keeps its permissions, and a link stays a link: the file it leads to is replaced.
    A device, a pipe, a socket and what is open already, such as /dev/stdout, are written to as
    they are. Raises InputError when the text cannot be written.
    """
    data = text.encode()
    try:
        descriptor = _descriptor(path)
        if descriptor is not None:
            _write_open(descriptor, data)
            return
        status = _status(path)
        if status is None or stat.S_ISREG(status.st_mode):
            _replace(Path(os.path.realpath(path)), data, status)
        elif stat.S_ISSOCK(status.st_mode):
            _send(path, data)
        else:
            path.write_bytes(data)
    except OSError as error:
        raise InputError(f"{path}: cannot be written: {error.strerror}") from None


def _descriptor(path: Path) -> int | None:
    """The number of the open file that a path such as /dev/stdout stands for, through any links.

    What it leads to may be a file, and must not be replaced: others write to it too.
    """
    for _ in range(_MOST_LINKS):
        folder = os.path.realpath(path.parent)
        if path.name.isdecimal() and folder in {
            os.path.realpath(place) for place in ("/dev/fd", "/proc/self/fd")
        }:
            return int(path.name)
        if not path.is_symlink():
            return None
        path = folder / path.readlink()
    return None


def _write_open(descriptor: int, data: bytes) -> None:
    """Write where the open file stands: opened by its name, it would be emptied."""
    sys.stdout.flush()
    sys.stderr.flush()
    with os.fdopen(os.dup(descriptor), "wb") as file:
        file.write(data)


def _status(path: Path) -> os.stat_result | None:
    """What is at a path, or at the end of its links; None if nothing is."""
    try:
        return path.stat()
    except FileNotFoundError:
        return None


def _send(path: Path, data: bytes) -> None:
    with socket.socket(socket.AF_UNIX) as peer:
        peer.connect(str(path))
        peer.sendall(data)


def _replace(path: Path, data: bytes, old: os.stat_result | None) -> None:
    if old is not None:
        path.open("ab").close()  # may it be written? Renaming would not ask
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".flora-")
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        _permit(temporary, old)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def _permit(path: Path, old: os.stat_result | None) -> None:
    """Give a new file the owner, group and permissions of the old one, as far as we may."""
    if old is None:
        path.chmod(0o666 & ~_umask())
        return
    if hasattr(os, "chown"):
        for owner, group in ((old.st_uid, -1), (-1, old.st_gid)):
            with contextlib.suppress(PermissionError):
                os.chown(path, owner, group)
    path.chmod(old.st_mode & 0o777)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
