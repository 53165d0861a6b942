"""What a contract has for statements to speak of, and how a message says what it lacks."""

from __future__ import annotations

import difflib
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from flora_contract.errors import InputError
from flora_contract.openapi.schemas import types

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from flora_contract.openapi.behaviour import Behaviour, Resource, Role
    from flora_contract.openapi.contract import Endpoint
    from flora_contract.openapi.document import Document, Pointer
    from flora_contract.openapi.schemas import Member

Fault = tuple["Pointer", str]
"""Where a statement cannot hold, and why."""

NUMBERS: Final = frozenset({"number", "integer"})
TEXTS: Final = frozenset({"string"})
TIMES: Final = NUMBERS | TEXTS

_CALLED: Final = {NUMBERS: "number", TEXTS: "text", TIMES: "time"}

_SHOWING: Final[tuple[Role, ...]] = ("create", "read", "list", "update")
_LISTED: Final = 6
"""How many names a message proposes."""


class StatementError(InputError):
    """A statement that cannot hold, and where it stands in its document."""

    def __init__(self, document: Document, pointer: Pointer, problem: str) -> None:
        super().__init__(f"{document.locate(pointer)}: {problem}")
        self.pointer = pointer


class Subject:
    """What the contract has for statements to speak of."""

    def __init__(self, behaviour: Behaviour) -> None:
        self.behaviour = behaviour
        self.document = behaviour.document
        self.endpoints = behaviour.contract.operations

    def place(self, pointer: Pointer) -> str:
        """File and line, for a message about two statements."""
        return str(self.document.locate(pointer))

    def representations(self, resource: Resource) -> dict[str, dict[str, Member]]:
        """Members that each operation shows of a resource; those that show nothing left out."""
        operations = [self.behaviour.of(e.id) for e in self.endpoints_of(resource, _SHOWING)]
        shown = {
            operation.id: plain(operation.items)
            for operation in operations
            if operation.role != "list" or operation.listing is not None
        }
        return {i: members for i, members in shown.items() if members}

    def shown(self, resource: Resource) -> dict[str, Member]:
        """Members that any of them shows."""
        return {p: m for ms in self.representations(resource).values() for p, m in ms.items()}

    def sent(self, resource: Resource, roles: Iterable[Role]) -> set[str]:
        """Members of the bodies and queries of the requests that have some roles."""
        found: set[str] = set()
        for endpoint in self.endpoints_of(resource, roles):
            found |= {*plain(endpoint.request_members), *endpoint.parameters_in("query")}
        return found

    def endpoints_of(self, resource: Resource, roles: Iterable[Role]) -> list[Endpoint]:
        return [self.endpoints[i] for role in roles for i in resource.operations.get(role, ())]

    def created_with(self, resource: Resource) -> set[str]:
        """Members that the one who creates a resource says of it."""
        bodies = [e.request_members for e in self.endpoints_of(resource, ["create"])]
        return {path for body in bodies for path in plain(body)} | set(resource.path.values())

    def attributes(self, resource: Resource) -> set[str]:
        """Members that a resource has, shown or only asked for."""
        return {*self.shown(resource), *self.created_with(resource), *resource.references}

    @cached_property
    def statuses(self) -> dict[int, str]:
        """Statuses that are documented, each with an operation that does."""
        return {s: e.id for e in self.endpoints.values() for s in e.statuses}

    @cached_property
    def errors(self) -> dict[str, Member]:
        """Members that error answers have."""
        found: dict[str, Member] = {}
        for endpoint in self.endpoints.values():
            for status in {*self.statuses, 400, 500}:
                if status >= 400 and endpoint.answer(status) is not None:
                    found |= plain(endpoint.answer_members(status))
        return found

    @cached_property
    def headers(self) -> dict[str, str]:
        """Headers of answers, by their names in lower case."""
        answers = [a for e in self.endpoints.values() for a in e.operation.responses.values()]
        return {name.lower(): name for answer in answers for name in answer.get("headers", {})}

    @cached_property
    def codes(self) -> set[str]:
        """Codes of errors that the contract or a statement knows; empty where none are listed."""
        errors = self.behaviour.errors
        found = self.errors.get(errors.code or "")
        stated = {code for codes in errors.codes.values() for code in codes}
        return stated | set(found.values) if found is not None and found.values else set()


def plain(members: dict[str, Member]) -> dict[str, Member]:
    """By the paths that statements write, which pass through lists."""
    return {path.replace("[]", ""): found for path, found in members.items()}


def leaves(node: Any, pointer: Pointer) -> Iterator[tuple[Pointer, str]]:
    """Every text of nested lists, with its place."""
    if isinstance(node, list):
        for index, item in enumerate(node):
            yield from leaves(item, (*pointer, index))
    else:
        yield pointer, node


def lacks(subject: str, what: str, name: object, known: Iterable[object]) -> str:
    """That something is not there, and what is, the most similar first."""
    thing = f"{what} {name}".strip()
    names = [str(one) for one in known]
    has = f"it has {nearest(name, names)}" if names else "it has none"
    return f"{subject} has no {thing}; {has}"


def not_of(document: Document, path: str, schema: object, kinds: frozenset[str]) -> Iterator[str]:
    """That a member is of none of some types, where the contract tells."""
    found = types(document, schema)
    if kinds and found and not kinds & found:
        yield f"{path} is not a {_CALLED[kinds]}; name a member that is"


def nearest(name: object, known: Iterable[str]) -> str:
    def unlike(one: str) -> tuple[float, str]:
        return -difflib.SequenceMatcher(None, str(name), one).ratio(), one

    names = sorted(known, key=unlike)
    return ", ".join(names[:_LISTED]) + (", …" if len(names) > _LISTED else "")
