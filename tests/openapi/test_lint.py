"""The rules for a contract: ours keeps them, and each edit that breaks one is named."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from flora_contract import shipped
from flora_contract.authoring import lint as command
from flora_contract.errors import InputError
from flora_contract.openapi import Document, load, parse, walk
from flora_contract.openapi.behaviour import ON_DOCUMENT, ON_OPERATION
from flora_contract.openapi.lint import Registers, lint, sources_are_named
from flora_contract.openapi.nodes import nodes

if TYPE_CHECKING:
    from pathlib import Path

    from flora_contract.openapi import Pointer

CONTRACT = shipped.CONTRACT.read_text(encoding="utf-8")
REGISTERS = Registers.load(shipped.REGISTERS)
IN = "#/components/schemas/"
LIMITED = "          example:\n            error:\n              code: rate_limited\n"
ERROR = "{error: {code: a, message: b}}"


def faults(text: str) -> list[str]:
    return [f"{place}: {message}" for place, message in lint(parse(text, "c.yaml"), REGISTERS)]


def edited(old: str, new: str) -> str:
    assert old in CONTRACT
    return CONTRACT.replace(old, new, 1)


def test_our_contract_has_no_fault() -> None:
    assert lint(load(shipped.CONTRACT), REGISTERS) == []


def test_every_x_source_is_missed_when_it_goes() -> None:
    tree = parse(CONTRACT, "c.yaml").tree
    nodes = [(p, n) for p, n in walk(tree) if isinstance(n, dict) and "x-source" in n]
    spared = set()
    for pointer, node in nodes:
        sources = node.pop("x-source")
        if not lint(Document(tree, "c.yaml"), REGISTERS):
            spared.add(pointer[0] if pointer[0] == "servers" else pointer[-2])
        node["x-source"] = sources
    assert len(nodes) > 100
    # The server and the samples of a body may name their sources; nothing makes them.
    assert spared == {"servers", "examples"}


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("x-source: [S002, S003, S004]", "x-source: [S002, S009]", "'S009' is not a label"),
        ("x-source: [S002, S003, S004]", "x-source: [S002, 3]", "3 is not a label"),
        ("x-source: [S002, S003, S004]", "x-source: S002", "must be a list of labels"),
        ("x-source: [S002, S003, S004]", "x-source: [S002, S002]", "S002 is named twice"),
        ("x-conflict: [C10]", "x-conflict: [C99]", "C99 is not a row of docs/conflicts.md"),
        ("x-conflict: [C10]", "", "row C10 of docs/conflicts.md is named by no x-conflict"),
        ("        action: [S002", "        dance: [S002", "dance is not a value of this enum"),
        ("operationId: getRun", "operationId: listGenerations", "listGenerations is taken"),
        ("summary: Get a run", "", "GET /runs/{runId} has no summary"),
        ("tags: [Runs]", "tags: [Walks]", "tag Walks is not declared"),
        ("          example: run_abc123", "          example: abc", "example is not valid"),
        ("poll_url: https://example.com", "poll_url: no url", "poll_url is not valid"),
        ("prompt: A cinematic", "prompts: A cinematic", '"prompt" is a required property'),
        (
            "          example:\n            error:\n              code: rate_limited\n",
            "          x-example:\n            error:\n              code: rate_limited\n",
            "TooManyRequests has no example",
        ),
        (
            "  schemas:\n",
            "  schemas:\n    Lost:\n      type: string\n",
            "Lost is used nowhere",
        ),
        (
            "  schemas:\n",
            f"  schemas:\n    One: {{$ref: '{IN}Two'}}\n    Two: {{$ref: '{IN}One'}}\n",
            "Two is used nowhere",
        ),
        ("        action: [S002, S003", "        action: [D-err, S003", "D-err states action, but"),
        (
            LIMITED,
            f"{10 * ' '}examples: {{b: {{value: {ERROR}}}}}\n{LIMITED}",
            "error 429 has 2 examples; keep one",
        ),
    ],
)
def test_an_edit_that_breaks_a_rule_is_named(old: str, new: str, message: str) -> None:
    found = faults(edited(old, new))
    assert any(message in fault for fault in found), found


def test_a_fault_is_told_with_its_line() -> None:
    line = CONTRACT.splitlines().index("      summary: Get a run")
    (fault,) = faults(edited("      summary: Get a run\n", ""))
    # The operation begins three lines above: path, method, operationId, tags, summary.
    assert fault.startswith(f"c.yaml:{line - 2}: ")


def test_the_command_says_what_is_wrong_and_ends_with_1(tmp_path: Path) -> None:
    file = tmp_path / "contract.yaml"
    file.write_text(edited("x-conflict: [C10]", "x-conflict: [C99]"), encoding="utf-8")
    result = CliRunner().invoke(command, [str(file)])
    assert result.exit_code == 1
    assert f"{file}:" in result.output
    assert result.output.endswith("2 faults\n")


def test_the_command_is_content_with_our_contract() -> None:
    result = CliRunner().invoke(command, [])
    assert (result.exit_code, result.output) == (0, f"{shipped.CONTRACT}: no faults\n")


# Behaviour


def behaviour_with(tmp_path: Path, old: str, new: str) -> Path:
    text = (shipped.OVERLAYS / "behaviour.yaml").read_text(encoding="utf-8")
    assert old in text
    file = tmp_path / "behaviour.yaml"
    file.write_text(text.replace(old, new, 1), encoding="utf-8")
    return file


@pytest.mark.parametrize(
    ("old", "new", "exit_code", "message"),
    [
        ("x-source: [S001, S003, S004]", "x-source: [S001, S009]", 1, "'S009' is not a label"),
        ("x-source: [S001, S003, S004]", "x-source: [S001, S001]", 1, "S001 is named twice"),
        ("x-conflict: [C23]", "x-conflict: [C99]", 1, "C99 is not a row of docs/conflicts.md"),
        ("        order: null\n", "", 0, "note: listModels: the order of what it lists"),
        ("            prompt: null\n", "", 0, "whether and where prompt of the request is shown"),
        (
            "read: getRun",
            "read: getWalk",
            2,
            "the contract has no operation getWalk; it has getRun",
        ),
    ],
)
def test_statements_are_held_to_the_registers_and_to_the_contract(
    tmp_path: Path, old: str, new: str, exit_code: int, message: str
) -> None:
    file = behaviour_with(tmp_path, old, new)
    result = CliRunner().invoke(command, [str(shipped.CONTRACT), "--overlay", str(file)])
    error = result.exception
    assert message in (str(error) if isinstance(error, InputError) else result.output)
    assert getattr(error, "exit_code", result.exit_code) == exit_code


def test_the_labels_of_each_statement_are_checked() -> None:
    document = shipped.contract("behaviour")
    labels = [n for p, n in walk(document.tree) if p and p[-1] == "x-source" and _stated(p)]
    assert len(labels) > 20
    for found in labels:
        found.append("S009")
        assert any("'S009' is not a label" in message for _, message in lint(document, REGISTERS))
        found.pop()


def _stated(pointer: Pointer) -> bool:
    return any(str(part) in {*ON_DOCUMENT, *ON_OPERATION} for part in pointer)


def test_a_document_without_statements_hears_nothing_of_them(tmp_path: Path) -> None:
    file = tmp_path / "contract.yaml"
    file.write_text(CONTRACT, encoding="utf-8")
    result = CliRunner().invoke(command, [str(file)])
    assert (result.exit_code, result.output) == (0, f"{file}: no faults\n")


# Names that are keywords elsewhere

KEYWORDS = sorted({
    *("properties", "items", "required", "enum", "parameters", "headers", "example", "examples"),
    *("default", "const", "value", "schema", "schemas", "content", "responses", "paths", "get"),
    *("x-source", "x-list", "$defs", "allOf", "type", "format", "components", "securitySchemes"),
})  # fmt: skip


@given(st.lists(st.sampled_from(KEYWORDS), min_size=1, max_size=4), st.booleans())
def test_a_property_is_one_whatever_it_is_called(names: list[str], named: bool) -> None:
    labels = {"x-source": ["S002"]} if named else {}
    schema: dict[str, Any] = {"type": "string", "example": {"properties": {"a": {}}}, **labels}
    pointer: Pointer = ()
    for name in reversed(names):
        schema = {"type": "object", "properties": {name: schema}, **labels}
        pointer = ("properties", name, *pointer)
    root: Pointer = ("components", "schemas", "A")
    document = Document({"components": {"schemas": {"A": schema}}}, "c.yaml")
    places = [(*root, *pointer[:end]) for end in range(0, len(pointer) + 1, 2)]
    kinds = {node.pointer: node.kind for node in nodes(document.tree) if node.pointer[3:] or
             node.pointer == root}  # fmt: skip
    assert kinds == dict(zip(places, ["schema", *["property"] * len(names)], strict=True))
    missing = [place for place, _ in sources_are_named(document, REGISTERS)]
    assert missing == ([] if named else places)


@pytest.mark.parametrize(
    "text",
    ["tags: 1", "tags: [1]", "components: 1", "components: {schemas: 1}", "security: 1",
     "security: [1]", "security: [[1]]", "paths: {/a: {get: {tags: 1, security: 1}}}",
     "components: {schemas: {A: {x-source-values: 1}}}", "components: {schemas: {A: {enum: 1}}}",
     "components: {schemas: {A: {x-conflict: 1}}}", "components: {schemas: {A: {x-source: 1}}}",
     "components: {schemas: {A: {x-conflict: [[1]]}}}",
     "components: {schemas: {A: {examples: [1], type: 1}}}",
     "components: {schemas: {A: {examples: [1], $ref: '#/x'}}}",
     "components: {schemas: {A: {examples: {a: 1}}}}",
     "paths: {/a: {get: {responses: {200: {content: 1}}}}}",
     "paths: {/a: {get: {responses: {200: {content: {x: {schema: 1, example: 1}}}}}}}",
     "content: {a: {}}", "paths: {/a: {get: {x: {$ref: '#/components/'}}}}",
     "paths: {/a: {get: {x: {$ref: '#/components/schemas/None'}}}}",
     "paths: {/a: {$ref: '#/b'}}"],
)  # fmt: skip
def test_what_is_no_contract_ends_without_a_traceback(tmp_path: Path, text: str) -> None:
    file = tmp_path / "odd.yaml"
    file.write_text(text)
    with contextlib.suppress(InputError):
        lint(load(file), REGISTERS)
