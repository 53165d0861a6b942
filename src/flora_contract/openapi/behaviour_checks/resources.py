"""Statements about kinds of resources and their lives."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from flora_contract.openapi.behaviour_checks.errors import refusal_holds
from flora_contract.openapi.behaviour_checks.subject import (
    NUMBERS,
    TEXTS,
    TIMES,
    lacks,
    leaves,
    not_of,
    plain,
)
from flora_contract.openapi.schemas import prefix_of, types

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from flora_contract.openapi.behaviour import Life, Reference, Resource, Role
    from flora_contract.openapi.behaviour_checks.subject import Fault, Subject
    from flora_contract.openapi.document import Pointer

_METHODS: Final[dict[Role, frozenset[str]]] = {
    "create": frozenset({"POST", "PUT"}),
    "read": frozenset({"GET", "POST"}),
    "list": frozenset({"GET", "POST"}),
    "update": frozenset({"PATCH", "PUT", "POST"}),
    "delete": frozenset({"DELETE", "POST"}),
    "act": frozenset({"POST", "PUT", "PATCH", "DELETE"}),
}


def roles_hold(subject: Subject) -> Iterator[Fault]:
    """Each operation that a resource names is there, and has one role."""
    seen: dict[str, str] = {}
    for resource, role, operation_id, pointer in _named(subject):
        if operation_id not in subject.endpoints:
            yield pointer, lacks("the contract", "operation", operation_id, subject.endpoints)
        if operation_id in seen:
            yield pointer, f"{operation_id} is {seen[operation_id]} already; name it once"
        seen[operation_id] = f"{resource.kind}.{role}"
        endpoint = subject.endpoints[operation_id]
        if endpoint.method not in _METHODS[role]:
            wanted = " or ".join(sorted(_METHODS[role]))
            yield pointer, f"{operation_id} is a {endpoint.method}, and {role} a {wanted}"


def _named(subject: Subject) -> Iterator[tuple[Resource, Role, str, Pointer]]:
    """Each operation that a resource names, with its role and place."""
    for resource in subject.behaviour.resources.values():
        for role, ids in resource.operations.items():
            pointer: Pointer = (*resource.statement.pointer, role)
            several = isinstance(subject.document.at(pointer), list)
            for index, operation_id in enumerate(ids):
                yield resource, role, operation_id, (*pointer, index) if several else pointer


def _place_of(subject: Subject, operation_id: str) -> Pointer:
    """Where a resource names an operation."""
    return next(pointer for _, _, named, pointer in _named(subject) if named == operation_id)


def resource_holds(subject: Subject, resource: Resource) -> Iterator[Fault]:
    """What is stated of a kind of resource fits what shows it."""
    yield from _id(subject, resource)
    yield from _shown(subject, resource)
    yield from _paths(subject, resource)
    for reference in resource.references.values():
        yield from _reference(subject, resource, reference)
    yield from _echoes(subject, resource)
    if resource.life is not None:
        yield from _life(subject, resource, resource.life)


def _id(subject: Subject, resource: Resource) -> Iterator[Fault]:
    pointer = resource.statement.pointer
    representations = subject.representations(resource)
    if not representations:
        remedy = "name one that creates or reads it, or state the x-list of one"
        yield (*pointer, "id"), f"no operation shows {resource.one}; {remedy}"
    known = any(resource.id in members for members in representations.values())
    for operation_id, members in representations.items():
        if resource.id not in members:
            place = _place_of(subject, operation_id) if known else (*pointer, "id")
            yield place, lacks(f"what {operation_id} shows", "", resource.id, members)
        schema = members[resource.id].schema
        texts = types(subject.document, schema) or TEXTS
        if resource.prefix and (not TEXTS & texts or schema.get("format") == "uuid"):
            yield (*pointer, "prefix"), f"{resource.id} has no prefix by its schema; leave it out"
        pattern = schema.get("pattern", "")
        literal = prefix_of(pattern)
        if literal and resource.prefix and not literal.startswith(resource.prefix):
            problem = f"{resource.prefix!r} contradicts {pattern}, the pattern of {resource.id}"
            yield (*pointer, "prefix"), f"{problem}; leave it out"


def _shown(subject: Subject, resource: Resource) -> Iterator[Fault]:
    """Members that a resource is said to have are shown, and of the kind that they must be."""
    pointer = resource.statement.pointer
    shown = subject.shown(resource)
    yield from _have(subject, resource, pointer, ("link",), resource, TEXTS)
    yield from _have(subject, resource, pointer, ("created", "updated"), resource, TIMES)
    yield from _have(subject, resource, pointer, ("cost",), resource, NUMBERS)
    for index, path in enumerate(resource.aliases):
        if path not in shown or path == resource.id:
            known = shown.keys() - {resource.id}
            yield (*pointer, "aliases", index), lacks(resource.one, "other", path, known)
    for index, path in enumerate(resource.constant):
        place = (*pointer, "constant", index)
        if path not in shown:
            yield place, lacks(resource.one, "", path, shown)
        if path in _moving(resource):
            yield place, f"{path} is stated to change; name it in one of the two places"
    if resource.link is not None and resource.read is None:
        yield (*pointer, "link"), f"no operation reads {resource.one}; name one as read"
    if resource.updated is not None and resource.updated == resource.created:
        yield (*pointer, "updated"), f"{resource.updated} says when it was made; leave one out"


def _moving(resource: Resource) -> set[str | None]:
    """Members that change while a resource lives."""
    life = resource.life
    if life is None:
        return {resource.updated}
    return {resource.updated, life.state, life.grows, *life.members}


def _have(
    subject: Subject,
    resource: Resource,
    pointer: Pointer,
    names: Iterable[str],
    said: object,
    kinds: frozenset[str] = frozenset(),
) -> Iterator[Fault]:
    """The members that some fields of a statement name are shown, and of the right type."""
    shown = subject.shown(resource)
    for name in names:
        path = getattr(said, name)
        if path is None:
            continue
        if path not in shown:
            yield (*pointer, name), lacks(resource.one, "", path, shown)
        for problem in not_of(subject.document, path, shown[path].schema, kinds):
            yield (*pointer, name), problem


def _paths(subject: Subject, resource: Resource) -> Iterator[Fault]:
    """Each path parameter holds a member of the resource, and one of them its id."""
    pointer: Pointer = (*resource.statement.pointer, "path")
    endpoints = subject.endpoints_of(resource, resource.operations)
    used = {name: e.id for e in endpoints for name in e.parameters_in("path")}
    for name in resource.path:
        if name not in used:
            yield (*pointer, name), lacks(f"{resource.kind}'s paths", "parameter", name, used)
    for name, operation_id in used.items():
        if name not in resource.path:
            what = f"which member {name} of {operation_id} holds"
            yield pointer, f"{resource.kind}.path does not say {what}; add {name}: MEMBER"
    sent = subject.sent(resource, resource.operations)
    known = {*subject.shown(resource), *sent, *resource.references}
    for name, path in resource.path.items():
        if path not in known:
            orphans = [m for m in resource.references if m not in sent]
            also = [
                f" ({subject.place((*pointer[:-1], 'references', m))} names {m})" for m in orphans
            ]
            problem = lacks(resource.one, "", path, known)
            yield (*pointer, name), problem + "".join(also[:1])
    for role in ("read", "update", "delete"):
        if role in resource.operations and resource.id_parameter is None:
            problem = f"no parameter holds {resource.id}, by which to {role} it"
            yield pointer, f"{problem}; add PARAMETER: {resource.id}"


def _reference(subject: Subject, resource: Resource, reference: Reference) -> Iterator[Fault]:
    pointer = reference.statement.pointer
    kinds = subject.behaviour.resources
    asked = subject.sent(resource, resource.operations) | set(resource.path.values())
    if reference.member not in asked:
        yield pointer, lacks(f"a request about {resource.one}", "", reference.member, asked)
    to: Pointer = (*pointer, "to") if isinstance(subject.document.at(pointer), dict) else pointer
    if reference.to not in kinds:
        yield to, lacks("x-resources", "kind", reference.to, kinds)
    target = kinds[reference.to]
    yield from _same_prefix(subject, resource, reference, to)
    theirs = subject.attributes(target)
    for their, ours in reference.matching.items():
        place = (*pointer, "matching", their)
        if their not in theirs:
            yield place, lacks(target.one, "", their, theirs)
        if ours not in asked:
            yield place, lacks(f"a request about {resource.one}", "", ours, asked)
    if reference.unknown is not None:
        yield from refusal_holds(subject, reference.unknown)


def _same_prefix(
    subject: Subject, resource: Resource, reference: Reference, place: Pointer
) -> Iterator[Fault]:
    """The ids that a member takes are those of the kind that it refers to."""
    target = subject.behaviour.resources[reference.to]
    for endpoint in subject.endpoints_of(resource, resource.operations):
        held = {resource.path.get(n, n): p["schema"] for n, p in endpoint.parameters.items()}
        held |= {path: found.schema for path, found in plain(endpoint.request_members).items()}
        schema = held.get(reference.member, {})
        literal = prefix_of(schema.get("pattern", ""))
        if literal and target.prefix and not literal.startswith(target.prefix):
            theirs = f"the id of {target.one} with {target.prefix!r}"
            problem = f"{reference.member} of {endpoint.id} begins with {literal!r}, {theirs}"
            yield place, f"{problem}; name the kind that it holds"


def _echoes(subject: Subject, resource: Resource) -> Iterator[Fault]:
    """What a request says is shown somewhere, and nothing else in the same place."""
    pointer: Pointer = (*resource.statement.pointer, "shows")
    asked, shown = subject.created_with(resource), subject.shown(resource)
    taken: dict[str, str] = {}
    for sent, path in resource.shows.items():
        place = (*pointer, sent)
        if sent not in asked:
            request = f"a request that creates {resource.one}"
            yield place, lacks(request, "", sent, asked)
        if path is None:
            continue
        if path not in shown:
            yield place, lacks(resource.one, "", path, shown)
        if path in taken:
            yield place, f"{path} shows {taken[path]} already; name another member, or null"
        taken[path] = sent


# A life


def _life(subject: Subject, resource: Resource, life: Life) -> Iterator[Fault]:
    pointer = life.statement.pointer
    yield from _have(subject, resource, pointer, ("state",), life)
    yield from _have(subject, resource, pointer, ("grows", "estimate"), life, NUMBERS)
    yield from _states(subject, resource, life)
    yield from _presences(subject, resource, life)
    yield from _failure(subject, resource, life)
    yield from _times(subject, resource, life)


def _states(subject: Subject, resource: Resource, life: Life) -> Iterator[Fault]:
    """The order names each documented state, once, and no other."""
    pointer: Pointer = (*life.statement.pointer, "order")
    representations = subject.representations(resource).values()
    shown = [members[life.state] for members in representations if life.state in members]
    documented = list(dict.fromkeys(value for found in shown for value in found.values))
    seen: set[str] = set()
    for place, state in leaves(subject.document.at(pointer), pointer):
        if documented and state not in documented:
            yield place, lacks(life.state, "value", state, documented)
        if state in seen:
            yield place, f"{state} stands twice; leave one out"
        seen.add(state)
    for state in documented:
        if state not in seen:
            yield pointer, f"{life.state} can be {state}, which the order leaves out; add it"


def _presences(subject: Subject, resource: Resource, life: Life) -> Iterator[Fault]:
    """Members that belong to states are shown at all, and the states are there."""
    shown = subject.shown(resource)
    always = {resource.id, life.state, resource.created, *resource.constant}
    for presence in life.members.values():
        place: Pointer = (*life.statement.pointer, "members", presence.member)
        if presence.member not in shown:
            yield place, lacks(resource.one, "", presence.member, shown)
        if presence.member in always:
            yield place, f"{presence.member} is in every state; name it in one of the two places"
        for leaf, state in leaves(subject.document.at((*place, "in")), (*place, "in")):
            if state not in life.states:
                yield leaf, lacks("the order", "state", state, life.states)
        if presence.severity is not None and not presence.required:
            problem = f"{presence.member} need not be shown, so its absence has no severity"
            yield (*place, "severity"), f"{problem}; state required: true, or leave it out"


def _failure(subject: Subject, resource: Resource, life: Life) -> Iterator[Fault]:
    """What is said of failures is of final states and of members that are shown."""
    pointer = life.statement.pointer
    failed = subject.document.at(pointer).get("failed", [])
    for place, state in leaves(failed, (*pointer, "failed")):
        if state not in life.final:
            yield place, f"{state} is not a final state; those are {', '.join(life.final)}"
    shown = subject.shown(resource)
    for name, path in (("code", life.error_code), ("message", life.error_message)):
        if path is not None and path not in shown:
            yield (*pointer, "error", name), lacks(resource.one, "", path, shown)
        presence = life.members.get(path or "")
        if presence is not None and life.failed and not presence.states <= life.failed:
            place = (*pointer, "members", presence.member)
            other = min(presence.states - life.failed)
            yield place, f"{path} tells of a failure, and {other} is none; leave {other} out"


def _times(subject: Subject, resource: Resource, life: Life) -> Iterator[Fault]:
    """Each time says when a state began, none before that of an earlier state."""
    shown, last = subject.shown(resource), 0
    for index, time in enumerate(life.times):
        place = (*life.statement.pointer, "times", index)
        if time not in shown:
            yield place, lacks(resource.one, "", time, shown)
        for problem in not_of(subject.document, time, shown[time].schema, TIMES):
            yield place, problem
        if time == resource.created:
            began = 0
        elif time in life.members:
            began = min(life.rank(state) or 0 for state in life.members[time].states)
        else:
            yield place, f"members does not say in which states {time} is shown; add it there"
            return
        if began < last:
            yield place, f"{time} belongs to an earlier state than the time before it; move it"
        last = began
