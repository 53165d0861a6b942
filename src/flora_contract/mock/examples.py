"""Schema-true examples, for operations that have no memory behind them."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import orjson

from flora_contract.mock.messages import Response
from flora_contract.openapi.examples import example

if TYPE_CHECKING:
    from flora_contract.mock.contract import Route
    from flora_contract.openapi import Document


def answer(route: Route, document: Document, seed: int) -> Response:
    """The first documented success of an operation, the same for the same seed and operation."""
    status = min((s for s in route.operation.responses if s.startswith("2")), default="204")
    schema = route.responses.schema(int(status))
    if schema is None:
        return Response(int(status))
    chance = random.Random(f"{seed}/{route.operation_id}")  # noqa: S311 - repeatable
    return Response(int(status), orjson.dumps(example(document, schema, chance)))
