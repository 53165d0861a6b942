"""What answers become: frozen values that keep every field they came with."""

from __future__ import annotations

import json
from decimal import Decimal
from enum import Enum
from typing import TYPE_CHECKING, Any, Self

from attrs import field, fields, frozen

from flora_runtime.paths import is_array, is_object
from flora_runtime.unset import UNSET

if TYPE_CHECKING:
    from collections.abc import Mapping


@frozen
class Call:
    """How an answer came about."""

    status_code: int = 0
    attempts: int = 0
    request_id: str | None = None
    idempotency_key: str | None = None
    recovered: bool = False
    """The answer was lost, and the run was found again in the history."""


NO_CALL = Call()


@frozen(kw_only=True, eq=False, repr=False)
class Model:
    """An object of the API.

    A field that is absent or null is None, unless the contract requires it: then it is UNSET when
    absent. A value of a type the contract does not name is kept as it came. Equal by value,
    hashable, picklable; `from_dict` and `to_dict` are each other's inverse, order of keys included.
    """

    extra_fields: Mapping[str, Any] = field(factory=dict[str, Any])
    """Fields that the contract does not name, as they came."""
    call: Call = NO_CALL
    """How the answer that held this object came about; without attempts where it is a part of one,
    or made by hand."""
    _keys: tuple[str, ...] = field(default=(), alias="_keys")
    """The keys of the object in the order in which they came."""

    @property
    def idempotency_key(self) -> str | None:
        """The Idempotency-Key of the request that this answers."""
        return self.call.idempotency_key

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Read an object from plain JSON data. Raises TypeError if it is no mapping."""
        from flora_runtime.codec import decode_model

        return decode_model(cls, data, [])

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON data: what came, with its extra fields, its nulls and its order."""
        names = wire_names(type(self))
        known = {wire: getattr(self, name) for name, wire in names}
        result: dict[str, Any] = {}
        for key in self._keys:
            result[key] = plain(known[key] if key in known else self.extra_fields.get(key))
        for key, value in known.items():
            if key not in result and value is not None and value is not UNSET:
                result[key] = plain(value)
        for key, value in self.extra_fields.items():
            if key not in result:
                result[key] = plain(value)
        return result

    def to_json(self, *, indent: int | None = None) -> str:
        """The same as text."""
        return json.dumps(self.to_dict(), ensure_ascii=False, indent=indent)

    def _values(self) -> tuple[Any, ...]:
        return (*(getattr(self, name) for name, _ in wire_names(type(self))), self.extra_fields)

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return self._values() == other._values()

    def __hash__(self) -> int:
        return hash((type(self), _hashable(self._values())))

    def __repr__(self) -> str:
        shown = [(name, getattr(self, name)) for name, _ in wire_names(type(self))]
        shown = [(name, value) for name, value in shown if value is not None]
        if self.extra_fields:
            shown.append(("extra_fields", self.extra_fields))
        return f"{type(self).__name__}({', '.join(f'{n}={v!r}' for n, v in shown)})"


BASE_FIELDS = {"extra_fields", "call", "_keys"}
"""What every model has beside the fields of its object."""


_names: dict[type[Model], tuple[tuple[str, str], ...]] = {}


def wire_names(cls: type[Model]) -> tuple[tuple[str, str], ...]:
    """Attribute and JSON name of each field of a model, in order."""
    if cls not in _names:
        own = [a for a in fields(cls) if a.name not in BASE_FIELDS]
        _names[cls] = tuple((a.name, a.metadata.get("name", a.name)) for a in own)
    return _names[cls]


def plain(value: Any) -> Any:
    """JSON data for a value: models, enums, decimals and containers of them."""
    if isinstance(value, Model):
        return value.to_dict()
    if is_object(value):
        return {key: plain(item) for key, item in value.items()}
    if is_array(value):
        return [plain(item) for item in value]
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Decimal):
        return int(value) if value.as_tuple().exponent == 0 else float(value)
    return value


def _hashable(value: Any) -> Any:
    if is_object(value):
        return frozenset((key, _hashable(item)) for key, item in value.items())
    if is_array(value):
        return tuple(_hashable(item) for item in value)
    return value
