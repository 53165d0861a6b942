"""What the shared renderings promise: whole files, no secrets, text that survives its format."""

from __future__ import annotations

import xml.etree.ElementTree as ET
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
    from pathlib import Path


def test_a_file_is_replaced_at_once_and_nothing_is_left_behind(tmp_path: Path) -> None:
    target = tmp_path / "new" / "report.md"
    write(target, "first")
    write(target, "second")
    assert target.read_text() == "second"
    assert list(target.parent.iterdir()) == [target]


def test_a_folder_in_the_way_is_a_line_for_the_user(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be written"):
        write(tmp_path, "text")


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
