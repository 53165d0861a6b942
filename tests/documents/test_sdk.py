"""An SDK becomes facts, each with its file and line, and what no rule reads is told."""

from __future__ import annotations

import io
import json
import tarfile
from typing import TYPE_CHECKING

import pytest

from flora_contract.documents.facts.fact import dump
from flora_contract.documents.sources.package import package_files
from flora_contract.documents.sources.read import FACTS, read_sdk, read_source, stored_pages
from flora_contract.errors import InputError
from tests.documents import bikes

if TYPE_CHECKING:
    from pathlib import Path

    from flora_contract.documents.facts.fact import SourcePage

FILES = package_files(bikes.FOLDER / "sdk")
RIDERS = "resources/riders.d.ts"
CALLS = "resources/riders.mjs"


@pytest.fixture(scope="module")
def sdk() -> SourcePage:
    return read_sdk(FILES, "sdk")


def said(page: SourcePage) -> set[str]:
    return {str(fact) for fact in page.facts if fact.aspect != "wording"}


def test_every_method_that_sends_a_request_is_an_operation(sdk: SourcePage) -> None:
    assert sdk.unread == []
    assert [fact.place.operation for fact in sdk.described] == [
        "POST /riders",
        "GET /riders/{riderId}",
        "GET /riders",
        "DELETE /riders/{riderId}/badges/{badgeId}",
        "POST /riders/{riderId}/pay",
    ]


@pytest.mark.parametrize(
    "fact",
    [
        "POST /riders header Idempotency-Key duration 1 hour",
        "POST /riders body media application/json",
        "POST /riders body name required true",
        "POST /riders body level value expert",
        "POST /riders body days default 30",
        "POST /riders answer balance nullable true",
        "POST /riders answer balance says US dollars",
        "POST /riders answer badges[].badge_id required true",
        "GET /riders/{riderId} path riderId required true",
        "GET /riders/{riderId} answer limits.zones[] value outer",
        "GET /riders/{riderId} answer insured<boolean> value true",
        "GET /riders/{riderId} answer insured<object>.until required false",
        "GET /riders/{riderId} answer tags{} type string",
        "GET /riders/{riderId} answer extra type map",
        "GET /riders query cursor required false",
        "GET /riders query active type boolean",
        "GET /riders answer riders[].name type string",
        "GET /riders answer meta.next_cursor nullable true",
        "DELETE /riders/{riderId}/badges/{badgeId} deprecated true",
        "DELETE /riders/{riderId}/badges/{badgeId} path badgeId type string",
        "POST /riders/{riderId}/pay query dry_run type boolean",
        "POST /riders/{riderId}/pay header Bikes-Station required false",
        "POST /riders/{riderId}/pay body amount required true",
        "POST /riders/{riderId}/pay answer <paid>.receipt type string",
        "POST /riders/{riderId}/pay answer <refused>.outcome value refused",
    ],
)
def test_declarations_and_calls_become_facts(sdk: SourcePage, fact: str) -> None:
    assert fact in said(sdk)


def test_a_fact_has_its_file_and_line(sdk: SourcePage) -> None:
    for fact in sdk.facts:
        line = FILES[fact.file].decode().split("\n")[fact.line - 1]
        if fact.aspect == "required" and fact.value is False and fact.place.part != "header":
            assert "?:" in line, fact
    (days,) = [f for f in sdk.facts if str(f) == "POST /riders body days default 30"]
    assert sdk.where(days) == f"TS10 {RIDERS}:129"


def test_stored_facts_are_read_back(sdk: SourcePage, tmp_path: Path) -> None:
    from flora_contract.documents.facts.fact import read_facts

    path = tmp_path / "TS10.yaml"
    path.write_text(dump(sdk), encoding="utf-8")
    again = read_facts(path)
    assert (again.version, dump(again)) == ("1.0.0", dump(sdk))


def test_an_archive_is_read_as_its_folder(sdk: SourcePage, tmp_path: Path) -> None:
    path = tmp_path / "bikes-1.0.0.tgz"
    with tarfile.open(path, "w:gz") as archive:
        for name, data in FILES.items():
            member = tarfile.TarInfo(f"package/{name}")
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    assert dump(read_source(path)) == dump(sdk)


@pytest.mark.parametrize(
    ("file", "old", "new", "problem"),
    [
        (RIDERS, "active: boolean;", "active: Missing;", "no file here declares Missing"),
        (RIDERS, "active: boolean;", "active: () => void;", "no rule reads the type () => void"),
        (
            "resources/riders.mjs",
            "this._client.delete",
            "this._client.purge",
            "purge is no request",
        ),
        ("resources/riders.mjs", "`/riders/${riderID}`", "where(riderID)", "is not written out"),
    ],
)
def test_what_no_rule_reads_is_told_with_its_line(
    file: str, old: str, new: str, problem: str
) -> None:
    text = FILES[file].decode()
    assert old in text
    page = read_sdk({**FILES, file: text.replace(old, new, 1).encode()}, "sdk")
    assert any(problem in unread.problem and unread.file for unread in page.unread), page.unread


def test_what_is_no_sdk_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "package.json").write_text(json.dumps({"name": "x", "version": "1.0.0"}))
    with pytest.raises(InputError, match="resources/ declares no operation"):
        read_source(tmp_path)
    (tmp_path / "package.json").write_text("{")
    with pytest.raises(InputError, match="no SDK that can be read"):
        read_source(tmp_path)
    broken = tmp_path / "broken.tgz"
    broken.write_bytes(b"no archive")
    with pytest.raises(InputError, match="cannot be read"):
        read_source(broken)


def test_the_versions_that_are_stored_are_ranked_by_their_numbers() -> None:
    from flora_contract.documents.checking.evidence import rank

    labels = [page.label for page in sorted(stored_pages(), key=rank)]
    assert labels[:5] == ["S000", "S001", "S002", "S003", "S004"]
    assert labels[5:] == ["TS011", "TS010", "TS07", "TS03"]
    assert (FACTS / "TS011.yaml").exists()
