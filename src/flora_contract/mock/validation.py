"""What is wrong with a request, in the words that an error answer has for it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from flora_contract.mock.http.messages import HTTPRequest
    from flora_contract.openapi.contract import Breach, Endpoint

_PREFIX = re.compile(r"\^([\w-]+)\Z")


def undeclared(endpoint: Endpoint, request: HTTPRequest) -> list[str]:
    """Query keys, and members of a body that was read, which the contract does not have."""
    found = list(endpoint.read_query(request.query).undeclared) if request.query else []
    known = endpoint.request_members.keys()
    if isinstance(request.value, dict) and not request.value.keys() <= known:
        found += sorted(request.value.keys() - known)
    return found


def problems(breaches: Iterable[Breach]) -> list[tuple[str, str]]:
    """Each wrong member with the reason, once; the body itself is called `body`."""
    found: dict[str, str] = {}
    for breach in breaches:
        name = ".".join(map(str, breach.parts)) or breach.location
        found.setdefault(name, _reason(breach))
    return list(found.items())


def _reason(breach: Breach) -> str:
    limit = breach.limit
    match breach.keyword:
        case "required":
            return "Required"
        case "type" | "null" if "types" in limit:
            return f"Expected {' or '.join(limit['types'])}"
        case "enum" | "null" if "options" in limit:
            return f"Expected one of {', '.join(map(str, limit['options']))}"
        case "minLength":
            return f"Expected at least {limit['limit']} character{'s' * (limit['limit'] != 1)}"
        case "minimum":
            return f"Expected {limit['limit']} or more"
        case "maximum":
            return f"Expected {limit['limit']} or less"
        case "pattern":
            prefix = _PREFIX.match(limit["pattern"])
            return f"Must start with {prefix[1]}" if prefix else f"Must match {limit['pattern']}"
        case _:
            return breach.message
