"""Statements of behaviour that follow plainly from facts: how long a key holds, what is a list."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from flora_contract.documents.checking.claims import claims
from flora_contract.documents.facts.fact import Place
from flora_contract.documents.proposing.schemas import singular, title
from flora_contract.errors import CommandError
from flora_contract.openapi import Edit, apply, parse, written
from flora_contract.openapi.behaviour import Behaviour
from flora_contract.openapi.contract import Contract

if TYPE_CHECKING:
    from flora_contract.documents.checking.claims import Claims
    from flora_contract.openapi import Document

_SECONDS: Final = {"second": 1, "minute": 60, "hour": 3600, "day": 86400}
_KEY: Final = "Idempotency-Key"
_PAGE: Final = {"size": "limit", "cursor": "cursor"}
_NEXT: Final = "meta.next_cursor"


def behaviour_edits(
    before: Document, after: Document, behaviour: Document
) -> tuple[list[Edit], list[str]]:
    """Edits of the overlay of behaviour, and what of it a person has to state."""
    old, new = claims(before), claims(after)
    edits = _windows(old, new, behaviour)
    asked: list[str] = []
    known = {claim.place for claim in old.claims if claim.value == "operation"}
    for claim in new.claims:
        if claim.value == "operation" and claim.place not in known:
            operation = claim.place.operation
            drafted = _listed(new, after, operation)
            if drafted and _holds(after, behaviour, [*edits, *drafted]):
                edits += drafted
            asked.append(_asked(new, operation))
    codes = _values(new, "error.code") - _values(old, "error.code")
    asked += [
        f"the error code {code}: name its status in x-errors of behaviour.yaml"
        for code in sorted(codes)
    ]
    return edits, asked


def seconds(duration: str) -> int | None:
    """`2 hours` in seconds; None for a range."""
    found = re.fullmatch(r"(\d+) (second|minute|hour|day)s?", duration)
    return int(found[1]) * _SECONDS[found[2]] if found is not None else None


def _windows(old: Claims, new: Claims, behaviour: Document) -> list[Edit]:
    """How long a key holds, where the contract says otherwise now."""
    before, after = (
        {c.place: str(c.value) for c in made.claims if c.aspect == "duration"}
        for made in (old, new)
    )
    changed = {
        seconds(before[place]): seconds(after[place])
        for place in before.keys() & after.keys()
        if place.part == "header" and before[place] != after[place]
    }
    return [
        Edit("set", ("actions", index, "update", "x-idempotency", "window"), changed[window])
        for index, action in enumerate(behaviour.tree.get("actions", []))
        for window in [(action.get("update", {}).get("x-idempotency") or {}).get("window")]
        if window is not None and changed.get(window) is not None
    ]


def _asked(made: Claims, operation: str) -> str:
    """What a person has to state of a new operation."""
    key = Place(operation, "header", _KEY)
    held = [str(c.value) for c in made.claims if c.place == key and c.aspect == "duration"]
    window = seconds(held[0]) if held else None
    more = f", and x-idempotency with a window of {window}" if window is not None else ""
    return f"{operation}: state what it does to which resource{more}, in behaviour.yaml"


def _listed(made: Claims, document: Document, operation: str) -> list[Edit]:
    """What a list is of, and how its pages follow; nothing where what it lists has no id."""
    method, path = operation.split(" ", 1)
    places = {claim.place for claim in made.claims if claim.place.operation == operation}
    lists = [
        place.field
        for place in places
        if place.part == "answer" and re.fullmatch(r"\w+\[\]", place.field)
    ]
    if method != "GET" or path.endswith("}") or len(lists) != 1:
        return []
    one = singular(lists[0].removesuffix("[]"))
    if Place(operation, "answer", f"{lists[0]}.{one}_id") not in places:
        return []
    node = next(n for n in document.operations() if f"{n.method} {n.path}" == operation).node
    labels = list(node["x-source"])
    resource = {"id": f"{one}_id", "list": node["operationId"], "x-source": labels}
    stated = {"x-list": _list(places, operation, lists[0], labels)}
    return [
        Edit("append", ("actions",), {"target": target, "update": update})
        for target, update in (
            ("$", {"x-resources": {title(one): resource}}),
            (f"$.paths['{path}'].get", stated),
        )
    ]


def _holds(document: Document, behaviour: Document, edits: list[Edit]) -> bool:
    """Whether statements can hold of a contract, and do not meet those that are there."""
    stated = parse(written(behaviour, edits, None), behaviour.file)
    kinds = [
        kind
        for action in stated.tree["actions"]
        for kind in action.get("update", {}).get("x-resources", {})
    ]
    if len(kinds) != len(set(kinds)):
        return False
    try:
        Behaviour(Contract(apply(document, [stated], strict=True).document))
    except CommandError:
        return False
    return True


def _list(places: set[Place], operation: str, items: str, labels: list[str]) -> dict[str, Any]:
    stated: dict[str, Any] = {"items": items.removesuffix("[]"), "order": None}
    query = [place.field for place in places if place.part == "query"]
    page = {word: name for word, name in _PAGE.items() if name in query}
    if "cursor" in page and Place(operation, "answer", _NEXT) in places:
        total = Place(operation, "answer", "meta.total_estimate") in places
        more = {"total": "meta.total_estimate"} if total else {}
        stated["page"] = {**page, "next": _NEXT, **more}
    filters = {
        name: name if Place(operation, "answer", f"{items}.{name}") in places else None
        for name in sorted(query)
        if name not in page.values()
    }
    return {**stated, **({"filters": filters} if filters else {}), "x-source": labels}


def _values(made: Claims, field: str) -> set[str]:
    return {
        str(claim.value)
        for claim in made.claims
        if claim.aspect == "value" and claim.place.part == "error" and claim.place.field == field
    }
