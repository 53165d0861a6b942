from __future__ import annotations

import copy
import json
import pickle
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from attrs import frozen
from flora_client import UNSET, Generation, Run, RunAccepted, RunStatus, Unset
from hypothesis import given
from hypothesis import strategies as st

from flora_runtime.codec import decimal_of, decode_model, parse_json
from flora_runtime.enums import OpenIntEnum
from flora_runtime.model import Model

if TYPE_CHECKING:
    from flora_runtime.drift import Drift

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)

FIELDS = ["created_at", "progress", "run_id", "status", "charged_cost", "outputs", "model", "new"]
OUTPUTS = st.lists(
    st.fixed_dictionaries({}, optional={"output_id": JSON, "type": JSON, "url": JSON, "x": JSON})
)
OBJECTS = st.dictionaries(st.sampled_from(FIELDS), JSON | OUTPUTS)


@given(OBJECTS)
def test_from_dict_and_to_dict_are_inverse_to_the_byte(data: dict[str, Any]) -> None:
    assert json.dumps(Generation.from_dict(data).to_dict()) == json.dumps(data)


@given(OBJECTS)
def test_what_comes_over_the_wire_goes_back_to_the_same_values(data: dict[str, Any]) -> None:
    wire = json.dumps(data)
    model = decode_model(Generation, parse_json(wire.encode()), [])
    assert json.dumps(model.to_dict()) == wire


@given(OBJECTS, OBJECTS)
def test_models_are_equal_by_value(one: dict[str, Any], other: dict[str, Any]) -> None:
    first, second = Generation.from_dict(one), Generation.from_dict(one)
    for same in (second, copy.copy(first), copy.deepcopy(first), pickle.loads(pickle.dumps(first))):
        assert same == first
        assert hash(same) == hash(first)
        assert same.to_dict() == first.to_dict()
    third = Generation.from_dict(other)
    assert (first == third) == (third == first)
    assert first != Run.from_dict(one)


def test_absent_and_null_read_alike_and_are_written_as_they_came() -> None:
    absent = Run.from_dict({"run_id": "run_1"})
    null = Run.from_dict({"run_id": "run_1", "charged_cost": None})
    assert absent.charged_cost is None
    assert null.charged_cost is None
    assert "charged_cost" not in absent.to_dict()
    assert null.to_dict()["charged_cost"] is None


def test_a_required_field_that_is_missing_is_unset() -> None:
    run = Run.from_dict({})
    assert isinstance(run.status, Unset)
    assert not run.status
    assert run.to_dict() == {}


def test_models_can_be_made_by_hand() -> None:
    run = Run(run_id="run_1", status=RunStatus.FAILED, progress=100, created_at=0)
    assert run.to_dict() == {
        "created_at": 0,
        "progress": 100,
        "run_id": "run_1",
        "status": "failed",
    }
    assert Run.from_dict(run.to_dict()) == run


def test_money_is_exact() -> None:
    data = parse_json(b'{"charged_cost": 0.1000000000000000000001}')
    cost = decode_model(RunAccepted, data, []).charged_cost
    assert cost == Decimal("0.1000000000000000000001")


@pytest.mark.parametrize("text", ["0", "0.04", "1E0", "1e2", "-0.0", "12345678901234567890"])
def test_money_is_written_as_the_number_it_was(text: str) -> None:
    data = {"charged_cost": json.loads(text)}
    wire = decode_model(Run, parse_json(f'{{"charged_cost": {text}}}'.encode()), [])
    assert json.dumps(wire.to_dict()) == json.dumps(data)


@pytest.mark.parametrize("value", [True, "1", None, [], float("inf"), float("nan"), 10**200])
def test_what_is_no_finite_number_is_no_money(value: object) -> None:
    assert decimal_of(value) is None


@pytest.mark.parametrize("body", [b"", b"NaN", b"{", b"[" * 100_000, b"\xff", b"1" * 5000])
def test_what_is_no_json_is_a_value_error(body: bytes) -> None:
    with pytest.raises(ValueError, match=r"JSON|deep|Expect|decode|digits"):
        parse_json(body)


def test_unset_survives_copy_and_pickle() -> None:
    assert copy.deepcopy(UNSET) is UNSET
    assert copy.copy(UNSET) is UNSET
    assert pickle.loads(pickle.dumps(UNSET)) is UNSET
    assert repr(UNSET) == "UNSET"
    assert not UNSET


@given(st.text())
def test_an_unknown_member_is_its_string(text: str) -> None:
    member = RunStatus(text)
    for same in (member, copy.deepcopy(member), pickle.loads(pickle.dumps(member))):
        assert same == text
        assert hash(same) == hash(text)
        assert {same: 1}[text] == 1
        assert same.value == text
        assert str(same) == text
    assert member.is_known == (text in {"pending", "running", "completed", "failed"})
    assert len(RunStatus) == 4


def test_an_unknown_member_of_an_integer_enum_is_its_integer() -> None:
    class Level(OpenIntEnum):
        LOW = 1

    assert Level(7) == 7
    assert not Level(7).is_known
    assert Level.LOW.is_known
    with pytest.raises(ValueError, match="high"):
        Level("high")


def test_nothing_else_is_a_member() -> None:
    with pytest.raises(ValueError, match="7"):
        RunStatus(7)


def drifts_of(cls: type[Model], data: dict[str, Any]) -> set[str]:
    found: list[Drift] = []
    decode_model(cls, data, found)
    return {str(drift) for drift in found}


def test_drift_is_told_by_kind_and_place() -> None:
    data = {
        "run_id": "run_1",
        "status": "cancelled",
        "progress": "10",
        "new": 1,
        "outputs": [{"output_id": "o", "type": "hologram", "url": "https://x"}, 7],
    }
    assert drifts_of(Run, data) == {
        "Run.created_at: missing field",
        "Run.status: unknown value ('cancelled')",
        "Run.progress: wrong type (string)",
        "Run.new: extra field",
        "RunOutput.type: unknown value ('hologram')",
        "Run.outputs[]: wrong type (number)",
    }


def test_what_the_contract_allows_is_no_drift() -> None:
    data = {"run_id": "run_1", "status": "failed", "progress": 1, "created_at": 0.5}
    assert drifts_of(Run, data | {"charged_cost": None, "outputs": []}) == set()


@frozen(kw_only=True, eq=False, repr=False)
class Cat(Model):
    meow: str
    kind: str | None = None


@frozen(kw_only=True, eq=False, repr=False)
class Dog(Model):
    bark: int


@frozen(kw_only=True, eq=False, repr=False)
class Owner(Model):
    pet: Cat | Dog | str
    pets: dict[str, Cat] | None = None
    flag: bool | None = None
    count: int | None = None


def test_of_several_types_the_one_that_fits_best_is_taken() -> None:
    assert Owner.from_dict({"pet": {"meow": "m"}}).pet == Cat(meow="m")
    assert Owner.from_dict({"pet": {"bark": 1}}).pet == Dog(bark=1)
    assert Owner.from_dict({"pet": "none"}).pet == "none"
    assert Owner.from_dict({"pet": 7}).pet == 7
    assert Owner.from_dict({"pet": "x", "pets": {"a": {"meow": "m"}}}).pets == {"a": Cat(meow="m")}


def test_a_boolean_is_no_number_and_a_number_no_boolean() -> None:
    assert drifts_of(Owner, {"pet": "x", "flag": 1, "count": True}) == {
        "Owner.flag: wrong type (number)",
        "Owner.count: wrong type (boolean)",
    }
    assert drifts_of(Owner, {"pet": "x", "flag": True, "count": 2.0}) == set()


@given(OBJECTS)
def test_what_a_model_gives_is_ready_for_json(data: dict[str, Any]) -> None:
    model = decode_model(Generation, parse_json(json.dumps(data).encode()), [])
    assert json.loads(json.dumps(model.to_dict())) == json.loads(model.to_json()) == data


def test_an_enum_knows_its_members_by_value_and_not_by_name() -> None:
    assert RunStatus("completed").is_known
    assert not RunStatus("COMPLETED").is_known
    assert not OpenIntEnum("Numbers", {"ONE": 1})(7).is_known
    assert OpenIntEnum("Numbers", {"ONE": 1})(1).is_known
