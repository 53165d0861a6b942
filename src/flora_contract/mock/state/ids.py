"""Ids of entities: their numbers, scattered so that none can be guessed from another.

The same seed gives the same ids in the same order, and an id leads back to its number.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from flora_contract.openapi.contract import typed
from flora_contract.openapi.schemas import types

if TYPE_CHECKING:
    from collections.abc import Callable

    from flora_contract.openapi.contract import Contract

_FACTOR: Final = 0x9E3779B97F4A7C15
_INVERSE: Final = pow(_FACTOR, -1, 1 << 64)


@dataclass(frozen=True)
class IdForm:
    """How the ids of a kind are written: numbers of so many bits as text, and back."""

    bits: int
    write: Callable[[int], str]
    read: Callable[[str], int]


class Ids:
    """The ids of one state."""

    def __init__(self, seed: int) -> None:
        digest = hashlib.blake2b(str(seed).encode(), digest_size=8).digest()
        self._offset = int.from_bytes(digest)

    def encode(self, form: IdForm, seq: int) -> str:
        return form.write((seq * _FACTOR + self._offset) & ((1 << form.bits) - 1))

    def decode(self, form: IdForm, id_: str) -> int | None:
        """Number of an entity, or None if this state cannot have given the id."""
        try:
            seq = (form.read(id_) - self._offset) * _INVERSE & ((1 << form.bits) - 1)
        except ValueError:
            return None
        return seq if 0 < seq < 1 << 63 and self.encode(form, seq) == id_ else None


def id_form(contract: Contract, schema: dict[str, Any], prefix: str) -> IdForm:
    """The form with the most ids that a schema allows."""
    check, kinds = contract.compile(schema), types(contract.document, schema)
    forms = [
        hexadecimal(prefix, 16),
        IdForm(64, _to_uuid, _from_uuid),
        *(IdForm(bits, str, int) for bits in range(53, 7, -1)),
        *(hexadecimal(prefix, digits) for digits in range(15, 1, -1)),
    ]
    samples = [typed(form.write((1 << form.bits) - 1), kinds) for form in forms]
    fitting = (f for f, sample in zip(forms, samples, strict=True) if check.is_valid(sample))
    return next(fitting, forms[0])


def hexadecimal(prefix: str, digits: int) -> IdForm:
    def write(number: int) -> str:
        return f"{prefix}{number:0{digits}x}"

    return IdForm(4 * digits, write, lambda id_: int(id_.removeprefix(prefix), 16))


def _to_uuid(number: int) -> str:
    """A UUID of version 8, whose bits are the application's (RFC 9562, 5.8)."""
    return str(UUID(int=number >> 16 << 80 | 8 << 76 | 2 << 62 | number & 0xFFFF))


def _from_uuid(id_: str) -> int:
    whole = UUID(id_).int
    return whole >> 80 << 16 | whole & 0xFFFF
