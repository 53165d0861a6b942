"""Faults: an operator on a decision of the server, about a statement, under a condition.

A fault is named `operator:point:subject@condition`; the same name is the same fault. `judged_by`
are statements, written as rules name what they judge by: a rule that finds the fault should judge
by one of them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from conditions import conditions, is_open
from world import MISSING, Answer, Thing, around_items, drop, put, sample

from flora_contract.openapi.schemas import types

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from conditions import Condition
    from world import Case

    from flora_contract.openapi.behaviour import (
        Behaviour,
        OperationBehaviour,
        Refusal,
        Resource,
    )
    from flora_contract.openapi.schemas import Member


@dataclass(frozen=True)
class Fault:
    """Wherever the server decides `point` about `subject`, `change` decides, if `when` holds."""

    operator: str
    point: str
    subject: str
    judged_by: frozenset[str]
    change: Callable[[Any, Case], Any]
    when: Condition

    @property
    def name(self) -> str:
        return f"{self.operator}:{self.point}:{self.subject}@{self.when.name}"

    @property
    def kind(self) -> str:
        """What it is drawn by, and survivors are told by."""
        return f"{self.operator} {self.point}"

    def __call__(self, point: str, subject: str, value: Any, case: Case) -> Any:
        """What a server with this fault decides."""
        if point != self.point or subject != self.subject or not self.when.holds(case):
            return value
        return self.change(value, case)


Broken = tuple[str, str, str, str, "Callable[[Any, Case], Any]"]
"""An operator, a point, a subject, the statements, and the change."""


def faults(behaviour: Behaviour) -> dict[str, Fault]:
    """Every fault of a contract, by its name; some may show to nobody."""
    found: dict[str, Fault] = {}
    for operation in behaviour.operations.values():
        for broken in _of_operation(behaviour, operation):
            _add(found, broken, conditions(behaviour, operation), operation)
    for kind in behaviour.resources.values():
        for create in kind.create[:1]:
            operation = behaviour.of(create)
            for broken in (*_made(behaviour, kind), *_lives(kind)):
                _add(found, broken, conditions(behaviour, operation), operation)
    return found


def _add(
    found: dict[str, Fault],
    broken: Broken,
    under: Iterable[Condition],
    operation: OperationBehaviour,
) -> None:
    operator, point, subject, judged_by, change = broken
    for when in under:
        if when.name == "odd-text" and not subject.endswith(".failure"):
            continue  # which a server may refuse, as long as it does not fail
        if operator == "refuse" and (is_open(operation, when.name) or when.name == "always"):
            continue
        fault = Fault(operator, point, subject, frozenset(judged_by.split(", ")), change, when)
        found[fault.name] = fault


def _of_operation(behaviour: Behaviour, operation: OperationBehaviour) -> Iterator[Broken]:
    yield from _refusals(behaviour, operation)
    yield from _breaches(operation)
    yield from _references(operation)
    yield from _transport(operation)
    yield from _schema(behaviour, operation)
    if operation.resource is not None:
        yield from _shown(operation, operation.resource)
    if operation.idempotency is not None:
        yield from _keys(operation)
    if operation.listing is not None:
        yield from _lists(operation)
    if operation.role == "create":
        yield ("repeat", "makes", operation.id, "create, x-idempotency", lambda _, __: 2)
        yield ("forget", "makes", operation.id, "read, create, x-list", lambda _, __: 0)
    if operation.role in {"read", "update", "delete", "act"}:
        yield ("swap", "reads", operation.id, "id, read, life, shows, owner, update", _another)
    if operation.role == "update":
        yield from _updates(operation)
    if operation.role == "delete":
        yield ("ignore", "deletes", operation.id, "delete", lambda _, __: False)


# Refusals


def _refusals(behaviour: Behaviour, operation: OperationBehaviour) -> Iterator[Broken]:
    freed = operation.idempotency is not None and operation.idempotency.freed
    for condition, refusal in operation.refusals.items():
        if not _applies(behaviour, operation, condition):
            continue
        name, by = f"{operation.id}.{condition}", f"x-refusals.{condition}, {_near(condition)}"
        if condition not in {"invalid", "malformed"}:  # of those each keyword is a fault
            yield "ignore", "refuses", name, by, lambda _, __: None
        yield from _errors(behaviour, operation, refusal, f"{by}, schema, x-errors")
        if operation.role in {"create", "update", "delete"}:
            effect = "create, delete, update, read, shows, x-list, x-idempotency, constant"
            yield "leak", "effect", name, effect, lambda _, __: True
        if freed and condition not in {"no-key", "wrong-key", "used-key"}:
            yield "keep", "burns", name, "x-idempotency", lambda _, __: True
    yield from _refused_for_nothing(operation)


def _errors(
    behaviour: Behaviour, operation: OperationBehaviour, refusal: Refusal, by: str
) -> Iterator[Broken]:
    errors, name = behaviour.errors, f"{operation.id}.{refusal.condition}"
    for status in _other_statuses(operation, refusal.condition):
        yield f"mislabel-{status}", "error", name, by, partial(_status, status)
    if code := _other_code(operation, refusal):
        change = partial(_in_error, errors.code or "", code)
        yield "swap-code", "error", name, f"{by}, x-refusals", change
    for path in filter(None, (errors.code, errors.message)):
        yield f"drop-{_last(path)}", "error", name, by, partial(_in_error, path, MISSING)
        yield f"cut-{_last(path)}", "error", name, by, partial(_in_error, path, "")
    yield "drop-envelope", "error", name, by, lambda a, _: _with(a, body={"detail": "No."})
    if refusal.condition == "invalid" and errors.fields is not None:
        yield "drop-fields", "error", name, by, partial(_in_error, errors.fields, MISSING)
        wrong = [{errors.field_name: "elsewhere", errors.field_message: "No."}]
        yield "swap-fields", "error", name, by, partial(_in_error, errors.fields, wrong)


def _refused_for_nothing(operation: OperationBehaviour) -> Iterator[Broken]:
    for condition in ("wrong-key", "invalid", "used-key", "unknown-id", "failure"):
        stated = operation.refusals.get(condition)
        if stated is None or (condition == "used-key" and operation.idempotency is None):
            continue
        if condition == "unknown-id" and operation.role not in {"read", "update", "delete"}:
            continue
        by = f"schema, read, update, delete, x-refusals.{condition}, x-idempotency, x-errors.fields"
        change = partial(_refused, stated)
        yield "refuse", "refuses", f"{operation.id}.{condition}", by, change


def _refused(stated: Refusal, met: Any, _: Case) -> Any:
    return met or (stated,)


def _near(condition: str) -> str:
    """Statements by which the same is judged in another way."""
    return {
        "used-key": "x-idempotency, x-idempotency.repetition",
        "foreign-id": "x-refusals.unknown-id, owner",
        "unknown-id": "x-refusals.foreign-id, read, delete, path",
        "foreign-reference": "x-refusals.unknown-reference, owner",
        "unknown-reference": "x-refusals.foreign-reference, x-refusals.invalid",
        "no-key": "x-refusals.wrong-key",
        "wrong-key": "x-refusals.no-key",
        "malformed": "x-refusals.invalid",
        "invalid": "x-refusals.malformed",
    }.get(condition, "schema")


def _applies(behaviour: Behaviour, operation: OperationBehaviour, condition: str) -> bool:
    kind, endpoint = operation.resource, operation.endpoint
    has_id = kind is not None and kind.id_parameter in endpoint.parameters_in("path")
    own = kind is not None and kind.owner == "account"
    return {
        "no-key": behaviour.is_secured(operation),
        "wrong-key": behaviour.is_secured(operation),
        "malformed": endpoint.takes_body,
        "invalid": endpoint.takes_body or bool(endpoint.parameters_in("query")),
        "unknown-reference": operation.role == "create" and bool(kind and kind.references),
        "foreign-reference": operation.role == "create" and bool(kind and kind.references),
        "unknown-id": has_id,
        "foreign-id": has_id and own,
        "used-key": operation.idempotency is not None
        and operation.idempotency.repetition == "refused",
        "no-credits": operation.charges is not None,
    }.get(condition, False)


_KIN = {"unknown-reference", "foreign-reference", "unknown-id", "foreign-id", "invalid"}


def _other_statuses(operation: OperationBehaviour, condition: str) -> list[int]:
    """Statuses that a condition is never answered with, nor what is much like it."""
    like = _KIN if condition in _KIN else {condition}
    if condition in {"no-key", "wrong-key"}:
        like = {"no-key", "wrong-key"}
    if condition == "malformed":
        like = {"malformed", "invalid"}
    stated = [r for c, r in operation.refusals.items() if c in like]
    allowed = {s for r in stated for s in (r.status, *r.also)}
    excused = {401, 402} if condition not in {"no-key", "wrong-key"} else {402}
    others = [s for s in (200, 400, 404, 409, 500) if s not in allowed | excused]
    return [s for s in others if s in operation.endpoint.statuses | {200, 500}]


def _other_code(operation: OperationBehaviour, refusal: Refusal) -> str | None:
    codes = [r.code for r in operation.refusals.values() if r.status != refusal.status and r.code]
    return codes[0] if codes else None


def _status(status: int, answer: Answer, _: Case) -> Answer:
    return _with(answer, status=status)


def _with(answer: Answer, **changes: Any) -> Answer:
    return Answer(**{**vars(answer), "headers": dict(answer.headers), **changes})


def _in_error(path: str, value: Any, answer: Answer, _: Case) -> Answer:
    if value is MISSING:
        drop(answer.body, path)
    else:
        put(answer.body, path, value)
    return answer


def _last(path: str) -> str:
    return path.rpartition(".")[2]


# What is wrong with a request, and taken all the same

KEYWORDS = {
    "enum": "enum",
    "minLength": "minLength",
    "maxLength": "maxLength",
    "pattern": "pattern",
    "minimum": "minimum",
    "maximum": "maximum",
}


def _breaches(operation: OperationBehaviour) -> Iterator[Broken]:
    endpoint, by = operation.endpoint, "x-refusals.invalid, schema"
    listing = operation.listing
    for path, member in endpoint.request_members.items():
        words = ["required"] if member.required else []
        words += [word for word in KEYWORDS if word in member.schema] + ["type", "null"]
        for word in words:
            yield "ignore", "breach", f"{operation.id}.{path}.{word}", by, lambda _, __: False
        change = partial(_coerced, path)
        yield "coerce", "breach", f"{operation.id}.{path}.type", by, change
    if endpoint.takes_body:
        yield "ignore", "breach", f"{operation.id}.body.type", by, lambda _, __: False
    for name, parameter in endpoint.parameters_in("query").items():
        schema = parameter["schema"]
        words = ["required"] if parameter.get("required") else []
        words += [w for w in KEYWORDS if w in schema]
        if types(endpoint.document, schema) & {"integer", "number", "boolean"}:
            words.append("type")
        if listing is not None and name == listing.size and "maximum" in words:
            words.remove("maximum")  # which may be taken for the greatest
        for word in words:
            yield "ignore", "breach", f"{operation.id}.{name}.{word}", by, lambda _, __: False


def _coerced(path: str, _: bool, case: Case) -> bool:
    """A value of another type that can be read as one of the right type is right."""
    value = next((b.value for b in case.breaches if b.path == path), None)
    legible = isinstance(value, str) and value.replace(".", "").lstrip("-").isdecimal()
    return not (legible or isinstance(value, bool | int | float))


def _references(operation: OperationBehaviour) -> Iterator[Broken]:
    kind = operation.resource
    if kind is None or operation.role not in {"create", "update"}:
        return
    by = "x-refusals.unknown-reference, x-refusals.foreign-reference, x-refusals.invalid, owner"
    for member, reference in kind.references.items():
        for how in ("unknown", "foreign", "apart"):
            if how == "apart" and not reference.matching:
                continue
            name = f"{operation.id}.{member}.{how}"
            yield "ignore", "refers", name, by, lambda _, __: False


# Keys


def _keys(operation: OperationBehaviour) -> Iterator[Broken]:
    by = "x-idempotency, x-idempotency.repetition, x-idempotency.freed, create, x-refusals.used-key"
    changes: dict[str, Callable[[Any, Case], Any]] = {
        "cut": lambda n, _: (n[0], n[1], n[2] and n[2][:20]),
        "cut-late": lambda n, _: (n[0], n[1], n[2] and n[2][:32]),
        "cut-front": lambda n, _: (n[0], n[1], n[2] and n[2][-3:]),
        "coerce-case": lambda n, _: (n[0], n[1], n[2] and n[2].lower()),
        "coerce-odd": lambda n, _: (n[0], n[1], n[2] and re.sub(r"[^A-Za-z0-9]", "", n[2])),
        "leak": lambda n, _: (None, n[1], n[2]),
        "merge": lambda n, case: (n[0], case.kind.create[-1], n[2]),
        "forget": lambda n, case: (*n, case.world.number),
    }
    for operator, change in changes.items():
        yield operator, "key", operation.id, by, change
    for path in operation.endpoint.request_members:
        if "." not in path and "[]" not in path:
            change = partial(_scoped, path)
            yield f"split-by-{path}", "key", operation.id, by, change
    yield "ignore", "repeats", operation.id, by, lambda _, __: None
    yield "ignore-after-other-keys", "repeats", operation.id, by, _forgotten
    if operation.idempotency is not None and operation.idempotency.repetition == "replayed":
        yield (
            "swap",
            "replays",
            operation.id,
            by,
            lambda a, case: Answer(a.status, _first_made(case)),
        )


def _scoped(path: str, name: Any, case: Case) -> Any:
    return (*name, str(case.sent.get(path)))


def _forgotten(entry: Any, case: Case) -> Any:
    used = list(case.world.used.values())
    return None if entry is not None and entry not in used[-3:] else entry


def _first_made(case: Case) -> Any:
    return case.world.show(case.world.things[case.kind.kind][0], case)


# What is made


def _made(behaviour: Behaviour, kind: Resource) -> Iterator[Broken]:
    yield "repeat", "names", kind.kind, "id, shows, create", partial(_first_id, kind)
    if kind.prefix:
        yield "mislabel", "prefixes", kind.kind, "prefix, schema, id", lambda _, __: "other-"
    for member, shown in kind.shows.items():
        if not _told(behaviour, kind, shown or member) and not _told(behaviour, kind, member):
            continue
        name = f"{kind.kind}.{member}"
        by = "shows, x-list.filters, x-list, references, read"
        for operator, change in _other_values(behaviour, kind, member).items():
            yield operator, "keeps", name, by, change


def _told(behaviour: Behaviour, kind: Resource, member: str) -> bool:
    """Whether a member is shown anywhere, or lists are filtered by it."""
    ours = [behaviour.of(o) for ids in kind.operations.values() for o in ids]
    return any(member in o.items for o in ours) or any(
        f.member == member for o in ours if o.listing for f in o.listing.filters.values()
    )


def _other_values(
    behaviour: Behaviour, kind: Resource, member: str
) -> dict[str, Callable[[Any, Case], Any]]:
    create = behaviour.of(kind.create[0])
    found = create.endpoint.request_members.get(member)
    if member in kind.references:
        return {"swap": partial(_other_reference, kind.references[member].to)}
    if found is not None and found.values:
        return {"swap": partial(_other_of, found.values), "forget": lambda _, __: MISSING}
    return {
        "cut": lambda v, _: v[: max(1, len(v) - 1)] if isinstance(v, str) else 0,
        "coerce": lambda v, _: v.upper() if isinstance(v, str) else str(v),
        "forget": lambda _, __: MISSING,
    }


def _first_id(kind: Resource, id_: str, case: Case) -> str:
    made = [t for t in case.world.things[kind.kind] if t.owner == case.account]
    return made[-1].id if made else id_


def _other_reference(to: str, value: str, case: Case) -> str:
    known = [t.id for t in case.world.things[to] if t.owner in {None, case.account}]
    return next((i for i in known if i != value), value)


def _other_of(values: tuple[str, ...], value: Any, _: Case) -> str:
    return next((v for v in values if v != value), values[0])


def _another(thing: Thing, case: Case) -> Thing:
    others = case.world.things[thing.kind.kind]
    own = [t for t in others if t is not thing and t.owner == thing.owner and not t.gone]
    return own[-1] if own else thing


def _updates(operation: OperationBehaviour) -> Iterator[Broken]:
    for path in operation.endpoint.request_members:
        name, by = f"{operation.id}.{path}", "update, shows, updated"
        yield "forget", "writes", name, by, lambda _, __: MISSING
        yield "drop-others", "writes", name, by, partial(_others_lost, path)


def _others_lost(path: str, value: Any, case: Case) -> Any:
    thing = case.thing
    if thing is not None:
        for member in thing.kind.shows:
            if member != path and member not in thing.kind.references:
                thing.values.pop(thing.kind.shows[member] or member, None)
    return value


# Lives


def _lives(kind: Resource) -> Iterator[Broken]:
    life = kind.life
    if life is None:
        return
    by = "life, life.order, life.members, life.grows, life.times, x-list.filters, schema"
    yield "stop", "ages", kind.kind, by, lambda age, case: min(age, 0.6 * case.world.run_seconds)
    yield "reverse", "ages", kind.kind, by, lambda _, __: 0.0
    yield "cycle", "ages", kind.kind, by, lambda age, case: age % (2 * case.world.run_seconds)
    yield "swap-final", "states", kind.kind, by, partial(_swap_final, life.order[-1])
    yield "delay", "ages", kind.kind, by, lambda age, _: age / 1000


def _swap_final(final: tuple[str, ...], state: str, _: Case) -> str:
    return _other_of(final, state, _) if state in final else state


# What is shown


def _schema(behaviour: Behaviour, operation: OperationBehaviour) -> Iterator[Broken]:
    """What the schema of an answer forbids."""
    shown = [("shows", *found) for found in operation.items.items()]
    shown += [("wholes", *found) for found in around_items(operation).items()]
    for point, path, member in shown:
        name, by = f"{operation.id}.{path}", f"schema, {_stated(operation, path)}"
        if member.required:
            yield "drop", point, name, by, lambda _, __: MISSING
            if "[]" not in path:
                yield "respell", "spells", name, by, _respelled
        kinds = types(behaviour.document, member.schema)
        for operator, change in (*_other_types(kinds), *_out_of_bounds(member.schema)):
            yield operator, point, name, by, change


Named = tuple[str, "Callable[[Any, Case], Any]"]


def _other_types(kinds: frozenset[str]) -> Iterator[Named]:
    if kinds and "null" not in kinds:
        yield "null", _unless_missing(lambda _: None)
    if kinds and "string" not in kinds:
        yield "coerce", _unless_missing(str)
    elif kinds and not kinds & {"number", "integer"}:
        yield "coerce", _unless_missing(lambda _: 7)


def _out_of_bounds(schema: dict[str, Any]) -> Iterator[Named]:
    if schema.get("enum"):
        yield "invent", _unless_missing(lambda v: f"new_{v}")
        yield "upper", _unless_missing(lambda v: str(v).upper())
    if "pattern" in schema:
        yield "cut", _unless_missing(lambda v: str(v)[1:])
    if schema.get("format") == "uri":
        yield "garble", _unless_missing(lambda _: "not a url")
    if "minimum" in schema:
        yield "negate", partial(_below, schema["minimum"])


def _unless_missing(change: Callable[[Any], Any]) -> Callable[[Any, Case], Any]:
    return lambda value, _: value if value is MISSING or value is None else change(value)


def _respelled(path: str, _: Case) -> str:
    """A member in the other common spelling."""
    outer, dot, name = path.rpartition(".")
    camel = re.sub("_([a-z])", lambda found: found[1].upper(), name)
    snake = re.sub("([A-Z])", lambda found: f"_{found[1].lower()}", name)
    return f"{outer}{dot}{camel if camel != name else snake if snake != name else name.upper()}"


def _below(least: float, value: Any, _: Case) -> Any:
    return value if value is MISSING or value is None else least - 1


def _stated(operation: OperationBehaviour, path: str) -> str:
    """Statements that are about a member."""
    kind = operation.resource
    about = ["shows"]
    if kind is not None:
        about += ["id", "prefix"] if path == kind.id else []
        about += ["aliases"] if path in kind.aliases else []
        about += ["link"] if path == kind.link else []
        about += ["cost"] if path == kind.cost else []
        about += ["constant, created"] if path == kind.created else []
        about += ["updated"] if path == kind.updated else []
        if kind.life is not None:
            about += ["life", "life.members", "life.order", "life.times", "life.grows"]
    if operation.listing is not None:
        about += ["x-list.filters", "x-list", "x-list.order"]
    return ", ".join([*about, "x-answers"] if path in operation.answers else about)


def _shown(operation: OperationBehaviour, kind: Resource) -> Iterator[Broken]:
    """What a statement forbids of a member."""
    life = kind.life
    for path, member in operation.items.items():
        name, by = f"{operation.id}.{path}", _stated(operation, path)
        for operator, change in _wrong_values(path, member, kind).items():
            yield operator, "shows", name, by, change
        if path in operation.answers:
            yield "swap", "shows", name, by, _unless_missing(lambda v: f"other {v}")
    for state_member in life.members.values() if life is not None else ():
        if state_member.member not in operation.items or operation.role == "create":
            continue
        name, by = f"{operation.id}.{state_member.member}", "life.members, life.times, schema"
        if state_member.severity is None:
            change = partial(_too_soon, operation.items[state_member.member], state_member.member)
            yield "leak", "shows", name, by, change
            if state_member.required and operation.role == "read":
                yield "forget", "shows", name, by, lambda _, __: MISSING
                yield "empty", "shows", name, by, _unless_missing(_emptied)


def _wrong_values(
    path: str, member: Member, kind: Resource
) -> dict[str, Callable[[Any, Case], Any]]:
    life = kind.life
    if path == kind.id or path in kind.aliases:
        return {"swap": _id_of_another, "cut": _unless_missing(lambda v: v[:-1])}
    if path == kind.link:
        return {
            "cut": _unless_missing(lambda v: v[:-1]),
            "swap": lambda v, c: _linked(v, c),
        }
    if path == kind.cost:
        return {
            "round": _unless_missing(lambda v: float(round(v))),
            "double": _unless_missing(lambda v: v * 2),
            "drift": lambda v, c: v if v is MISSING else v + 0.01 * _looks(c),
        }
    times = {kind.created, *(life.times if life is not None else ())}
    if path in times:
        return {
            "drift": lambda v, c: _shifted(v, _looks(c)),
            "back": lambda v, _: _shifted(v, -10_000),
            "round": _unless_missing(lambda v: v - v % 3_600_000 if isinstance(v, int) else v),
            "ahead": lambda v, _: _shifted(v, 10_000),
        }
    if path == kind.updated:
        return {"back": lambda v, _: _shifted(v, -10_000)}
    if life is not None and path == life.grows:
        return {"reverse": _unless_missing(lambda v: 100 - v)}
    if path in set(kind.shows.values()):
        if member.values:
            return {"swap": partial(_swapped, member.values)}
        return {
            "cut": _unless_missing(lambda v: v[:-1] if isinstance(v, str) and v else v),
            "swap": partial(_of_another, path),
        }
    return {}


def _swapped(values: tuple[str, ...], value: Any, case: Case) -> Any:
    return value if value is MISSING else _other_of(values, value, case)


def _looks(case: Case) -> int:
    counts = case.world.memory.setdefault("looks", {})
    about = case.thing.id if case.thing is not None else ""
    counts[about] = counts.get(about, 0) + 1
    return int(counts[about])


def _shifted(value: Any, by: int) -> Any:
    return value + by if isinstance(value, int | float) else value


def _id_of_another(value: Any, case: Case) -> Any:
    return _another(case.thing, case).id if case.thing is not None else value


def _linked(value: Any, case: Case) -> Any:
    if case.thing is None or not isinstance(value, str):
        return value
    return value.replace(case.thing.id, _another(case.thing, case).id)


def _of_another(path: str, value: Any, case: Case) -> Any:
    if case.thing is None or value is MISSING:
        return value
    return _another(case.thing, case).values.get(path, value)


def _too_soon(member: Member, path: str, value: Any, case: Case) -> Any:
    """A member that belongs to another state, with a value."""
    if case.thing is None or value is not MISSING:
        return value
    if path in (case.kind.life.times if case.kind.life is not None else ()):
        return int(case.thing.made * 1000) + 5
    made = sample(case.world.document, member.schema, path, case.thing.number)
    return made or [sample(case.world.document, member.schema.get("items", {}), path, 1)]


def _emptied(value: Any) -> Any:
    return type(value)()


# Lists


def _lists(operation: OperationBehaviour) -> Iterator[Broken]:
    listing, kind, name = operation.listing, operation.resource, operation.id
    assert listing is not None
    by = "x-list, x-list.page, x-list.items, create, x-list.filters"
    for filtered in listing.filters:
        subject = f"{name}.{filtered}"
        yield "ignore", "filters", subject, "x-list.filters, owner", lambda _, __: True
        yield "forget", "filters", subject, f"x-list.filters, {by}", lambda _, __: False
    if kind is not None and kind.owner == "account":
        yield "leak", "owns", name, "owner, id, x-list.filters", lambda _, __: True
        yield "forget", "owns", name, by, lambda _, __: False
    if kind is not None and kind.delete is not None:
        yield "ignore", "hides", name, "delete", lambda _, __: False
    if set(kind.path if kind is not None else ()) & set(operation.endpoint.parameters):
        yield "ignore", "places", name, "path", lambda _, __: True
    if listing.order is not None:
        for operator, change in _orders().items():
            yield operator, "orders", name, f"x-list.order, {by}", change
    for operator, change in _pages().items():
        yield operator, "pages", name, f"x-list.order, {by}", change
    yield "cache", "lists", name, by, _cached
    yield "cut", "lists", name, by, lambda found, _: found[:5]
    yield "drop", "lists", name, by, lambda found, _: found[:1] + found[2:]
    if listing.paged:
        yield "ignore", "sizes", name, by, lambda _, __: 100
        yield "grow", "sizes", name, by, lambda size, _: size + 1
        yield "skip", "starts", name, by, lambda start, _: start + (start > 0)
        yield "repeat", "starts", name, by, lambda start, _: max(0, start - 1)
        yield "ignore", "starts", name, by, lambda _, __: 0
    if listing.next is not None:
        yield "cut", "leads", name, by, lambda _, __: None
        yield "repeat", "leads", name, by, _same_cursor


def _orders() -> dict[str, Callable[[Any, Case], Any]]:
    return {
        "reverse": lambda things, _: things[::-1],
        "reorder": lambda things, _: [
            t for i in range(0, len(things), 2) for t in things[i : i + 2][::-1]
        ],
        "reorder-by-id": lambda things, _: sorted(things, key=lambda t: t.id[::-1]),
    }


def _pages() -> dict[str, Callable[[Any, Case], Any]]:
    return {
        "drop-last": lambda shown, _: shown[:-1],
        "drop-first": lambda shown, _: shown[1:],
        "repeat": lambda shown, _: [*shown[:-1], shown[0]] if len(shown) > 1 else shown,
        "reorder": lambda shown, case: shown[::-1] if case.operation.listing.order else shown,
    }


def _cached(found: list[Thing], case: Case) -> Any:
    """What was found before, for the same question."""
    asked = (case.account, tuple(sorted((k, str(v)) for k, v in case.query.items())))
    return case.world.memory.setdefault(asked, found)


def _same_cursor(cursor: Any, case: Case) -> Any:
    listing = case.operation.listing
    return case.query.get(listing.cursor or "", cursor) if listing is not None else cursor


# Answers as such


def _transport(operation: OperationBehaviour) -> Iterator[Broken]:
    name, by = operation.id, "schema"
    good = operation.endpoint.success
    status = next(s for s in (200, 201, 202) if s != good and s not in operation.endpoint.statuses)
    changes: dict[str, Callable[[Any, Case], Any]] = {
        f"mislabel-{status}": partial(_success_as, status),
        "mislabel-type": lambda a, _: _with(a, headers={**a.headers, "content-type": "text/html"}),
        "cut-text": lambda a, _: _with(a, raw=a.content[:-1]) if a.body is not None else a,
        "empty": lambda a, _: _with(a, raw=b"") if a.body is not None else a,
        "garble": lambda a, _: _with(a, raw=b"<html>") if a.body is not None else a,
        "cut": lambda a, _: _with(a, manner="cut") if a.body is not None else a,
        "reset": lambda a, _: _with(a, manner="reset"),
        "hang": lambda a, _: _with(a, manner="hang"),
        "long": lambda a, _: _with(a, manner="long") if a.body is not None else a,
    }
    for operator, change in changes.items():
        yield operator, "answers", name, f"{by}, x-list.items", change
    if operation.role in {"read", "list"}:
        stale = "life, life.order, x-list, create, x-refusals.unknown-id, update, delete, shows"
        yield "cache", "answers", name, stale, partial(_stale, False)
        others = f"{stale}, owner, x-refusals"
        yield "cache-for-all", "answers", name, others, partial(_stale, True)


def _success_as(status: int, answer: Answer, _: Case) -> Answer:
    return _with(answer, status=status) if answer.status < 300 else answer


def _stale(for_all: bool, answer: Answer, case: Case) -> Answer:
    asked = (for_all or case.account, str(case.path), str(sorted(case.query.items(), key=str)))
    return _copy(case.world.memory.setdefault(asked, _copy(answer)))


def _copy(answer: Answer) -> Answer:
    return _with(answer)
