"""Error answers: which status and code a condition has, and how an error is written."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

import orjson

from flora_contract.mock.http.messages import HTTPResponse, Rejection
from flora_contract.openapi.schemas import put

if TYPE_CHECKING:
    from collections.abc import Sequence

    from flora_contract.openapi.behaviour import Behaviour, Condition, OperationBehaviour, Refusal

_FIRST: Final[dict[Condition, int]] = {
    "no-key": 401,
    "wrong-key": 401,
    "malformed": 400,
    "invalid": 400,
}
_LAST: Final[dict[Condition, int]] = {
    "foreign-reference": 404,
    "unknown-reference": 404,
    "foreign-id": 404,
    "unknown-id": 404,
    "rate": 429,
}
"""What is refused though nothing states it: statuses, before and after what is stated."""


class Refusals:
    """The refusals of an operation, in the order in which their conditions are looked at."""

    def __init__(self, operation: OperationBehaviour) -> None:
        self._stated = operation.refusals
        first = [condition for condition in _FIRST if condition not in self._stated]
        last = [condition for condition in _LAST if condition not in self._stated]
        self.order: list[Condition] = [*first, *self._stated, *last]

    def rejection(
        self,
        condition: Condition,
        message: str,
        fields: Sequence[tuple[str, str]] = (),
        headers: tuple[tuple[str, str], ...] = (),
        *,
        stated: Refusal | None = None,
    ) -> Rejection:
        """The answer to a condition; `stated` where it is another than elsewhere."""
        stated = stated or self._stated.get(condition)
        if stated is None:
            status = {**_FIRST, **_LAST}[condition]
            return Rejection(status, message, fields=fields, headers=headers)
        return Rejection(stated.status, message, stated.code or "", fields=fields, headers=headers)


class Envelope:
    """Where an error answer tells what."""

    def __init__(self, behaviour: Behaviour) -> None:
        self._errors = behaviour.errors
        self._codes = {
            status: codes[0] for status, codes in behaviour.errors.codes.items() if codes
        }
        for operation in behaviour.operations.values():
            for refusal in operation.refusals.values():
                if refusal.code is not None:
                    self._codes.setdefault(refusal.status, refusal.code)
        if 404 in self._codes:  # no source pairs 405 with a code: such an operation is not found
            self._codes.setdefault(405, self._codes[404])
        self.retry_after = (behaviour.errors.retry_after or "retry-after").lower()
        self.request_id = (behaviour.errors.request_id or "request-id").lower()

    def response(self, rejection: Rejection) -> HTTPResponse:
        errors, body = self._errors, dict[str, Any]()
        code = rejection.code or self._codes.get(rejection.status) or _code_of(rejection.status)
        if errors.code is not None:
            put(body, errors.code, code)
        put(body, errors.message or "message", rejection.message)
        if rejection.fields and errors.fields is not None:
            entries = [
                {errors.field_name: name, errors.field_message: problem}
                for name, problem in rejection.fields
            ]
            put(body, errors.fields, entries)
        return HTTPResponse(rejection.status, orjson.dumps(body), headers=rejection.headers)


def _code_of(status: int) -> str:
    return HTTPStatus(status).phrase.lower().replace(" ", "_").replace("-", "_")
