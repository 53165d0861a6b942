"""A contract in use: requests find their operation, values their types, and slips their place."""

from __future__ import annotations

import copy
import random
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flora_contract import shipped
from flora_contract.openapi import Document, load
from flora_contract.openapi.contract import Contract, Endpoint
from flora_contract.openapi.examples import example
from flora_contract.openapi.schemas import member, members, types, values

if TYPE_CHECKING:
    from collections.abc import Iterator

FLORA = Contract(load(shipped.CONTRACT))
BAKERY = Contract(load(Path(__file__).with_name("bakery.yaml")))
ENDPOINTS = [e for contract in (FLORA, BAKERY) for e in contract.operations.values()]
SEGMENTS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1)


def contract_of(endpoint: Endpoint) -> Contract:
    return FLORA if endpoint.id in FLORA.operations else BAKERY


def label(argument: object) -> str:
    return argument.id if isinstance(argument, Endpoint) else str(argument)


# Which operation a request is


@given(st.sampled_from(ENDPOINTS), st.data())
def test_a_request_is_its_operation(endpoint: Endpoint, data: st.DataObject) -> None:
    contract = contract_of(endpoint)
    sent = {name: data.draw(SEGMENTS) for name in endpoint.parameters_in("path")}
    path = endpoint.path
    for name, value in sent.items():
        path = path.replace(f"{{{name}}}", quote(value, safe=""))
    fixed = {other.path for other in contract.operations.values()} - {endpoint.path}
    if path in fixed:
        return
    url = f"https://any.example{contract.base}{path}?a=b"
    assert contract.match(endpoint.method, url) == (endpoint, sent)
    assert contract.match("TRACE", url) == (None, {})
    assert contract.match(endpoint.method, url.replace("?", "/more/and/more?")) == (None, {})
    assert contract.match(endpoint.method, f"https://any.example/v9{path}") == (None, {})


def test_a_path_without_a_template_wins() -> None:
    assert FLORA.match("GET", f"{FLORA.base}/runs/generation") == (None, {})
    found, _ = FLORA.match("POST", f"{FLORA.base}/runs/generation")
    assert found is FLORA.operations["createGenerationRun"]


@pytest.mark.parametrize("base", ["", "/", "/x", "https://host/x/"])
def test_operations_lie_below_the_base_that_is_given(base: str) -> None:
    contract = Contract(BAKERY.document, base)
    found, _ = contract.match("GET", f"{contract.base}/bakeries")
    assert found is contract.operations["allBakeries"]
    assert contract.base in {"", "/x"}


# Parameters


def parameter_values(document: Document, schema: dict[str, Any]) -> st.SearchStrategy[Any]:
    """Values of a parameter's type, whether or not its schema allows them."""
    kinds = types(document, schema)
    if "array" in kinds:
        return st.lists(parameter_values(document, schema["items"]), min_size=1)
    if "integer" in kinds:
        return st.integers(-(10**17), 10**17)
    if "boolean" in kinds:
        return st.booleans()
    return st.text(st.characters(exclude_categories=["Cs"]))


def texts(value: Any) -> list[str]:
    return [str(v).lower() if isinstance(v, bool) else str(v) for v in _listed(value)]


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


@given(st.sampled_from([e for e in ENDPOINTS if e.parameters_in("query")]), st.data())
def test_a_query_is_read_with_its_types(endpoint: Endpoint, data: st.DataObject) -> None:
    sent = {
        name: data.draw(parameter_values(endpoint.document, p["schema"]))
        for name, p in endpoint.parameters_in("query").items()
        if data.draw(st.booleans())
    }
    pairs = [(name, text) for name, value in sent.items() for text in texts(value)]
    read = endpoint.read_query(urlencode(pairs))
    assert (read.values, read.repeated, read.undeclared) == (sent, (), ())
    single = [name for name, value in sent.items() if not isinstance(value, list)]
    twice = endpoint.read_query(urlencode([*pairs, ("zz", "1"), *pairs]))
    assert (list(twice.repeated), twice.undeclared) == (single, ("zz",))


def test_a_path_is_read_with_its_types() -> None:
    order = BAKERY.operations["oneOrder"]
    read = order.read_path({"bakeryId": "bk-a", "orderNo": "12"})
    assert read == {"bakeryId": "bk-a", "orderNo": 12}
    assert order.parameter_breaches(read) == []
    (breach,) = order.parameter_breaches(order.read_path({"bakeryId": "bk-a", "orderNo": "x"}))
    assert (breach.location, breach.path, breach.keyword) == ("path", "orderNo", "type")


def test_a_list_may_stand_in_one_text() -> None:
    tree = copy.deepcopy(BAKERY.document.tree)
    tree["paths"]["/bakeries"]["get"]["parameters"][1]["explode"] = False
    endpoint = Contract(Document(tree, "b.yaml")).operations["allBakeries"]
    assert endpoint.read_query("tags=1,2").values == {"tags": [1, 2]}


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=label)
def test_what_is_wrong_with_a_parameter_is_told_by_its_name(endpoint: Endpoint) -> None:
    valid: dict[str, Any] = {}
    for name, parameter in endpoint.parameters.items():
        if parameter["in"] in {"path", "query"}:
            valid[name] = parameter.get("example", _example(endpoint, parameter["schema"]))
    assert endpoint.parameter_breaches(valid) == []
    for name in valid:
        found = endpoint.parameter_breaches({**valid, name: {"no": "parameter"}})
        assert {b.path for b in found} == {name}
        assert {b.location for b in found} == {endpoint.parameters[name]["in"]}
        left_out = endpoint.parameter_breaches({n: v for n, v in valid.items() if n != name})
        required = bool(endpoint.parameters[name].get("required"))
        assert [(b.path, b.keyword) for b in left_out] == [(name, "required")] * required


# Bodies


def bodies() -> Iterator[tuple[Endpoint, int | None]]:
    for endpoint in ENDPOINTS:
        if endpoint.takes_body:
            yield endpoint, None
        for status in sorted(endpoint.statuses):
            if endpoint.answer_schema(status) is not None:
                yield endpoint, status


def _example(endpoint: Endpoint, schema: Any, seed: int = 0) -> Any:
    return example(endpoint.document, schema, random.Random(seed))


def _at(body: Any, path: str) -> tuple[Any, str] | None:
    """What holds a member, of a list its first item, and the name there; None if it is absent."""
    *holders, name = path.replace("[]", ".[]").split(".")
    for part in holders:
        if part == "[]" and isinstance(body, list) and body:
            body = body[0]
        elif part and isinstance(body, dict) and part in body:
            body = body[part]
        else:
            return None
    return (body, name) if isinstance(body, dict) and name in body else None


@pytest.mark.parametrize(("endpoint", "status"), list(bodies()), ids=label)
@pytest.mark.parametrize("seed", range(3))
def test_what_is_wrong_with_a_body_is_told_by_its_path(
    endpoint: Endpoint, status: int | None, seed: int
) -> None:
    schema = endpoint.request_schema if status is None else endpoint.answer_schema(status)
    found = endpoint.request_members if status is None else endpoint.answer_members(status)

    def breaches(body: Any) -> list[Any]:
        if status is None:
            return endpoint.body_breaches(body)
        return endpoint.answer_breaches(status, body)

    valid = _example(endpoint, schema, seed)
    assert breaches(valid) == []
    for path, one in found.items():
        body = copy.deepcopy(valid)
        place = _at(body, path)
        if place is None or not types(endpoint.document, one.schema):
            continue
        holder, name = place
        holder[name] = object_or_list(types(endpoint.document, one.schema))
        assert {b.path for b in breaches(body)} == {path}
        holder[name] = None
        nullable = "null" in types(endpoint.document, one.schema)
        assert [(b.path, b.keyword) for b in breaches(body)] == [(path, "null")] * (not nullable)
        del holder[name]
        if one.required:
            assert [(b.path, b.keyword) for b in breaches(body)] == [(path, "required")]


def object_or_list(kinds: frozenset[str]) -> Any:
    """A value of a type that a member does not have."""
    return ["not", "one"] if "array" not in kinds else {"not": "one"}


def test_a_member_too_many_is_told_by_its_path() -> None:
    schema = {"type": "object", "properties": {"a": {"type": "object", "properties": {},
              "additionalProperties": False}}}  # fmt: skip
    tree = {"paths": {"/a": {"post": {"requestBody": {"content": {
            "application/json": {"schema": schema}}}}}}}  # fmt: skip
    (endpoint,) = Contract(Document(tree, "a.yaml")).operations.values()
    assert [b.path for b in endpoint.body_breaches({"a": {"b": 1}})] == ["a.b"]


# Members


@st.composite
def described(draw: st.DrawFn, names: st.SearchStrategy[str], depth: int = 3) -> Any:
    """A schema of objects in lists, references and alternatives, and the paths of its members."""
    components: dict[str, Any] = {}

    def schema(depth: int) -> tuple[Any, list[str]]:
        shape = draw(st.sampled_from(["leaf", "object", "list", "ref", "allOf", "anyOf", "oneOf"]))
        if shape == "leaf" or not depth:
            return {"type": "string"}, []
        if shape == "list":
            node, paths = schema(depth - 1)
            return {"type": "array", "items": node}, [f"[]{_dot(p)}{p}" for p in paths]
        if shape == "object":
            children = {name: schema(depth - 1) for name in draw(st.sets(names, max_size=3))}
            paths = [
                path
                for name, (_, inner) in children.items()
                for path in (name, *(f"{name}{_dot(p)}{p}" for p in inner))
            ]
            return {"type": "object", "properties": {n: s for n, (s, _) in children.items()}}, paths
        if shape == "ref":
            node, paths = schema(depth - 1)
            name = f"S{len(components)}"
            components[name] = node
            return {"$ref": f"#/components/schemas/{name}"}, paths
        parts = [schema(depth - 1) for _ in range(draw(st.integers(1, 3)))]
        return {shape: [node for node, _ in parts]}, [p for _, paths in parts for p in paths]

    node, paths = schema(depth)
    return Document({"components": {"schemas": components}}, "a.yaml"), node, set(paths)


def _dot(path: str) -> str:
    return "" if path.startswith("[]") else "."


@given(described(st.sampled_from("abcdef")))
def test_members_are_found_through_everything(made: tuple[Document, Any, set[str]]) -> None:
    document, schema, paths = made
    found = [one.path for one in members(document, schema)]
    assert len(found) == len(set(found))
    assert set(found) == paths
    for path in found:
        assert member(document, schema, path.replace("[]", "")) is not None


def test_a_schema_that_holds_itself_has_an_end() -> None:
    found = BAKERY.operations["oneRecipe"].answer_members(200)
    assert "steps[].text" in found
    assert all(path.count("then") <= 2 for path in found)
    loop = {"components": {"schemas": {"A": {"allOf": [{"$ref": "#/components/schemas/A"}]}}}}
    document = Document(loop, "a.yaml")
    schema = {"$ref": "#/components/schemas/A"}
    assert list(members(document, schema)) == []
    assert (types(document, schema), values(document, schema)) == (frozenset(), ())


def test_a_member_is_required_by_any_part_that_always_holds() -> None:
    schema = {"allOf": [{"properties": {"a": {}, "b": {}}}, {"required": ["a"]}]}
    document = Document({}, "a.yaml")
    assert {m.path: m.required for m in members(document, schema)} == {"a": True, "b": False}
