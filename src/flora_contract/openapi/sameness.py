"""Whether two values are the same in JSON: 1 is 1.0, but not true."""

from __future__ import annotations

import json
from typing import Any

import orjson


def exact(value: Any) -> str:
    """A text that is the same for values that are the same in JSON: 1 is 1.0, but not true."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, dict):
        return "{" + ",".join(f"{k!r}:{exact(v)}" for k, v in sorted(value.items())) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(exact, value)) + "]"
    return repr(value)


def alike(one: Any, two: Any) -> bool:
    """Whether two values are the same in JSON."""
    return written_same(one, two) or exact(one) == exact(two)


def written_same(one: Any, two: Any) -> bool:
    """Whether two values are the same, and their keys in the same order."""
    # Nearly all that is compared is equal, and orjson says so at the speed of C.
    try:
        return orjson.dumps(one) == orjson.dumps(two)
    except TypeError:  # a number beyond 64 bits
        return json.dumps(one) == json.dumps(two)
