"""The command as its user meets it: what it prints, writes and exits with."""

from __future__ import annotations

import datetime as dt
import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
import yaml

from flora_contract import cli
from flora_contract.diff import report_schema
from flora_contract.diff.command import diff
from flora_contract.diff.reading.sources import open_contract
from flora_contract.diff.release.comparison import compare
from flora_contract.diff.render.markdown import as_markdown
from flora_contract.errors import InputError
from flora_contract.openapi import Document
from flora_contract.openapi.tree import Tree

FLORA = Path(sys.executable).with_name("flora-contract")

BASE: dict[str, Any] = {
    "openapi": "3.1.0",
    "info": {"title": "Shop", "version": "1.2.3"},
    "paths": {
        "/orders": {
            "get": {
                "operationId": "listOrders",
                "parameters": [{"name": "q", "in": "query", "schema": {"type": "string"}}],
                "responses": {
                    "200": {
                        "description": "Done",
                        "content": {
                            "application/json": {"schema": {"$ref": "#/components/schemas/Order"}}
                        },
                    }
                },
            }
        },
        "/orders/{id}": {
            "get": {
                "parameters": [
                    {"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}
                ],
                "responses": {
                    "200": {
                        "description": "Done",
                        "content": {
                            "application/json": {"schema": {"$ref": "#/components/schemas/Order"}}
                        },
                    }
                },
            }
        },
    },
    "components": {
        "schemas": {
            "Order": {
                "type": "object",
                "required": ["id"],
                "properties": {"id": {"type": "string"}, "total": {"type": "integer"}},
            }
        }
    },
}


def edited(**edits: Any) -> dict[str, Any]:
    """The base with values at dotted places; None takes away."""
    revision: dict[str, Any] = json.loads(json.dumps(BASE))
    for place, value in edits.items():
        node = revision
        *way, last = place.split("__")
        for key in way:
            node = node[key]
        if value is None:
            del node[last]
        else:
            node[last] = value
    return revision


BREAKING = edited(components__schemas__Order__required=[])
SAFE = edited(components__schemas__Order__description="An order.")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, tree in (("base", BASE), ("breaking", BREAKING), ("safe", SAFE)):
        (tmp_path / f"{name}.yaml").write_text(yaml.safe_dump(tree, sort_keys=False))
    return tmp_path


def run(
    folder: Path, *arguments: str, stdin: str | None = None, columns: int = 100
) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "COLUMNS": str(columns), "NO_COLOR": "1"}
    return subprocess.run(
        [str(FLORA), "diff", *arguments],
        cwd=folder,
        input=stdin,
        capture_output=True,
        text=True,
        env=environment,
        check=False,
    )


def report(folder: Path, *arguments: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(run(folder, *arguments, "--format", "json").stdout)
    return found


@pytest.mark.parametrize(
    ("revision", "options", "code"),
    [
        ("base.yaml", [], 0),
        ("safe.yaml", [], 0),
        ("safe.yaml", ["--fail-on", "any"], 1),
        ("breaking.yaml", [], 1),
        ("breaking.yaml", ["--side", "request"], 0),
        ("breaking.yaml", ["--level", "breaking"], 1),
    ],
)
def test_the_exit_code_says_whether_it_holds(
    folder: Path, revision: str, options: list[str], code: int
) -> None:
    done = run(folder, "base.yaml", revision, *options)
    assert done.returncode == code, done.stderr
    assert not done.stderr


def test_a_change_of_a_shared_schema_is_told_once_with_what_it_reaches(folder: Path) -> None:
    found = report(folder, "base.yaml", "breaking.yaml")
    jsonschema_rs.validate(report_schema(), found)
    assert found["summary"] == {"breaking": 2, "risky": 0, "safe": 0}
    assert found["changes"][1]["id"] == "api-version-hides-breaking"
    assert found["version"] == {"base": "1.2.3", "revision": "1.2.3", "proposed": "2.0.0"}
    change = found["changes"][0]
    assert change["id"] == "response-property-became-optional"
    assert change["pointer"] == "/components/schemas/Order/required"
    assert change["operation"] is None
    assert {reach["path"] for reach in change["reaches"]} == {"/orders", "/orders/{id}"}
    line = change["base"]["line"]
    assert (folder / "base.yaml").read_text().splitlines()[line - 1].strip() == "required:"


@pytest.mark.parametrize("form", ["text", "markdown", "html"])
def test_nothing_changed_is_said_so(folder: Path, form: str) -> None:
    out = run(folder, "base.yaml", "base.yaml", "--format", form).stdout
    assert "nothing changed" in out.lower()
    assert "asks for" not in out
    assert "Only words" not in out


def test_many_changes_begin_with_those_that_matter(tmp_path: Path) -> None:
    revised = shared(30, changed=True)
    revised["paths"]["/r7"] = {}
    for name, tree in (("a", shared(30, changed=False)), ("b", revised)):
        (tmp_path / f"{name}.json").write_text(json.dumps(tree))
    text = run(tmp_path, "a.json", "b.json").stdout
    first = text.partition("all 32 changes")[0].splitlines()
    assert first[0] == "what matters most"
    assert sum("breaking" in line for line in first) == 10
    comment = run(tmp_path, "a.json", "b.json", "--format", "markdown").stdout
    assert comment.count("\n1. ") == 10
    assert comment.index("What matters most") < comment.index("<details")


def test_words_ask_for_a_patch(folder: Path) -> None:
    assert report(folder, "base.yaml", "safe.yaml")["version"]["proposed"] == "1.2.4"


def test_expand_tells_it_by_operation(folder: Path) -> None:
    found = report(folder, "base.yaml", "breaking.yaml", "--expand", "--stats")
    jsonschema_rs.validate(report_schema(), found)
    told = [(one["operation"], one["path"]) for one in found["changes"] if one["path"]]
    assert told == [("GET", "/orders"), ("GET", "/orders/{id}")]
    assert found["stats"]["response-property-became-optional"] == 2


def test_text_for_no_terminal_is_not_broken_into_lines(folder: Path) -> None:
    out = run(folder, "base.yaml", "breaking.yaml", columns=40).stdout
    said = next(line for line in out.splitlines() if "no longer required" in line)
    assert "Order: property" in said
    pointer = "response-property-became-optional  /components/schemas/Order/required"
    assert pointer in [line.strip() for line in out.splitlines()]
    assert "\x1b" not in out
    assert out.splitlines()[-1].startswith("2 breaking, 0 risky, 0 safe; version 1.2.3 asks for")


def test_markdown_stays_within_what_a_comment_holds(tmp_path: Path) -> None:
    def many(kind: str) -> dict[str, Any]:
        names = [f"Order{number}" for number in range(800)]
        schemas = {
            name: {"type": "object", "properties": {f"p{n}": {"type": kind} for n in range(4)}}
            for name in names
        }
        body = {"anyOf": [{"$ref": f"#/components/schemas/{name}"} for name in names]}
        content = {"content": {"application/json": {"schema": body}}}
        tree = edited(components__schemas=schemas)
        tree["paths"] = {"/": {"post": {"requestBody": content, "responses": {}}}}
        return tree

    for name, kind in (("a", "string"), ("b", "integer")):
        (tmp_path / f"{name}.json").write_text(json.dumps(many(kind)))
    out = run(tmp_path, "a.json", "b.json", "--format", "markdown").stdout
    assert 30_000 < len(out) <= 60_000
    assert "more changes did not fit" in out
    assert out.index("Breaking") < out.index("Changelog entry")
    assert out.count("<details") == out.count("</details>")


def test_markdown_stays_within_that_whatever_stands_in_it(folder: Path) -> None:
    trees = [
        Tree(Document(tree, name), lambda document, _: document)
        for name, tree in (("a", BASE), ("b", BREAKING))
    ]
    comparison = compare(trees[0], trees[1])
    [change, *rest] = comparison.changes
    fences = "```\n</details>\n" * 9_000
    huge = replace(change, accepted="é" * 90_000), replace(change, message=fences), change
    spots = replace(change.base, value=fences), replace(change.revision, value="😀" * 90_000)
    valued = replace(change, base=spots[0], revision=spots[1])
    told = replace(
        comparison, changes=(*huge, valued, *rest), client=tuple(fences for _ in range(60))
    )
    text = as_markdown(told, list(told.changes), stats="     1  rule\n" * 9_000)
    assert len(text) <= 60_000
    assert text.count("<details") == 4
    assert "2 more changes did not fit" in text
    assert "Changes by rule" in text


def shared(count: int, changed: bool) -> dict[str, Any]:
    """Schemas that each operation reaches, all of them changed."""
    kind = "integer" if changed else "string"
    names = [f"M{number}" for number in range(count)]
    schemas = {
        name: {
            "type": "object",
            "properties": {
                "a": {"type": kind},
                "next": {"$ref": f"#/components/schemas/{following}"},
            },
        }
        for name, following in zip(names, names[1:] + names[:1], strict=True)
    }
    content = {"application/json": {"schema": {"$ref": "#/components/schemas/M0"}}}
    response = {"200": {"description": "Done", "content": content}}
    paths = {f"/r{number}": {"get": {"responses": response}} for number in range(count)}
    return {**edited(components__schemas=schemas), "paths": paths}


def test_what_many_operations_reach_in_many_places_stays_readable(tmp_path: Path) -> None:
    for name, changed in (("a", False), ("b", True)):
        (tmp_path / f"{name}.json").write_text(json.dumps(shared(300, changed)))
    found = report(tmp_path, "a.json", "b.json")
    jsonschema_rs.validate(report_schema(), found)
    told = [one for one in found["changes"] if one["reaches"][0]["path"]]
    assert len(told) == 300
    for change in told:
        assert len(change["reaches"]) + change["reaches_left_out"] == 300
    assert sum(len(change["reaches"]) for change in told) <= 50_000
    page = run(tmp_path, "a.json", "b.json", "--format", "html").stdout
    assert "and 234 more" in page


def test_expanding_without_end_is_refused_in_every_form(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("flora_contract.diff.judging.expanding.EXPANDED_AT_MOST", 99)
    for name, changed in (("a", False), ("b", True)):
        (tmp_path / f"{name}.json").write_text(json.dumps(shared(10, changed)))
    for form in ("text", "json", "sarif", "html"):
        options = [str(tmp_path / "a.json"), str(tmp_path / "b.json"), "--expand", "--format", form]
        with pytest.raises(InputError, match="more than 99: leave it out"):
            diff.main(options, standalone_mode=False)


def test_sarif_names_rule_file_and_line(folder: Path) -> None:
    done = run(folder, "base.yaml", "breaking.yaml", "--format", "sarif", "--level", "breaking")
    result = json.loads(done.stdout)["runs"][0]["results"][0]
    assert "Order: property" in result["message"]["text"]
    assert result["level"] == "error"
    place = result["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"] == "breaking.yaml"
    assert result["relatedLocations"][0]["physicalLocation"]["region"]["startLine"] > 1


def test_annotations_are_commands_of_github(folder: Path) -> None:
    done = run(folder, "base.yaml", "breaking.yaml", "--format", "github", "--level", "breaking")
    line = done.stdout.splitlines()[0]
    assert "Order: property" in line
    assert line.startswith("::error file=breaking.yaml,line=")
    assert "title=response-property-became-optional::" in line


def test_annotations_have_paths_from_the_repositorys_root(folder: Path) -> None:
    (folder / "api").mkdir()
    for name in ("base", "breaking"):
        (folder / f"{name}.yaml").rename(folder / "api" / f"{name}.yaml")
    subprocess.run(["git", "init", "--quiet"], cwd=folder, check=True)
    for form, path in (("github", "file=api/breaking.yaml,"), ("sarif", '"api/breaking.yaml"')):
        assert path in run(folder / "api", "base.yaml", "breaking.yaml", "--format", form).stdout


def test_output_goes_to_a_file(folder: Path) -> None:
    done = run(folder, "base.yaml", "safe.yaml", "--format", "json", "--output", "out.json")
    assert not done.stdout
    assert json.loads((folder / "out.json").read_text())["summary"]["safe"] == 1


def test_the_same_documents_give_the_same_bytes(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for form in ("json", "markdown", "html"):
        found = set()
        for seed in ("1", "2"):
            monkeypatch.setenv("PYTHONHASHSEED", seed)
            found.add(run(folder, "base.yaml", "breaking.yaml", "--format", form).stdout)
        assert len(found) == 1


def test_a_side_is_judged_by_itself(tmp_path: Path) -> None:
    for name, values in (("a", ["red"]), ("b", ["red", "blue"])):
        tree = edited(components__schemas__Order__properties__colour={"enum": values})
        reference = {"$ref": "#/components/schemas/Order"}
        content = {"content": {"application/json": {"schema": reference}}}
        tree["paths"]["/orders"]["get"]["requestBody"] = content
        (tmp_path / f"{name}.yaml").write_text(yaml.safe_dump(tree))
    for side, level in (("both", "risky"), ("response", "risky"), ("request", "safe")):
        change, *rest = report(tmp_path, "a.yaml", "b.yaml", "--side", side)["changes"]
        assert [one["id"] for one in rest] == ["api-version-hides-risky"] * (level == "risky")
        assert (change["side"], change["level"]) == (side, level)


def test_a_side_is_told_what_happens_to_it(tmp_path: Path) -> None:
    text, order = {"type": "string"}, BASE["components"]["schemas"]["Order"]
    for name, branches in (("a", [text]), ("b", [text, order])):
        tree = edited(components__schemas__Order={"anyOf": branches})
        reference = {"$ref": "#/components/schemas/Order"}
        content = {"content": {"application/json": {"schema": reference}}}
        tree["paths"]["/orders"]["get"]["requestBody"] = content
        (tmp_path / f"{name}.yaml").write_text(yaml.safe_dump(tree))
    told = {
        side: report(tmp_path, "a.yaml", "b.yaml", "--side", side)["changes"][0]
        for side in ("request", "response")
    }
    assert (told["request"]["level"], told["response"]["level"]) == ("safe", "breaking")
    assert "something is now allowed" in told["response"]["message"]
    assert "something is now allowed" not in told["request"]["message"]


# Where the documents come from


def test_standard_input_is_a_document(folder: Path) -> None:
    text = (folder / "breaking.yaml").read_text()
    assert run(folder, "base.yaml", "-", stdin=text).returncode == 1
    done = run(folder, "-", "-", stdin=text)
    assert done.returncode == 2
    assert "only one" in done.stderr


def git(folder: Path, *arguments: str) -> None:
    command = ["git", "-c", "user.name=a", "-c", "user.email=a@example.com", *arguments]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)


@pytest.mark.needs("git")
def test_git_revisions_are_documents_with_the_files_beside_them(tmp_path: Path) -> None:
    (tmp_path / "api").mkdir()
    split = edited()
    order = split["components"]["schemas"].pop("Order")
    for path in split["paths"].values():
        content = path["get"]["responses"]["200"]["content"]["application/json"]
        content["schema"]["$ref"] = "models/order.yaml#/Order"
    (tmp_path / "api" / "openapi.yaml").write_text(yaml.safe_dump(split))
    (tmp_path / "openapi.yaml").write_text(yaml.safe_dump(BASE))
    model = tmp_path / "api" / "models" / "order.yaml"
    model.parent.mkdir()
    model.write_text(yaml.safe_dump({"Order": order}))
    git(tmp_path, "init", "-q")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-qm", "first")
    model.write_text(yaml.safe_dump({"Order": {**order, "required": []}}))
    found = report(tmp_path, "HEAD:api/openapi.yaml", "api/openapi.yaml")
    assert found["changes"][0]["id"] == "response-property-became-optional"
    assert len(found["changes"][0]["reaches"]) == 2
    assert (found["changes"][0]["name"], found["changes"][0]["section"]) == ("Order", "components")
    assert report(tmp_path, "HEAD:", "openapi.yaml")["changes"] == []
    # Whether a document is one file or several makes no difference.
    same = report(tmp_path, "HEAD:openapi.yaml", "HEAD:api/openapi.yaml")
    assert {one["id"] for one in same["changes"]} <= {"api-schema-removed"}
    done = run(tmp_path, "nowhere:openapi.yaml", "openapi.yaml")
    assert done.returncode == 2
    assert "nowhere:openapi.yaml" in done.stderr


# Levels and accepted changes


def test_a_levels_file_judges_by_id(folder: Path) -> None:
    levels = folder / "levels.yaml"
    levels.write_text("levels: {response-property-became-optional: safe}\n")
    assert run(folder, "base.yaml", "breaking.yaml", "--levels", "levels.yaml").returncode == 0
    levels.write_text("levels: {response-property-became-optional: none}\n")
    assert report(folder, "base.yaml", "breaking.yaml", "--levels", "levels.yaml")["changes"] == []
    levels.write_text("levels:\n  no-such-rule: safe\n")
    done = run(folder, "base.yaml", "breaking.yaml", "--levels", "levels.yaml")
    assert done.returncode == 2
    assert done.stderr.startswith("flora-contract: levels.yaml:2: ")


def entry(**words: str) -> str:
    later = (dt.datetime.now(dt.UTC).date() + dt.timedelta(days=30)).isoformat()
    given = {
        "id": "response-property-became-optional",
        "place": "/components/schemas/Order/required",
        "reason": "agreed",
        "expires": later,
        **words,
    }
    return yaml.safe_dump({"accepted": [given]})


def test_an_accepted_change_does_not_fail(folder: Path) -> None:
    accepted = folder / "accepted.yaml"
    accepted.write_text(entry())
    done = run(folder, "base.yaml", "breaking.yaml", "--accept", "accepted.yaml")
    assert done.returncode == 0
    assert "accepted: agreed" in done.stdout
    found = report(folder, "base.yaml", "breaking.yaml", "--accept", "accepted.yaml")
    assert found["summary"]["breaking"] == 0
    assert found["changes"][0]["accepted"] == "agreed"


def test_what_has_expired_or_accepts_nothing_is_reported(folder: Path) -> None:
    accepted = folder / "accepted.yaml"
    accepted.write_text(entry(expires="2020-01-01"))
    done = run(folder, "base.yaml", "breaking.yaml", "--accept", "accepted.yaml")
    assert done.returncode == 1
    assert "accepted.yaml:2: expired on 2020-01-01" in done.stderr
    accepted.write_text(entry(place="/components/schemas/Other"))
    done = run(folder, "base.yaml", "breaking.yaml", "--accept", "accepted.yaml")
    assert done.returncode == 1
    assert "accepted.yaml:2: accepts nothing" in done.stderr


def test_accept_write_adds_what_fails(folder: Path) -> None:
    options = ("base.yaml", "breaking.yaml", "--accept", "new.yaml")
    assert run(folder, *options, "--accept-write").returncode == 0
    assert run(folder, *options).returncode == 0
    [added] = yaml.safe_load((folder / "new.yaml").read_text())["accepted"]
    assert added["id"] == "response-property-became-optional"
    assert run(folder, "base.yaml", "breaking.yaml", "--accept-write").returncode == 2
    done = run(folder, "base.yaml", "base.yaml", "--accept", "mistyped.yaml")
    assert done.returncode == 2
    assert "mistyped.yaml: no such file" in done.stderr


@pytest.mark.parametrize(
    ("text", "line", "problem"),
    [
        ("accepted:\n  - {id: x, place: y, reason: z}\n", 2, "must say expires"),
        ("accepted:\n  - {id: x, place: y, reason: z, expires: soon}\n", 2, "no rule has this id"),
        ("other: 1\n", 1, "must have a list called accepted"),
    ],
)
def test_a_bad_file_of_accepted_changes_is_named_with_its_line(
    folder: Path, text: str, line: int, problem: str
) -> None:
    (folder / "accepted.yaml").write_text(text)
    done = run(folder, "base.yaml", "breaking.yaml", "--accept", "accepted.yaml")
    assert done.returncode == 2
    assert done.stderr.startswith(f"flora-contract: accepted.yaml:{line}: ")
    assert problem in done.stderr


def halves(folder: Path, required: list[str]) -> None:
    """A contract of three files, two of which hold the same under the same pointer."""
    order = {"type": "object", "properties": {"a": {"type": "string"}}, "required": required}
    answer = {
        name: {
            "description": "Done",
            "content": {"application/json": {"schema": {"$ref": f"parts/{name}.yaml#/Order"}}},
        }
        for name in ("one", "two")
    }
    paths = {f"/{name}": {"get": {"responses": {"200": answer[name]}}} for name in answer}
    (folder / "parts").mkdir(parents=True, exist_ok=True)
    for name in answer:
        (folder / "parts" / f"{name}.yaml").write_text(yaml.safe_dump({"Order": order}))
    tree = {"openapi": "3.1.0", "info": {"title": "Shop", "version": "1.0.0"}, "paths": paths}
    (folder / "api.yaml").write_text(yaml.safe_dump(tree))


def test_a_place_in_another_file_names_it(tmp_path: Path) -> None:
    halves(tmp_path / "old", ["a"])
    halves(tmp_path / "new", [])
    told = report(tmp_path, "old/api.yaml", "new/api.yaml")["changes"]
    assert [(one["file"], one["pointer"]) for one in told[:2]] == [
        ("parts/one.yaml", "/Order/required"),
        ("parts/two.yaml", "/Order/required"),
    ]
    assert told[0]["base"]["file"].endswith("old/parts/one.yaml")
    place = "parts/one.yaml#/Order/required"
    assert place in run(tmp_path, "old/api.yaml", "new/api.yaml").stdout
    (tmp_path / "accepted.yaml").write_text(entry(place=place))
    options = ("old/api.yaml", "new/api.yaml", "--accept", "accepted.yaml")
    assert run(tmp_path, *options).returncode == 1  # the same break in the other file is not meant
    text = entry(place=place) + entry(place=place.replace("one", "two")).partition("\n")[2]
    (tmp_path / "accepted.yaml").write_text(text)
    assert run(tmp_path, *options).returncode == 0


def test_all_files_of_a_revision_are_read_by_one_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    halves(tmp_path, ["a"])
    git(tmp_path, "init", "-q")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-qm", "first")
    monkeypatch.chdir(tmp_path)
    started: list[object] = []
    real = subprocess.Popen

    def counted(*arguments: Any, **options: Any) -> Any:
        started.append(arguments)
        return real(*arguments, **options)

    monkeypatch.setattr(subprocess, "Popen", counted)
    trees = open_contract("HEAD:api.yaml"), open_contract("api.yaml")
    assert not compare(*trees).changes
    assert len(started) == 1


def test_standard_input_says_that_it_has_no_files_beside_it(tmp_path: Path) -> None:
    halves(tmp_path, ["a"])
    done = run(tmp_path, "-", "api.yaml", stdin=(tmp_path / "api.yaml").read_text())
    assert done.returncode == 2
    assert "standard input has no files beside it" in done.stderr


def test_a_reason_that_nobody_wrote_is_told(folder: Path) -> None:
    options = ("base.yaml", "breaking.yaml", "--accept", "new.yaml")
    run(folder, *options, "--accept-write")
    assert "new.yaml:2: has no reason yet" in run(folder, *options).stderr


def test_an_error_of_ours_is_one_line_and_exit_code_4(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(*_: object) -> None:
        raise KeyError("what\nnobody expected")

    monkeypatch.setattr("flora_contract.diff.command.open_contract", broken)
    monkeypatch.setattr(sys, "argv", ["flora-contract", "diff", "a.yaml", "b.yaml"])
    with pytest.raises(SystemExit) as caught:
        cli.main()
    assert caught.value.code == 4
    [line] = capsys.readouterr().err.splitlines()
    assert "an error of ours: KeyError at test_command.py:" in line
