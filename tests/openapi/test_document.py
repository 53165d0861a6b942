"""Places, references and operations of a document."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from flora_contract.errors import InputError
from flora_contract.openapi import Location, load, parse
from flora_contract.shipped import CONTRACT

if TYPE_CHECKING:
    from pathlib import Path

TEXT = """\
openapi: 3.1.0
paths:
  /a:
    parameters:
      - $ref: '#/components/parameters/Trace'
      - {name: limit, in: query, x-from: path}
    get:
      parameters: [{name: limit, in: query, x-from: operation}]
      responses:
        200: {$ref: '#/components/responses/Ok'}
    post:
      operationId: make
      requestBody: {$ref: '#/components/requestBodies/Body'}
components:
  parameters:
    Trace: {name: trace, in: header}
  responses:
    Ok: {description: fine}
  requestBodies:
    Body: {$ref: '#/components/requestBodies/Other'}
    Other: {content: {}}
"""


class TestPlaces:
    @pytest.mark.parametrize(
        ("pointer", "line", "column"),
        [
            ((), 1, 1),
            (("openapi",), 1, 1),
            (("paths", "/a"), 3, 3),
            (("paths", "/a", "parameters", 1), 6, 9),
            (("paths", "/a", "parameters", "1", "in"), 6, 23),
            (("paths", "/a", "get", "responses", "200"), 10, 9),
            (("paths", "/a", "none", "at", "all"), 3, 3),
            (("paths", "/a", "parameters", 7), 4, 5),
        ],
    )
    def test_of_yaml(self, pointer: tuple[str | int, ...], line: int, column: int) -> None:
        assert parse(TEXT, "a.yaml").locate(pointer) == Location("a.yaml", line, column)

    def test_of_json(self) -> None:
        document = parse('{\n "a": {\n  "\\ud83d\\ude00": 1,\n  "b": [1,\n   2]}}', "a.json")
        assert str(document.locate(("a", "b", 1))) == "a.json:5"

    def test_of_json_that_yaml_would_not_take(self) -> None:
        document = parse('{"a": "\\ud83d\\ude00 \x7f \ufffe",\n"b": 1}', "a.json")
        assert document.tree == {"a": "😀 \x7f \ufffe", "b": 1}
        assert str(document.locate(("b",))) == "a.json:2"

    def test_of_json_with_a_key_that_libyaml_cannot_scan(self) -> None:
        document = parse(json.dumps({"k" * 2000: 1}), "a.json")
        assert str(document.locate(("k" * 2000,))) == "a.json:1"

    def test_of_what_a_merge_brings_in(self) -> None:
        document = parse("a: &a\n  x: 1\nb:\n  <<: *a\n  y: 2\n", "a.yaml")
        assert document.locate(("b", "x")).line == 2
        assert document.locate(("b", "y")).line == 5


class TestReferences:
    def test_in_the_document(self) -> None:
        document = parse(TEXT, "a.yaml")
        body = document.tree["paths"]["/a"]["post"]["requestBody"]
        assert document.resolve(body) == {"content": {}}
        found, pointer = document.target(("paths", "/a", "post", "requestBody"))
        assert found is document
        assert pointer == ("components", "requestBodies", "Other")

    @pytest.mark.parametrize(
        ("reference", "value"),
        [("#/a~1b/c~0d", 1), ("#/a%20b", 2), ("#/list/1", 4), ("#/", None), ("#", None)],
    )
    def test_escapes(self, reference: str, value: int | None) -> None:
        tree = {"a/b": {"c~d": 1}, "a b": 2, "list": [3, 4]}
        document = parse(json.dumps(tree), "a.json")
        assert document.follow(reference) == (tree if value is None else value)

    @pytest.mark.parametrize(
        "reference", ["#/none", "#/list/2", "#/list/-1", "#/list/x", "#none", "#/a/b/c"]
    )
    def test_to_nothing(self, reference: str) -> None:
        document = parse(f"list: [1]\na: {{b: 1}}\nx:\n  $ref: '{reference}'\n", "a.yaml")
        with pytest.raises(InputError) as failure:
            document.resolve(document.tree["x"])
        assert str(failure.value) == f"a.yaml:4: $ref {reference} names nothing; correct it"

    def test_in_circles(self) -> None:
        document = parse("a: {$ref: '#/b'}\nb: {$ref: '#/a'}\n", "a.yaml")
        with pytest.raises(InputError, match=r"a.yaml.* leads to itself$"):
            document.resolve(document.tree["a"])
        with pytest.raises(InputError, match=r"a.yaml:1.* leads to itself$"):
            document.target(("a",))

    def test_to_other_files(self, tmp_path: Path) -> None:
        (tmp_path / "parts").mkdir()
        (tmp_path / "main.yaml").write_text("a: {$ref: 'parts/one.yaml#/x'}\nhere: {deep: 1}\n")
        (tmp_path / "parts/one.yaml").write_text("x: {$ref: 'two%20.json#/y'}\n")
        (tmp_path / "parts/two .json").write_text('{"y": {"$ref": "../main.yaml#/here"}}')
        document = load(tmp_path / "main.yaml")
        assert document.resolve(document.tree["a"]) == {"deep": 1}
        found, pointer = document.target(("a",))
        assert (found.locate(pointer).line, pointer) == (2, ("here",))

    def test_to_a_whole_file(self, tmp_path: Path) -> None:
        (tmp_path / "main.yaml").write_text("a: {$ref: other.yaml}\n")
        (tmp_path / "other.yaml").write_text("- 1\n")
        document = load(tmp_path / "main.yaml")
        assert document.resolve(document.tree["a"]) == [1]

    @pytest.mark.parametrize(
        ("reference", "problem"),
        [
            ("none.yaml#/x", r"none.yaml: no such file; correct the path$"),
            ("https://example.com/x.yaml", "is on another host, which is not asked$"),
            ("//example.com/x.yaml#/y", "is on another host, which is not asked$"),
            ("broken.yaml#/x", r"broken.yaml:2: not valid YAML"),
        ],
    )
    def test_to_files_that_cannot_be_read(
        self, tmp_path: Path, reference: str, problem: str
    ) -> None:
        (tmp_path / "broken.yaml").write_text("a: [\n")
        (tmp_path / "main.yaml").write_text(f"b: 1\na: {{$ref: '{reference}'}}\n")
        document = load(tmp_path / "main.yaml")
        with pytest.raises(InputError, match=problem) as failure:
            document.resolve(document.tree["a"])
        assert str(failure.value).startswith(f"{tmp_path}")


class TestOperations:
    def test_references_and_shared_parameters(self) -> None:
        get, post = parse(TEXT, "a.yaml").operations()
        assert (get.operation_id, get.method, get.path) == ("get /a", "GET", "/a")
        assert [p["name"] for p in get.parameters] == ["trace", "limit"]
        assert get.parameters[1]["x-from"] == "operation"
        assert get.responses == {"200": {"description": "fine"}}
        assert get.request_body is None
        assert (post.operation_id, post.pointer) == ("make", ("paths", "/a", "post"))
        assert post.request_body == {"content": {}}
        assert post.parameters[1]["x-from"] == "path"

    def test_of_the_contract(self) -> None:
        found = {o.operation_id: f"{o.method} {o.path}" for o in load(CONTRACT).operations()}
        assert found == {
            "createGeneration": "POST /generate",
            "createGenerationRun": "POST /runs/generation",
            "getRun": "GET /runs/{runId}",
            "listGenerations": "GET /generations",
            "listModels": "GET /models",
            "listWorkspaces": "GET /workspaces",
            "listProjects": "GET /projects",
        }

    def test_without_paths(self) -> None:
        assert list(parse("openapi: 3.1.0", "a.yaml").operations()) == []

    @pytest.mark.parametrize(
        "text",
        [
            "paths: [1]",
            "paths: 1",
            "paths:\n  /a: [get]",
            "paths: {/a: {get: 1}}",
            "paths: {/a: {get: {parameters: 1}}}",
            "paths: {/a: {get: {parameters: [1]}}}",
            "paths: {/a: {get: {responses: [1]}}}",
            "paths: {/a: {get: {responses: {200: x}}}}",
            "paths: {/a: {get: {requestBody: x}}}",
            "paths: {/a: {get: {requestBody: {$ref: '#/nothing'}}}}",
        ],
    )
    def test_of_what_is_no_openapi(self, text: str) -> None:
        with pytest.raises(InputError, match=r"^a.yaml:[12]: "):
            list(parse(text, "a.yaml").operations())
