"""The mock against the whole contract, and against operations that it does not know by heart."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest

from flora_contract import shipped
from flora_contract.mock import MockFlora
from flora_contract.mock.http.messages import HTTPRequest, HTTPResponse, fields_of
from flora_contract.openapi import parse
from tests.mock.conftest import CONTRACT

if TYPE_CHECKING:
    from tests.mock.conftest import Client


CHECKS = Path(__file__).with_name("valid_requests.py")


def test_schemathesis_finds_nothing(mock: MockFlora, tmp_path: Path) -> None:
    document = shipped.contract()
    # Runs are started where the caller may: all other ids would do is 403 and 404.
    asked = document.tree["components"]["schemas"]["GenerationRequest"]["properties"]
    asked["workspace_id"] = {"enum": ["ws_abc123"]}
    asked["project_id"] = {"enum": ["prj_abc123"]}
    contract = tmp_path / "openapi.json"
    contract.write_text(json.dumps(document.tree))
    done = subprocess.run(
        [
            *(str(Path(sys.executable).with_name("schemathesis")), "run", str(contract)),
            *("--url", mock.base_url, "-H", "Authorization: Bearer sk_live_test"),
            *("--exclude-checks", "positive_data_acceptance"),
            *("--max-examples", "40", "--seed", "1", "--generation-database", "none", "--no-color"),
        ],
        env={**os.environ, "SCHEMATHESIS_HOOKS": str(CHECKS)},
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-6000:]
    number = len(CONTRACT.operations)
    assert f"Selected: {number}/{number}" in done.stdout
    assert f"Tested: {number}" in done.stdout
    answered = {(e["operation"], e["status"]) for e in mock.requests()}
    assert {("createGeneration", 201), ("createGenerationRun", 201)} <= answered


LIBRARY = """
openapi: 3.1.0
info: {title: More, version: '1'}
servers: [{url: 'http://127.0.0.1/v2'}]
paths:
  /exhibits/{id}:
    get:
      operationId: getExhibit
      parameters:
        - {name: id, in: path, required: true, schema: {type: string, minLength: 2}}
        - {name: deep, in: query, schema: {type: boolean}}
      responses:
        '200':
          description: An exhibit.
          content: {application/json: {schema: {$ref: '#/components/schemas/Exhibit'}}}
        '400': {description: Wrong.}
        '401': {description: No key.}
  /exhibits:
    delete:
      operationId: dropExhibits
      responses: {'204': {description: Gone.}}
components:
  schemas:
    Named: {type: object, required: [name], properties: {name: {type: string, minLength: 12}}}
    Exhibit:
      allOf:
        - $ref: '#/components/schemas/Named'
        - type: object
          required: [kind, cost, tags, parent, when, id, nothing]
          properties:
            kind: {enum: [image, video]}
            cost: {type: number, exclusiveMinimum: 0, maximum: 3}
            tags: {type: array, minItems: 2, items: {type: string, pattern: ^tag_}}
            parent: {anyOf: [{$ref: '#/components/schemas/Exhibit'}, {type: 'null'}]}
            when: {type: string, format: date-time}
            id: {type: [string, 'null'], format: uuid}
            nothing: {type: 'null'}
            flag: {type: boolean}
            always: {const: 7}
"""


@pytest.mark.parametrize("seed", range(5))
def test_an_operation_without_a_statement_answers_an_example(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    document = parse(LIBRARY.replace("parent, ", ""), "library.yaml")
    monkeypatch.setattr(shipped, "contract", lambda *_: document)
    bodies = []
    for _ in range(2):
        with MockFlora(seed=seed, self_check=True) as mock:
            answer = httpx.get(f"{mock.base_url}/exhibits/xy")
            assert answer.status_code == 200
            assert httpx.delete(f"{mock.base_url}/exhibits").status_code == 204
            bodies.append(answer.content)
    assert bodies[0] == bodies[1]


def test_a_new_operation_of_the_contract_answers_without_code(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    document = shipped.contract("behaviour", "mock")
    more = parse(LIBRARY.replace("parent, ", ""), "library.yaml").tree
    document.tree["paths"] |= more["paths"]
    document.tree["components"]["schemas"] |= more["components"]["schemas"]
    monkeypatch.setattr(shipped, "contract", lambda *_: document)
    with MockFlora(self_check=True) as mock:
        headers = {"authorization": "Bearer sk_live_test"}
        with httpx.Client(base_url=mock.base_url, headers=headers) as client:
            first = client.get("/exhibits/xy", params={"deep": "true"})
            assert first.status_code == 200
            assert first.json()["kind"] in {"image", "video"}
            assert client.get("/exhibits/xy").json() == first.json()
            refused = client.get("/exhibits/x", params={"deep": "maybe"}).json()["error"]
            assert {entry["field"] for entry in refused["fields"]} == {"id", "deep"}
            assert client.delete("/exhibits").status_code == 204
            assert client.get("/exhibits/xy", headers={"authorization": ""}).status_code == 401


def test_self_check_turns_a_wrong_answer_into_an_error(
    mock: MockFlora, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    from flora_contract.mock.operations import MockOperation

    def wrong(*_: object) -> HTTPResponse:
        return HTTPResponse(200, b'{"generations": [{}], "meta": {}}')

    monkeypatch.setattr(MockOperation, "answer", wrong)
    assert client.list().status_code == 500


def test_a_joined_header_is_one_value() -> None:
    headers = [(b"host", b"x"), (b"authorization", b"Bearer a"), (b"authorization", b"Bearer b")]
    request = HTTPRequest("GET", "/x?y=1", fields_of(headers), b"", client="", host="x")
    assert request.header(b"authorization") == "Bearer a, Bearer b"
    assert (request.path, request.query) == ("/x", "y=1")
