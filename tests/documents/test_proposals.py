"""What changed in a source is told as what it is, and answered with edits that hold."""

from __future__ import annotations

import json
import random as randomness
import shutil
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from flora_contract import shipped
from flora_contract.cli import group
from flora_contract.documents.checking.check import check
from flora_contract.documents.checking.claims import claims
from flora_contract.documents.checking.conflicts import read_conflicts
from flora_contract.documents.facts.fact import dump
from flora_contract.documents.proposing.differences import differences
from flora_contract.documents.proposing.suggest import suggest
from flora_contract.documents.sources.read import elsewhere, stored_pages
from flora_contract.openapi import apply, load
from flora_contract.openapi.behaviour import Behaviour
from flora_contract.openapi.contract import Contract
from flora_contract.openapi.lint import Registers, lint
from tests.documents import bikes, judged_edits, source_edits

if TYPE_CHECKING:
    from pathlib import Path

    from click.testing import Result


def test_a_contract_is_drafted_from_sources_of_each_kind() -> None:
    made = bikes.contract()
    assert len(list(made.operations())) == 9
    assert check(made, list(bikes.sources()), bikes.conflicts()).faults == []
    assert made.text.startswith("# The contract of a made-up API")
    assert "    # What every error answer is.\n    Error:" in made.text


@pytest.mark.parametrize("kind", sorted(source_edits.KINDS))
def test_an_edit_is_told_as_what_it_is_and_answered(kind: str, tmp_path: Path) -> None:
    draws = judged_edits.drawn(randomness.Random(kind))
    edit = next(edit for edit in draws if edit.kind == kind)
    found = judged_edits.judge(edit, tmp_path)
    assert found.told, found.why
    assert found.green or not found.patched, found.why


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The made-up API as a project: contract, statements, conflicts and stored facts."""
    facts = tmp_path / "facts"
    facts.mkdir()
    for page in bikes.sources():
        if page.form != "elsewhere":
            (facts / f"{page.label}.yaml").write_text(dump(page), encoding="utf-8")
    shutil.copy(bikes.FOLDER / "elsewhere.yaml", facts)
    shutil.copy(bikes.FOLDER / "conflicts.md", tmp_path)
    shutil.copytree(bikes.FOLDER / "sdk", tmp_path / "sdk")
    (tmp_path / "openapi.yaml").write_text(bikes.contract().text, encoding="utf-8")
    (tmp_path / "behaviour.yaml").write_text(
        "overlay: 1.1.0\ninfo: {title: Bikes, version: 1.0.0}\nactions:\n"
        "  # How a key is held.\n"
        "  - target: $.paths['/rentals'].post\n"
        "    update:\n"
        "      x-idempotency: {header: Idempotency-Key, window: 7200, repetition: refused}\n",
        encoding="utf-8",
    )
    return tmp_path


def run(folder: Path, *arguments: str) -> Result:
    """A command of documents about the made-up API."""
    options = ["--contract", "openapi.yaml", "--registers", ".", "--facts", "facts"]
    if arguments[0] in {"suggest", "watch"}:
        options += ["--behaviour", "behaviour.yaml"]
    given = [str(folder / word) if (folder / word).exists() else word for word in options]
    return CliRunner().invoke(group, ["documents", *arguments, *given])


def page(folder: Path, old: str, new: str, name: str = "captured today.txt") -> Path:
    """The HTTP page of the made-up API after an edit, under a name that says nothing."""
    text = (bikes.FOLDER / "http.txt").read_text(encoding="utf-8")
    assert old in text
    path = folder / name
    path.write_text(text.replace(old, new), encoding="utf-8")
    return path


def test_nothing_is_told_where_nothing_changed(folder: Path) -> None:
    same = str(page(folder, "Rent a bike", "Rent a bike"))
    watched = run(folder, "watch", same, str(folder / "sdk"))
    assert (watched.exit_code, "the same facts" in watched.stdout) == (0, True), watched.output
    assert run(folder, "check", same).exit_code == 0


def test_a_changed_duration_is_one_change_with_old_and_new(folder: Path) -> None:
    new = page(folder, "within two hours", "within 24 hours")
    told = json.loads(run(folder, "watch", str(new), "--format", "json").stdout)
    (source,) = told["sources"]
    assert source["label"] == "HTTP"
    changes = [(c["kind"], c["what"]) for c in source["changes"] if c["kind"] != "reworded"]
    assert changes == [("changed", "duration was 2 hours, is 24 hours")]
    written = run(folder, "suggest", str(new), "--write")
    assert written.exit_code == 0, written.output
    contract = (folder / "openapi.yaml").read_text(encoding="utf-8")
    assert "again within 24 hours is answered" in contract
    assert "    # What every error answer is.\n    Error:" in contract
    behaviour = (folder / "behaviour.yaml").read_text(encoding="utf-8")
    assert "window: 86400" in behaviour
    assert "  # How a key is held." in behaviour


def test_an_error_code_gets_a_patch_and_a_question(folder: Path) -> None:
    new = page(folder, '"code": "no_bike"', '"code": "no_bike_left"')
    told = run(folder, "suggest", str(new))
    assert "-              x-extensible-enum: [no_bike, " in told.stdout
    assert (
        "no_bike_left" in told.stdout.split("+              x-extensible-enum:")[1].split("\n")[0]
    )
    assert "the error code no_bike_left: name its status" in told.stderr


def test_sources_that_differ_are_a_question_with_the_row(folder: Path) -> None:
    text = (bikes.FOLDER / "http.txt").read_text(encoding="utf-8")
    other = text.replace('plan: "hour"', 'plan: optional "hour"')
    (folder / "other.txt").write_text(other, encoding="utf-8")
    shutil.copy(folder / "facts" / "HTTP.yaml", folder / "facts" / "HTTP2.yaml")
    assert run(folder, "suggest", "--write").exit_code == 0  # the labels of one page more
    assert run(folder, "check").exit_code == 0
    told = run(folder, "suggest", str(folder / "other.txt"))
    assert "| C1 | required of `POST /rentals body plan` | true (HTTP" in told.stderr
    checked = run(folder, "check", str(folder / "other.txt"))
    assert (checked.exit_code, "| C1 |" in checked.stdout) == (1, True)


def test_watch_stores_what_it_has_read(folder: Path) -> None:
    new = str(page(folder, "maxLength200", "maxLength300"))
    assert run(folder, "watch", new, "--write").exit_code == 1
    assert run(folder, "watch", new).exit_code == 0
    assert run(folder, "check").exit_code == 0


def test_what_cannot_be_done_is_one_line(folder: Path) -> None:
    assert run(folder, "watch").exit_code == 2
    assert run(folder, "suggest", "--operation", "GET /nowhere").exit_code == 2
    (folder / "notes.txt").write_text("---\ntitle: x\ndescription: y\n---\n\nNothing here.\n")
    result = run(folder, "watch", str(folder / "notes.txt"))
    assert "no stored source is like it" in str(result.exception)


def test_from_one_version_of_the_sdk_to_the_next() -> None:
    """0.10.0 to 0.11.0: operations in a workspace, and `allow_multiple`."""
    pages = {page.label: page for page in stored_pages()}
    accepted, statements = (
        read_conflicts(shipped.REGISTERS / "conflicts.md"),
        load(shipped.OVERLAYS / "behaviour.yaml"),
    )
    told = differences(pages["TS010"], pages["TS011"])
    new = [c.place for c in told if c.kind == "added"]
    operations = [place.operation for place in new if not place.part]
    assert len(operations) == 10
    assert all("/workspaces/{workspaceId}/" in name for name in operations)
    multiple = [place for place in new if place.field.endswith(".allow_multiple")]
    assert len(multiple) == 4
    assert [c for c in told if c.kind not in {"added", "reworded"}] == []

    before = [p for p in pages.values() if p.label != "TS011"] + elsewhere()
    contract = load(shipped.CONTRACT)
    stated = {fact.place.operation for fact in pages["TS010"].described}
    left_out = [name for name in contract.tree.get("x-undescribed", {}) if name in stated]
    older = suggest(contract, before, accepted, statements, left_out).edited
    assert check(older, before, accepted).faults == []

    after = [*before, pages["TS011"]]
    made = suggest(older, after, accepted, statements)
    assert check(made.edited, after, accepted).faults == []
    described = {f"{o.method} {o.path}" for o in made.edited.operations()}
    assert set(operations) <= described
    assert set(multiple) <= {claim.place for claim in claims(made.edited).claims}
    assert lint(made.edited, Registers.load(shipped.REGISTERS)) == []
    assert made.edited_behaviour is not None
    stated_too = apply(made.edited, [made.edited_behaviour], strict=True).document
    Behaviour(Contract(stated_too))
