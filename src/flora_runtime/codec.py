"""JSON to typed values by the type hints of the models, without ever refusing an answer."""

from __future__ import annotations

import json
import sys
import types
import typing
from collections.abc import Callable, Mapping
from decimal import Decimal
from enum import Enum
from functools import cache
from typing import Any, Literal, TypeVar, cast

from attrs import NOTHING, fields, frozen

from flora_runtime.drift import Drift
from flora_runtime.model import BASE_FIELDS, NO_CALL, Call, Model
from flora_runtime.paths import is_array, is_object
from flora_runtime.unset import UNSET

M = TypeVar("M", bound=Model)

Decode = Callable[[Any, str, list[Drift]], Any]
"""From a JSON value, the name of its place, and where to note drift. Raises TypeError when the
value is of another type than its hint."""


class JSONFloat(float):
    """A number with a fraction that remembers how it was written, so that money stays exact."""

    __slots__ = ("text",)
    text: str

    def __new__(cls, text: str) -> JSONFloat:
        number = super().__new__(cls, text)
        number.text = text
        return number

    def __reduce__(self) -> tuple[type[JSONFloat], tuple[str]]:
        return JSONFloat, (self.text,)


def parse_json(body: bytes) -> Any:
    """Read JSON. Raises ValueError when it is none, or nested beyond reason."""
    try:
        return _decoder.decode(body.decode(json.detect_encoding(body), "surrogatepass"))
    except RecursionError:
        raise ValueError("nested too deep") from None


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


_decoder = json.JSONDecoder(parse_float=JSONFloat, parse_constant=_refuse_constant)


def decode_model(cls: type[M], data: object, drifts: list[Drift], call: Call = NO_CALL) -> M:
    """Read an object. Raises TypeError if it is none; anything within it is tolerated and noted."""
    if not is_object(data):
        raise TypeError(f"{cls.__name__}: an object is expected, not {_type_name(data)}")
    plan = _plans.get(cls) or _plan(cls)
    values: dict[str, Any] = {}
    for field in plan.fields:
        raw = data.get(field.wire, UNSET)
        if raw is UNSET:
            if field.required:
                drifts.append(Drift("missing_field", field.where))
                values[field.name] = UNSET
        elif raw is None:
            if not field.nullable:
                drifts.append(Drift("missing_field", field.where, "null"))
            values[field.name] = None
        else:
            values[field.name] = _tolerant(field.decode, raw, field.where, drifts)
    extra: Mapping[str, Any] = {}
    if not plan.wires.issuperset(data):
        extra = {key: value for key, value in data.items() if key not in plan.wires}
        drifts.extend(Drift("extra_field", f"{cls.__name__}.{key}") for key in extra)
    return cls(extra_fields=extra, call=call, _keys=tuple(data), **values)


def decode_answer(hint: Any, data: Any, where: str, drifts: list[Drift], call: Call) -> Any:
    """The value of a whole answer. Raises TypeError if it is of another type than the hint."""
    kind: Any = hint
    if isinstance(kind, type) and issubclass(kind, Model):
        return decode_model(kind, data, drifts, call)
    return decoder(hint)(data, where, drifts)


def _tolerant(decode: Decode, raw: Any, where: str, drifts: list[Drift]) -> Any:
    try:
        return decode(raw, where, drifts)
    except TypeError:
        drifts.append(Drift("wrong_type", where, _type_name(raw)))
        return raw


@cache
def decoder(hint: Any) -> Decode:
    """How a value with this type hint is read."""
    if hint is Any:
        return lambda raw, _where, _drifts: raw
    origin = typing.get_origin(hint)
    if origin is types.UnionType or origin is typing.Union:
        return _union([decoder(option) for option in typing.get_args(hint)])
    if origin is tuple:
        return _array(decoder(typing.get_args(hint)[0]))
    if origin is dict:
        return _mapping(decoder(typing.get_args(hint)[1]))
    if origin is Literal:
        return _literal(typing.get_args(hint))
    if isinstance(hint, type) and issubclass(hint, Model):
        return lambda raw, _where, drifts: decode_model(hint, raw, drifts)
    if isinstance(hint, type) and issubclass(hint, Enum):
        return _enum(hint)
    return _SCALARS[hint]


@frozen
class _Field:
    name: str
    wire: str
    where: str
    required: bool
    nullable: bool
    decode: Decode


@frozen
class _Plan:
    fields: tuple[_Field, ...]
    wires: frozenset[str]


_plans: dict[type[Model], _Plan] = {}


def _plan(cls: type[Model]) -> _Plan:
    own = [attribute for attribute in fields(cls) if attribute.name not in BASE_FIELDS]
    written = types.SimpleNamespace(__annotations__={a.name: a.type for a in own})
    hints = typing.get_type_hints(written, vars(sys.modules[cls.__module__]), {})
    plan: list[_Field] = []
    for attribute in own:
        hint = hints[attribute.name]
        options = typing.get_args(hint) if _is_union(hint) else (hint,)
        wire = attribute.metadata.get("name", attribute.name)
        plan.append(
            _Field(
                name=attribute.name,
                wire=wire,
                where=f"{cls.__name__}.{wire}",
                required=attribute.default is NOTHING,
                nullable=type(None) in options or hint is Any,
                decode=decoder(hint),
            )
        )
    _plans[cls] = _Plan(tuple(plan), frozenset(field.wire for field in plan))
    return _plans[cls]


def _is_union(hint: Any) -> bool:
    return typing.get_origin(hint) in {types.UnionType, typing.Union}


def _union(options: list[Decode]) -> Decode:
    if len(options) == 2 and _none in options:
        return next(option for option in options if option is not _none)

    def decode(raw: Any, where: str, drifts: list[Drift]) -> Any:
        best: tuple[Any, list[Drift]] | None = None
        for option in options:
            noted: list[Drift] = []
            try:
                value = option(raw, where, noted)
            except TypeError:
                continue
            if best is None or len(noted) < len(best[1]):
                best = value, noted
        if best is None:
            raise TypeError(where)
        drifts.extend(best[1])
        return best[0]

    return decode


def _array(item: Decode) -> Decode:
    def decode(raw: Any, where: str, drifts: list[Drift]) -> Any:
        if not is_array(raw):
            raise TypeError(where)
        return tuple(_tolerant(item, value, f"{where}[]", drifts) for value in raw)

    return decode


def _mapping(item: Decode) -> Decode:
    def decode(raw: Any, where: str, drifts: list[Drift]) -> Any:
        if not is_object(raw):
            raise TypeError(where)
        return {key: _tolerant(item, value, f"{where}[]", drifts) for key, value in raw.items()}

    return decode


def _literal(values: tuple[Any, ...]) -> Decode:
    def decode(raw: Any, where: str, drifts: list[Drift]) -> Any:
        if not any(raw == value and type(raw) is type(value) for value in values):
            drifts.append(Drift("unknown_value", where, repr(raw)[:80]))
        return raw

    return decode


def _enum(cls: type[Enum]) -> Decode:
    kind = int if issubclass(cls, int) else str
    known = cast("dict[Any, Any]", cls._value2member_map_)

    def decode(raw: Any, where: str, drifts: list[Drift]) -> Any:
        if type(raw) is not kind:
            raise TypeError(where)
        member = known.get(raw)
        if member is None:
            drifts.append(Drift("unknown_value", where, repr(raw)[:80]))
            member = cls(raw)
        return member

    return decode


def _none(raw: Any, where: str, _drifts: list[Drift]) -> Any:
    if raw is not None:
        raise TypeError(where)


def _str(raw: Any, where: str, _drifts: list[Drift]) -> Any:
    if not isinstance(raw, str):
        raise TypeError(where)
    return raw


def _bool(raw: Any, where: str, _drifts: list[Drift]) -> Any:
    if not isinstance(raw, bool):
        raise TypeError(where)
    return raw


def _int(raw: Any, where: str, _drifts: list[Drift]) -> Any:
    if isinstance(raw, bool) or not (
        isinstance(raw, int) or (isinstance(raw, float) and raw.is_integer())
    ):
        raise TypeError(where)
    return raw


def _float(raw: Any, where: str, _drifts: list[Drift]) -> Any:
    if isinstance(raw, bool) or not isinstance(raw, int | float):
        raise TypeError(where)
    return float(raw) if isinstance(raw, float) else raw


def _decimal(raw: Any, where: str, _drifts: list[Drift]) -> Any:
    number = decimal_of(raw)
    if number is None:
        raise TypeError(where)
    return number


_MOST_DIGITS = 100
"""Of an amount. Beyond reason, and short of what decimals can be summed up to."""


def decimal_of(raw: object) -> Decimal | None:
    """A JSON number as it was written; None if it is no number that could be an amount."""
    if isinstance(raw, bool) or not isinstance(raw, int | float | Decimal):
        return None
    text = raw.text if isinstance(raw, JSONFloat) else str(raw)
    number = Decimal(text)
    if not number.is_finite() or number.adjusted() > _MOST_DIGITS:
        return None
    if isinstance(raw, float) and "e" in text.lower() and number.as_tuple().exponent == 0:
        return Decimal(f"{number}.0")  # so that 1E0 is written as 1.0 again, and not as 1
    return number


_SCALARS: dict[Any, Decode] = {
    bytes: lambda raw, _where, _drifts: raw,
    str: _str,
    bool: _bool,
    int: _int,
    float: _float,
    Decimal: _decimal,
    types.NoneType: _none,
    None: _none,
}


def _type_name(value: object) -> str:
    names: dict[type, str] = {
        dict: "object",
        list: "array",
        str: "string",
        bool: "boolean",
        types.NoneType: "null",
    }
    return names.get(type(value), "number" if isinstance(value, int | float) else "value")
