"""Whether statements of behaviour fit the contract and one another, and what of it is not stated."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, NoReturn

from flora_contract.errors import InputError
from flora_contract.openapi.schemas import member, values

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from flora_contract.openapi.behaviour import (
        Behaviour,
        Life,
        Listing,
        OperationBehaviour,
        Reference,
        Refusal,
        Resource,
    )
    from flora_contract.openapi.document import Document, Pointer


class StatementError(InputError):
    """A statement that cannot hold, and where it stands in its document."""

    def __init__(self, document: Document, pointer: Pointer, problem: str) -> None:
        super().__init__(f"{document.locate(pointer)}: {problem}")
        self.pointer = pointer


def check(behaviour: Behaviour) -> None:
    """Raises InputError, with file and line, for the first statement that cannot hold."""
    checks = _Checks(behaviour)
    for resource in behaviour.resources.values():
        checks.resource(resource)
    checks.roles()
    for operation in behaviour.operations.values():
        checks.operation(operation)


def unstated(behaviour: Behaviour) -> Iterator[tuple[Pointer, str]]:
    """What of the operations is not stated, in the order of the contract: place and what."""
    for operation in behaviour.operations.values():
        pointer = operation.endpoint.operation.pointer
        for gap in _gaps(behaviour, operation):
            yield pointer, f"{operation.id}: {gap}"


def _gaps(behaviour: Behaviour, operation: OperationBehaviour) -> Iterator[str]:
    endpoint, node = operation.endpoint, operation.endpoint.operation.node
    if operation.role is None:
        yield "no resource names it as create, read, list, update, delete or act"
    if operation.role == "list" and operation.listing is None:
        yield "how it lists (x-list)"
    if operation.role == "create" and "x-idempotency" not in node:
        yield "whether a key names a request (x-idempotency)"
    if operation.role in {"create", "act"} and "x-charges" not in node:
        yield "whether it costs money (x-charges)"
    listing = operation.listing
    known = {listing.size, listing.cursor, listing.offset, *listing.filters} if listing else set()
    if listing is not None and listing.order is None:
        yield "the order of what it lists"
    for name in endpoint.parameters_in("query"):
        if name not in known and not _is_reference(operation, name):
            yield f"what the query parameter {name} does"
    if operation.role == "create" and operation.resource is not None:
        stated = {*operation.resource.shows, *operation.resource.references}
        for path in endpoint.request_members:
            if "." not in path and "[]" not in path and path not in stated:
                yield f"whether and where {path} of the request is shown"
    told = {refusal.status for refusal in operation.refusals.values()}
    for status in sorted(s for s in endpoint.statuses if s >= 400 and s not in told):
        yield f"what is answered with {status}"


def _is_reference(operation: OperationBehaviour, name: str) -> bool:
    return operation.resource is not None and name in operation.resource.references


class _Checks:
    """The checks of one document's statements."""

    def __init__(self, behaviour: Behaviour) -> None:
        self.behaviour = behaviour
        self.document = behaviour.document

    def fail(self, pointer: Pointer, problem: str) -> NoReturn:
        raise StatementError(self.document, pointer, problem)

    # Resources

    def roles(self) -> None:
        """An operation has one role, of one resource."""
        seen: dict[str, str] = {}
        for resource in self.behaviour.resources.values():
            for role, ids in resource.operations.items():
                for operation_id in ids:
                    place = f"{resource.kind}.{role}"
                    if operation_id in seen:
                        self.fail(
                            (*resource.statement.pointer, role),
                            f"{operation_id} is {seen[operation_id]} already",
                        )
                    seen[operation_id] = place

    def resource(self, resource: Resource) -> None:
        pointer = resource.statement.pointer
        for role, ids in resource.operations.items():
            for operation_id in ids:
                if operation_id not in self.behaviour.contract.operations:
                    place = self._named(pointer, role, operation_id)
                    self.fail(place, f"the contract has no operation {operation_id}")
        shown = self._representations(resource)
        lacking = [i for i, members in shown.items() if resource.id not in members]
        if lacking:
            where: Pointer = (*pointer, "id")
            if len(lacking) < len(shown):
                where = self._named(pointer, str(resource.role_of(lacking[0])), lacking[0])
            self.fail(where, f"{lacking[0]} does not show {resource.id}")
        everything = set().union(*shown.values())
        self._shown(resource, everything)
        self._paths(resource)
        for reference in resource.references.values():
            self._reference(resource, reference)
        self._echoes(resource, everything)
        if resource.life is not None:
            self._life(resource, resource.life, everything)

    def _named(self, pointer: Pointer, role: str, operation_id: str) -> Pointer:
        """Where a resource names an operation."""
        stated = self.document.at((*pointer, role))
        index = (stated.index(operation_id),) if isinstance(stated, list) else ()
        return (*pointer, role, *index)

    def _representations(self, resource: Resource) -> dict[str, set[str]]:
        """Members that each operation shows of the resource; those that show nothing left out."""
        shown = {}
        for role in ("create", "read", "list", "update"):
            for operation_id in resource.operations.get(role, ()):  # type: ignore[call-overload]
                operation = self.behaviour.of(operation_id)
                tells = role != "list" or operation.listing is not None
                if operation.items and tells:
                    shown[operation_id] = {path.replace("[]", "") for path in operation.items}
        return shown

    def _shown(self, resource: Resource, everything: set[str]) -> None:
        pointer = resource.statement.pointer
        single = {
            "link": resource.link,
            "created": resource.created,
            "updated": resource.updated,
            "cost": resource.cost,
        }
        for name, path in single.items():
            if path is not None and path not in everything:
                self.fail((*pointer, name), f"nothing that shows a {resource.kind} has {path}")
        for name in ("aliases", "constant"):
            for index, path in enumerate(getattr(resource, name)):
                if path not in everything:
                    self.fail(
                        (*pointer, name, index), f"nothing that shows a {resource.kind} has {path}"
                    )
        if resource.link is not None and resource.read is None:
            self.fail((*pointer, "link"), "no operation reads it, so that nothing can be linked")
        self._prefix(resource)

    def _prefix(self, resource: Resource) -> None:
        for operation_id in self._representations(resource):
            found = self.behaviour.of(operation_id).items[resource.id]
            pattern = found.schema.get("pattern", "")
            stated = resource.prefix
            if pattern.startswith("^") and stated and not f"{pattern[1:]}".startswith(stated):
                self.fail(
                    (*resource.statement.pointer, "prefix"),
                    f"{stated!r} contradicts the pattern {pattern} of {resource.id}",
                )

    def _paths(self, resource: Resource) -> None:
        pointer = resource.statement.pointer
        used: set[str] = set()
        for ids in resource.operations.values():
            for operation_id in ids:
                for name in self.behaviour.of(operation_id).endpoint.parameters_in("path"):
                    used.add(name)
                    if name not in resource.path:
                        self.fail(
                            pointer,
                            f"{resource.kind}.path does not say which member {name} of"
                            f" {operation_id} holds",
                        )
        for name in resource.path:
            if name not in used:
                self.fail((*pointer, "path", name), f"no operation has a path parameter {name}")
        needs_id = any(resource.operations.get(r) for r in ("read", "update", "delete"))  # type: ignore[call-overload]
        if needs_id and resource.id_parameter is None:
            self.fail(pointer, f"{resource.kind}.path names no parameter that holds {resource.id}")

    def _reference(self, resource: Resource, reference: Reference) -> None:
        pointer = reference.statement.pointer
        if reference.to not in self.behaviour.resources:
            kinds = ", ".join(self.behaviour.resources)
            self.fail(pointer, f"no kind {reference.to} is stated; there are {kinds}")
        asked = self._asked(resource)
        if reference.member not in asked:
            self.fail(pointer, f"no request about a {resource.kind} has {reference.member}")
        target = self.behaviour.resources[reference.to]
        theirs = self._attributes(target)
        for their, ours in reference.matching.items():
            place = (*pointer, "matching", their)
            if their not in theirs:
                self.fail(place, f"a {target.kind} has no {their}")
            if ours not in asked:
                self.fail(place, f"no request about a {resource.kind} has {ours}")

    def _asked(self, resource: Resource) -> set[str]:
        """Members that requests about a resource name: in a body, a query or a path."""
        found = set(resource.path.values())
        for ids in resource.operations.values():
            for operation_id in ids:
                endpoint = self.behaviour.of(operation_id).endpoint
                found |= set(endpoint.request_members) | set(endpoint.parameters_in("query"))
        return found

    def _attributes(self, resource: Resource) -> set[str]:
        """Members that a resource has, shown or only asked for."""
        shown = set().union(*self._representations(resource).values())
        return shown | set(resource.path.values()) | self._created_with(resource)

    def _created_with(self, resource: Resource) -> set[str]:
        return set().union(
            *(self.behaviour.of(i).endpoint.request_members for i in resource.create)
        )

    def _echoes(self, resource: Resource, everything: set[str]) -> None:
        pointer: Pointer = (*resource.statement.pointer, "shows")
        asked = self._created_with(resource) | set(resource.path.values())
        for sent, shown in resource.shows.items():
            if sent not in asked:
                self.fail((*pointer, sent), f"no request that creates a {resource.kind} has {sent}")
            if shown is not None and shown not in everything:
                self.fail((*pointer, sent), f"nothing that shows a {resource.kind} has {shown}")

    # A life

    def _life(self, resource: Resource, life: Life, everything: set[str]) -> None:
        pointer = life.statement.pointer
        places: list[tuple[Pointer, str | None]] = [
            (("state",), life.state),
            (("grows",), life.grows),
            (("estimate",), life.estimate),
            (("error", "code"), life.error_code),
            (("error", "message"), life.error_message),
            *((("members", name), name) for name in life.members),
            *((("times", index), name) for index, name in enumerate(life.times)),
        ]
        for place, path in places:
            if path is not None and path not in everything:
                text = f"nothing that shows a {resource.kind} has {path}"
                self.fail((*pointer, *place), text)
        twice = [state for state, times in Counter(life.states).items() if times > 1]
        if twice:
            self.fail((*pointer, "order"), f"{twice[0]} stands twice")
        documented = self._values(resource, life.state)
        for state in life.states:
            if documented and state not in documented:
                self.fail((*pointer, "order"), f"{life.state} has no value {state}")
        for state in documented:
            if state not in life.states:
                self.fail((*pointer, "order"), f"does not say where {state} stands")
        for state in life.failed:
            if state not in life.final:
                self.fail((*pointer, "failed"), f"{state} is no final state")
        for presence in life.members.values():
            for state in sorted(presence.states - set(life.states)):
                place = (*pointer, "members", presence.member, "in")
                self.fail(place, f"{state} is no state of the order")
            if presence.member in resource.constant:
                place = (*pointer, "members", presence.member)
                self.fail(place, f"{presence.member} is constant, and so in every state")
        for time in life.times:
            if time != resource.created and time not in life.members:
                self.fail((*pointer, "times"), f"members does not say in which states {time} is")

    def _values(self, resource: Resource, path: str) -> tuple[str, ...]:
        for operation_id in self._representations(resource):
            operation = self.behaviour.of(operation_id)
            if path in operation.items:
                return operation.items[path].values
        return ()

    # Operations

    def operation(self, operation: OperationBehaviour) -> None:
        pointer = operation.endpoint.operation.pointer
        if operation.listing is not None:
            self._listing(operation, operation.listing)
        if operation.idempotency is not None:
            self._idempotency(operation)
        if operation.charges is not None:
            self._answer_has(operation, operation.charges.cost, (*pointer, "x-charges", "cost"))
            if operation.charges.by not in {None, *operation.endpoint.request_members}:
                self.fail(
                    (*pointer, "x-charges", "by"), f"its request has no {operation.charges.by}"
                )
        for path, value in operation.answers.items():
            self._answer_has(operation, path, (*pointer, "x-answers", path))
            self._answer_allows(operation, path, value)
        for refusal in operation.refusals.values():
            self._refusal(operation, refusal)

    def _answer_has(self, operation: OperationBehaviour, path: str, place: Pointer) -> None:
        schema = operation.endpoint.answer_schema(operation.endpoint.success)
        if member(self.document, schema, path) is None:
            self.fail(place, f"the answer of {operation.id} has no {path}")

    def _answer_allows(self, operation: OperationBehaviour, path: str, value: Any) -> None:
        schema = operation.endpoint.answer_schema(operation.endpoint.success)
        found = member(self.document, schema, path)
        allowed = values(self.document, found.schema) if found is not None else ()
        if allowed and value not in allowed:
            place = (*operation.endpoint.operation.pointer, "x-answers", path)
            self.fail(place, f"{path} has no value {value}")

    def _listing(self, operation: OperationBehaviour, listing: Listing) -> None:
        pointer = listing.statement.pointer
        if operation.role != "list" or operation.resource is None:
            self.fail(pointer, f"no resource names {operation.id} as the one that lists it")
        self._answer_has(operation, listing.items, (*pointer, "items"))
        for name in ("next", "total"):
            path = getattr(listing, name)
            if path is not None:
                self._answer_has(operation, path, (*pointer, "page", name))
        queries = operation.endpoint.parameters_in("query")
        own = {"size": listing.size, "cursor": listing.cursor, "offset": listing.offset}
        for name, parameter in own.items():
            if parameter is not None and parameter not in queries:
                self.fail((*pointer, "page", name), f"{operation.id} has no query {parameter}")
        if listing.cursor is not None and listing.offset is not None:
            self.fail((*pointer, "page"), "cursor and offset are two ways; state one")
        if (listing.cursor is None) != (listing.next is None):
            self.fail((*pointer, "page"), "cursor and next belong together; state both")
        if listing.order is not None and listing.order not in operation.items:
            self.fail((*pointer, "order", "by"), f"an item has no {listing.order}")
        attributes = self._attributes(operation.resource) | set(operation.resource.references)
        for filter_ in listing.filters.values():
            place = (*pointer, "filters", filter_.parameter)
            if filter_.parameter not in queries:
                self.fail(place, f"{operation.id} has no query {filter_.parameter}")
            if filter_.parameter in own.values():
                self.fail(place, f"{filter_.parameter} is stated under page already")
            if filter_.member not in attributes:
                self.fail(place, f"a {operation.resource.kind} has no {filter_.member}")

    def _idempotency(self, operation: OperationBehaviour) -> None:
        statement = operation.idempotency
        assert statement is not None
        pointer = statement.statement.pointer
        headers = {name.lower() for name in operation.endpoint.parameters_in("header")}
        if statement.header.lower() not in headers:
            self.fail((*pointer, "header"), f"{operation.id} has no header {statement.header}")
        if operation.role not in {"create", "act", "update", "delete"}:
            self.fail(pointer, f"no resource says what {operation.id} makes or changes")
        if statement.repetition in statement.tolerated:
            self.fail((*pointer, "tolerated"), f"{statement.repetition} is the rule already")
        used = operation.refusals.get("used-key")
        if statement.repetition == "refused" and used is None:
            self.fail((*pointer, "repetition"), "x-refusals does not say how: state used-key")

    def _refusal(self, operation: OperationBehaviour, refusal: Refusal) -> None:
        pointer = refusal.statement.pointer
        if pointer[0] == "paths" and refusal.status not in operation.endpoint.statuses:
            self.fail(
                (*pointer, "status"), f"{operation.id} has no documented answer {refusal.status}"
            )
        known = self._codes()
        if refusal.code is not None and known and refusal.code not in known:
            self.fail((*pointer, "code"), f"no error has the code {refusal.code}")
        documented: Iterable[int] = {
            s for e in self.behaviour.contract.operations.values() for s in e.statuses
        }
        if refusal.status not in documented:
            self.fail((*pointer, "status"), f"no operation documents {refusal.status}")

    def _codes(self) -> set[str]:
        """Every code that the contract or a statement knows; empty where they are not listed."""
        path = self.behaviour.errors.code
        stated = {code for codes in self.behaviour.errors.codes.values() for code in codes}
        for endpoint in self.behaviour.contract.operations.values():
            for status in endpoint.statuses:
                found = endpoint.answer_members(status).get(path or "") if status >= 400 else None
                if found is not None and found.values:
                    return stated | set(found.values)
        return stated
