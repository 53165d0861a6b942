"""What a change does to the generated client."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
import yaml

from flora_contract.diff import report_schema
from flora_contract.diff.release.client import Argument, PublicName, effects

ROOT = Path(__file__).parents[2]
FLORA = Path(sys.executable).with_name("flora-contract")

METHOD = PublicName("method", "Run", (("prompt", Argument("str", required=True)),))


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ({"A": PublicName("class")}, {}, ["model A removed"]),
        ({"A.x": METHOD}, {}, ["method A.x removed"]),
        ({"A.x": METHOD}, {"A.y": METHOD}, ["method A.x renamed to A.y"]),
        (
            {"A": PublicName("class"), "A.x": METHOD},
            {"B": PublicName("class"), "B.x": METHOD},
            ["model A renamed to B"],
        ),
        (
            {"A.x": METHOD},
            {"A.x": PublicName("method", "Run", (("text", Argument("str", required=True)),))},
            ["A.x() takes text, and no longer prompt"],
        ),
        (
            {"A.x": METHOD},
            {
                "A.x": PublicName(
                    "method", "Run", (*METHOD.arguments, ("b", Argument("int", required=True)))
                )
            },
            ["A.x() must be given b"],
        ),
        (
            {"A.x": METHOD},
            {"A.x": PublicName("method", "Run", (("prompt", Argument("int", required=True)),))},
            ["A.x() takes prompt as int, and not as str"],
        ),
        (
            {"A.x": METHOD},
            {"A.x": PublicName("method", "Run", (("prompt", Argument("str", required=False)),))},
            ["A.x() need no longer be given prompt"],
        ),
        ({"A.x": METHOD}, {"A.x": METHOD, "A.y": METHOD}, []),
        (
            {"A.x": PublicName("attribute", "int")},
            {"A.x": PublicName("attribute", "int | None")},
            ["attribute A.x is int | None, and not int"],
        ),
    ],
)
def test_what_users_notice(
    old: dict[str, PublicName], new: dict[str, PublicName], told: list[str]
) -> None:
    assert [effect.text for effect in effects(old, new)] == told


@pytest.fixture
def contracts(tmp_path: Path) -> Path:
    """The contract of this project, with its overlays beside it, and an edited one."""
    text = (ROOT / "openapi.yaml").read_text(encoding="utf-8")
    (tmp_path / "openapi.yaml").write_text(text, encoding="utf-8")
    (tmp_path / "overlays").mkdir()
    for name in ("behaviour.yaml", "client.yaml"):
        shutil.copy(ROOT / "overlays" / name, tmp_path / "overlays")
    tree = yaml.safe_load(text)
    schemas = tree["components"]["schemas"]
    schemas["ChargedCost"]["type"] = ["number", "null"]
    request = schemas["GenerationRequest"]
    request["properties"]["text"] = request["properties"].pop("prompt")
    request["required"] = ["text" if name == "prompt" else name for name in request["required"]]
    (tmp_path / "edited.yaml").write_text(yaml.safe_dump(tree, sort_keys=False))
    return tmp_path


def diff(folder: Path, *arguments: str) -> dict[str, Any]:
    command = [str(FLORA), "diff", *arguments, "--client", "--format", "json"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode in {0, 1}, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    jsonschema_rs.validate(report_schema(), found)
    return found


def test_effects_stand_with_the_change_that_caused_them(contracts: Path) -> None:
    found = diff(contracts, "openapi.yaml", "edited.yaml")
    effects_by_id = {change["id"]: change.get("client", []) for change in found["changes"]}
    nullable = effects_by_id["response-property-became-nullable"]
    assert any("charged_cost" in text and "None" in text for text in nullable)
    removed = effects_by_id["request-property-removed"]
    assert any("no longer" in text and "prompt" in text for text in removed)


def test_words_do_nothing_to_the_client(contracts: Path) -> None:
    text = (contracts / "openapi.yaml").read_text(encoding="utf-8")
    (contracts / "words.yaml").write_text(text.replace("title: FLORA API", "title: FLORA"))
    found = diff(contracts, "openapi.yaml", "words.yaml")
    assert [one["id"] for one in found["changes"]] == ["title-changed"]
    assert "client" not in found["changes"][0]
    assert "client" not in found


def test_a_renamed_path_parameter_is_the_cause_of_what_it_does(contracts: Path) -> None:
    text = (contracts / "openapi.yaml").read_text(encoding="utf-8")
    renamed = text.replace("{runId}", "{runKey}").replace("name: runId", "name: runKey")
    (contracts / "renamed.yaml").write_text(renamed)
    found = diff(contracts, "openapi.yaml", "renamed.yaml")
    [change] = [one for one in found["changes"] if one["id"] == "path-parameter-renamed"]
    assert change["client"] == [
        "Generations.retrieve() takes run_key, and no longer run_id",
        "Generations.wait() takes run_key, and no longer run_id",
    ]
    assert "client" not in found


def test_a_change_of_a_statement_does_something_too(contracts: Path) -> None:
    revised = contracts / "revised"
    shutil.copytree(contracts / "overlays", revised / "overlays")
    shutil.copy(contracts / "openapi.yaml", revised)
    overlay = revised / "overlays" / "behaviour.yaml"
    text = overlay.read_text(encoding="utf-8")
    assert "        items: models\n" in text
    actions = text.partition("  - target: $.paths['/models'].get\n")
    rest = actions[2].partition("  - target:")
    overlay.write_text(actions[0] + rest[1] + rest[2], encoding="utf-8")
    found = diff(contracts, "openapi.yaml", "revised/openapi.yaml")
    assert found["client"] == ["method Models.list removed"], "nothing shows a Model any more"


def test_statements_of_what_a_revision_lacks_are_told_and_left_out(contracts: Path) -> None:
    text = (contracts / "openapi.yaml").read_text(encoding="utf-8")
    (contracts / "less.yaml").write_text(text.replace("        error_code:\n", "        why:\n"))
    command = [str(FLORA), "diff", "openapi.yaml", "less.yaml", "--client", "--format", "json"]
    done = subprocess.run(command, cwd=contracts, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "a Run has no error_code" in done.stderr
    assert "Traceback" not in done.stderr
    told = [text for one in json.loads(done.stdout)["changes"] for text in one.get("client", ())]
    assert any("error_code" in one for one in told)
    assert not any("wait" in one for one in told)


def test_a_renamed_operation_keeps_its_statements(contracts: Path) -> None:
    text = (contracts / "openapi.yaml").read_text(encoding="utf-8")
    assert "operationId: createGeneration\n" in text
    renamed = text.replace("operationId: createGeneration\n", "operationId: startGeneration\n")
    (contracts / "renamed.yaml").write_text(renamed)
    found = diff(contracts, "openapi.yaml", "renamed.yaml")
    told = [text for one in found["changes"] for text in one.get("client", ())]
    assert told == [
        "model CreateGenerationRequest renamed to StartGenerationRequest",
        (
            "Generations.create_many() takes requests as Iterable[StartGenerationRequest], "
            "and not as Iterable[CreateGenerationRequest]"
        ),
    ]
    assert "client" not in found, "create, create_and_wait and the rest are what they were"


def test_a_contract_of_many_files_has_a_client_too(tmp_path: Path) -> None:
    def written(name: str, kind: str) -> None:
        folder = tmp_path / name
        (folder / "parts").mkdir(parents=True)
        content = {"application/json": {"schema": {"$ref": "parts/thing.yaml#/Thing"}}}
        answer = {"description": "Done", "content": content}
        get = {"operationId": "getThing", "tags": ["things"], "responses": {"200": answer}}
        tree = {"openapi": "3.1.0", "info": {"title": "A", "version": "1.0.0"}}
        (folder / "openapi.yaml").write_text(
            yaml.safe_dump({**tree, "paths": {"/thing": {"get": get}}})
        )
        members = {
            "size": {"type": kind},
            "next": {"$ref": "#/Thing"},
            "owner": {"$ref": "owner.yaml"},
        }
        thing = {"Thing": {"type": "object", "required": ["size"], "properties": members}}
        (folder / "parts" / "thing.yaml").write_text(yaml.safe_dump(thing))
        owner = {"type": "object", "properties": {"name": {"type": "string"}}}
        (folder / "parts" / "owner.yaml").write_text(yaml.safe_dump(owner))

    written("a", "string")
    written("b", "integer")
    command = [str(FLORA), "diff", "a/openapi.yaml", "b/openapi.yaml", "--client"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.stderr == ""
    assert "client: attribute Thing.size is int, and not str" in done.stdout
