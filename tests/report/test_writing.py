"""What the shared renderings promise: whole files, no secrets, text that survives its format."""

from __future__ import annotations

import os
import socket
import stat
import subprocess
import sys
import tempfile
import threading
import xml.etree.ElementTree as ET
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flora_contract.errors import InputError
from flora_contract.report import markdown
from flora_contract.report.junit import Case, junit
from flora_contract.report.output import deliver, write
from flora_contract.report.redaction import REDACTED, Redactor

if TYPE_CHECKING:
    from collections.abc import Iterator


def test_a_file_is_replaced_at_once_and_nothing_is_left_behind(tmp_path: Path) -> None:
    target = tmp_path / "new" / "report.md"
    write(target, "first")
    write(target, "second")
    assert target.read_text() == "second"
    assert list(target.parent.iterdir()) == [target]


def test_a_folder_in_the_way_is_a_line_for_the_user(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be written: Is a directory"):
        write(tmp_path, "text")
    (tmp_path / "file").write_text("old")
    with pytest.raises(InputError, match="cannot be written: Not a directory"):
        write(tmp_path / "file" / "report.md", "text")


def test_a_new_file_is_as_the_umask_has_it_and_an_old_one_stays_as_it_was(tmp_path: Path) -> None:
    new, old = tmp_path / "new", tmp_path / "old"
    old.write_text("old")
    old.chmod(0o640)
    if os.geteuid() == 0:
        os.chown(old, 65534, 65534)
    umask = os.umask(0o027)
    try:
        write(new, "text")
        write(old, "text")
    finally:
        os.umask(umask)
    assert stat.S_IMODE(new.stat().st_mode) == 0o640
    assert stat.S_IMODE(old.stat().st_mode) == 0o640
    assert old.stat().st_uid == (65534 if os.geteuid() == 0 else os.geteuid())
    assert old.read_text() == "text"


def test_a_link_stays_a_link_and_what_it_leads_to_is_replaced(tmp_path: Path) -> None:
    real = tmp_path / "deep" / "real"
    real.parent.mkdir()
    real.write_text("old")
    real.chmod(0o600)
    (tmp_path / "absolute").symlink_to(real)
    (tmp_path / "relative").symlink_to(Path("deep", "real"))
    (tmp_path / "chain").symlink_to("relative")
    (tmp_path / "folder").symlink_to("deep")
    for name in ("absolute", "relative", "chain", "folder/real"):
        write(tmp_path / name, name)
        assert real.read_text() == name
        assert stat.S_IMODE(real.stat().st_mode) == 0o600
    assert all((tmp_path / name).is_symlink() for name in ("absolute", "relative", "chain"))
    assert list(real.parent.iterdir()) == [real]


def test_what_a_link_leads_to_is_made_where_it_is_missing(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("new/file")
    (tmp_path / "chain").symlink_to("link")
    write(tmp_path / "chain", "text")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "new" / "file").read_text() == "text"
    (tmp_path / "reports").symlink_to("elsewhere")
    write(tmp_path / "reports" / "one", "text")
    assert (tmp_path / "elsewhere" / "one").read_text() == "text"


def test_a_link_to_itself_is_a_line_for_the_user(tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(InputError, match="symbolic links"):
        write(tmp_path / "loop", "text")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root makes devices")
def test_a_device_stays_a_device(tmp_path: Path) -> None:
    device = tmp_path / "null"
    os.mknod(device, 0o666 | stat.S_IFCHR, os.makedev(1, 3))
    (tmp_path / "link").symlink_to("null")
    for path in (device, tmp_path / "link"):
        write(path, "text")
        assert stat.S_ISCHR(device.stat().st_mode)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["link", "null"]


def test_a_pipe_is_written_to(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    read: list[str] = []
    reader = threading.Thread(target=lambda: read.append(pipe.read_text()), daemon=True)
    reader.start()
    write(pipe, "text" * 100_000)
    reader.join(10)
    assert read == ["text" * 100_000]
    assert stat.S_ISFIFO(pipe.stat().st_mode)


def test_a_socket_is_sent_to(tmp_path: Path) -> None:
    with tempfile.TemporaryDirectory() as short, socket.socket(socket.AF_UNIX) as server:
        path = Path(short, "socket")
        server.bind(str(path))
        with pytest.raises(InputError, match="refused"):
            write(path, "text")
        server.listen()
        write(path, "text")
        with server.accept()[0] as peer:
            assert peer.recv(99) == b"text"
        assert stat.S_ISSOCK(path.stat().st_mode)


@pytest.mark.parametrize("way", ["/dev/fd/{}", "/proc/self/fd/{}", "link"])
def test_what_is_open_is_written_to_where_it_stands(way: str, tmp_path: Path) -> None:
    with (tmp_path / "file").open("wb") as file:
        file.write(b"before ")
        file.flush()
        (tmp_path / "link").symlink_to(f"/dev/fd/{file.fileno()}")
        write(tmp_path / way.format(file.fileno()), "text")
        file.write(b" after")
    assert (tmp_path / "file").read_text() == "before text after"


def test_what_is_not_open_is_a_line_for_the_user() -> None:
    with pytest.raises(InputError, match="/dev/fd/987: cannot be written"):
        write(Path("/dev/fd/987"), "text")


@contextmanager
def not_root() -> Iterator[None]:
    """Root may write anywhere."""
    user = os.geteuid()
    if user == 0:
        os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(user)


def test_what_may_not_be_written_stays_as_it_was() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o555)
        with not_root(), pytest.raises(InputError, match="new: cannot be written: Permission"):
            write(folder / "new", "text")
        folder.chmod(0o777)
        (folder / "kept").write_text("old")
        (folder / "kept").chmod(0o444)
        with not_root(), pytest.raises(InputError, match="kept: cannot be written: Permission"):
            write(folder / "kept", "text")
        assert (folder / "kept").read_text() == "old"
        assert list(folder.iterdir()) == [folder / "kept"]


@pytest.mark.parametrize("mode", ["w", "a"])
def test_a_command_writes_to_dev_stdout_between_what_others_write(
    mode: str, tmp_path: Path
) -> None:
    contract = tmp_path / "openapi.yaml"
    contract.write_text("openapi: 3.1.0\ninfo: {title: T, version: 1.0.0}\npaths: {}\n")
    (tmp_path / "out").write_text("before\n" if mode == "a" else "")
    command = "from flora_contract.cli import main; main()"
    diff = ["diff", str(contract), str(contract), "--format", "json", "--output", "/dev/stdout"]
    with (tmp_path / "out").open(mode) as out:
        for _ in range(2):
            subprocess.run([sys.executable, "-c", command, *diff], stdout=out, check=True)
    lines = (tmp_path / "out").read_text().splitlines()
    assert lines.count("{") == lines.count("}") == 2
    assert lines[0] == ("before" if mode == "a" else "{")
    piped = subprocess.run([sys.executable, "-c", command, *diff], capture_output=True, check=True)
    assert piped.stdout.decode().splitlines().count("{") == 1


def test_an_answer_ends_with_one_newline(capsys: pytest.CaptureFixture[str]) -> None:
    deliver("a", None)
    deliver("b\n", None)
    assert capsys.readouterr().out == "a\nb\n"


@given(st.text(), st.text(alphabet="abc_", min_size=8), st.text())
def test_a_known_secret_is_nowhere(before: str, secret: str, after: str) -> None:
    redactor = Redactor([secret])
    assert secret not in redactor.text(before + secret + after)
    assert secret.encode() not in redactor.bytes(f"{before}{secret}{after}".encode())


def test_secrets_of_unknown_value_are_known_by_their_shape() -> None:
    assert Redactor().text('{"key": "sk_live_abc-1"}') == f'{{"key": "{REDACTED}"}}'


def test_headers_that_carry_secrets_lose_their_value() -> None:
    headers = Redactor(["hidden"]).headers(
        [("Authorization", "Bearer x"), ("X-Note", "a hidden b")]
    )
    assert headers == (("Authorization", REDACTED), ("X-Note", f"a {REDACTED} b"))


@given(st.text(), st.text())
def test_junit_is_xml_whatever_it_quotes(message: str, detail: str) -> None:
    text = junit(
        "check",
        [
            Case("a", message, "failed", message, detail),
            Case("b", "ok", "passed"),
            Case("b", "open", "skipped", message),
        ],
    )
    root = ET.fromstring(text.encode())
    assert root.attrib["tests"] == "3"
    assert root.attrib["failures"] == "1"
    assert root.attrib["skipped"] == "1"
    assert [s.attrib["name"] for s in root] == ["a", "b"]


@given(st.text(alphabet="`|ab \n*_", min_size=1))
def test_a_table_row_stays_one_row(text: str) -> None:
    table = markdown.table(["a", "b"], [[markdown.code(text), markdown.escape(text)]])
    assert len(table.splitlines()) == 3


def test_a_block_outlives_the_fences_in_it() -> None:
    assert markdown.block("```\nx\n```", "sh").startswith("````sh\n")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a poll_url and snake_case", "a poll_url and snake_case"),
        ("_aside_ and __init__", r"\_aside\_ and \_\_init\_\_"),
        ("a*b [c](d)", r"a\*b \[c\](d)"),
    ],
)
def test_only_what_markdown_would_read_is_escaped(text: str, shown: str) -> None:
    assert markdown.escape(text) == shown
