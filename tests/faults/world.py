"""A correct server of any contract, made from its statements of behaviour alone.

Whatever it decides goes through `World.decide`: the place where a fault or a variant may decide
otherwise. It knows no operation, member or resource by name, and nothing of the suite.
"""

from __future__ import annotations

import base64
import time
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import orjson

from flora_contract.openapi.contract import Breach

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from flora_contract.openapi.behaviour import (
        Behaviour,
        Life,
        OperationBehaviour,
        Presence,
        Refusal,
        Resource,
    )
    from flora_contract.openapi.document import Document
    from flora_contract.openapi.schemas import Member

MISSING: Any = object()
"""Stands for a member that is not shown."""


MORE = 6
"""So many more of what stands in a place, for lists of several pages."""


@dataclass
class Request:
    """What a client has sent; header names are lower case."""

    method: str
    path: str
    query: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""


@dataclass
class Answer:
    """What goes back. `manner` is how: whole, hang, drip, reset, cut, short or long."""

    status: int
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    manner: str = "whole"
    raw: bytes | None = None

    @property
    def content(self) -> bytes:
        if self.raw is not None:
            return self.raw
        return b"" if self.body is None else orjson.dumps(self.body)


@dataclass(eq=False)
class Thing:
    """Something that the server keeps. `values` are by the member that shows them."""

    kind: Resource
    id: str
    owner: str | None
    number: int
    made: float
    values: dict[str, Any]
    sent: dict[str, Any] = field(default_factory=dict)
    error: dict[str, Any] | None = None
    outputs: list[str] = field(default_factory=list)
    updated: float | None = None
    gone: bool = False
    bases: dict[str, bytes] = field(default_factory=dict)


@dataclass(eq=False)
class Case:
    """What the server decides about: a request, and a thing where there is one."""

    world: World
    operation: OperationBehaviour
    account: str | None = None
    key: str | None = None
    sent: dict[str, Any] = field(default_factory=dict)
    path: dict[str, Any] = field(default_factory=dict)
    query: dict[str, Any] = field(default_factory=dict)
    breaches: list[Breach] = field(default_factory=list)
    broken_json: bool = False
    thing: Thing | None = None
    page: frozenset[str] = frozenset()
    host: str = ""

    def of(self, thing: Thing | None) -> Case:
        """The same request about a thing."""
        return Case(**{**vars(self), "thing": thing})

    @property
    def kind(self) -> Resource:
        assert self.operation.resource is not None
        return self.operation.resource

    @property
    def filters(self) -> list[str]:
        listing = self.operation.listing
        return [name for name in self.query if listing is not None and name in listing.filters]


@dataclass(frozen=True)
class Seeds:
    """What is there from the start: credits by key, things of an account, and everyone's."""

    credits: dict[str, float]
    places: dict[str, list[tuple[str, str, dict[str, Any]]]]
    everyones: dict[str, list[dict[str, Any]]]

    @classmethod
    def of(cls, behaviour: Behaviour) -> Seeds:
        """Of the extensions that tell a mock what exists."""
        tree = behaviour.document.tree
        made = [k for k in behaviour.resources.values() if k.owner == "account" and not k.create]
        outer = next(k for k in made if not k.references)
        inner = next(k for k in made if k.references)
        member = next(m for m, r in inner.references.items() if r.to == outer.kind)
        places: dict[str, list[tuple[str, str, dict[str, Any]]]] = {}
        for key, account in tree["x-mock-accounts"].items():
            places[key] = []
            for holder, held in account["workspaces"].items():
                places[key].append((outer.kind, holder, {}))
                more = [f"{one}{number}" for one in held for number in ("", *range(MORE))]
                places[key] += [(inner.kind, one, {member: holder}) for one in more]
        return cls(
            {key: a["credits"] for key, a in tree["x-mock-accounts"].items()},
            places,
            tree.get("x-mock-entities", {}),
        )


class World:
    """The server: all that it keeps, and its answers."""

    def __init__(
        self,
        behaviour: Behaviour,
        seeds: Seeds,
        decide: Any = None,
        *,
        run_seconds: float = 0.25,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.behaviour = behaviour
        self.document = behaviour.document
        self.clock = clock
        self.run_seconds = run_seconds
        self.started = self.now = clock()
        self.decide = decide or (lambda _point, _subject, value, _case: value)
        self.credits = dict(seeds.credits)
        self.accounts = list(seeds.credits)
        self.things: dict[str, list[Thing]] = {kind: [] for kind in behaviour.resources}
        self.used: dict[Any, tuple[float, Answer]] = {}
        self.last = 0.0
        self.memory: dict[Any, Any] = {}  # of whoever decides
        self.number = 0
        for kind, entries in seeds.everyones.items():
            for entry in entries:
                self._seed(kind, entry[behaviour.kind(kind).id], None, entry)
        for account, placed in seeds.places.items():
            for kind, id_, values in placed:
                self._seed(kind, id_, account, values)

    def _seed(self, kind: str, id_: str, owner: str | None, values: dict[str, Any]) -> None:
        self._keep(self.behaviour.kind(kind), id_, owner, dict(values))

    def _keep(self, kind: Resource, id_: str, owner: str | None, values: dict[str, Any]) -> Thing:
        self.number += 1
        self.last = max(self.now, self.last + 0.001)  # no two at the same time
        thing = Thing(kind, id_, owner, self.number, self.last, values)
        self.things[kind.kind].append(thing)
        return thing

    # Answering

    def handle(self, request: Request) -> Answer:
        """The answer to a request."""
        self.now = self.clock()  # one moment for all that a request is answered with
        found = self.behaviour.contract.at(request.path)
        endpoint = found[0].get(request.method) if found is not None else None
        if found is None or endpoint is None:
            return self._nothing_there(found)
        case = self._read(self.behaviour.of(endpoint.id), found[1], request)
        case.thing = self._addressed(case)
        answer = self._answer(case)
        name = self.behaviour.errors.request_id
        if name is not None:
            answer.headers.setdefault(name, f"req_{len(request.path)}")
        answered: Answer = self.decide("answers", endpoint.id, answer, case)
        if answered.body is not None or answered.raw is not None:
            answered.headers.setdefault("content-type", "application/json")
        return answered

    def _nothing_there(self, found: Any) -> Answer:
        headers = {} if found is None else {"allow": ", ".join(found[0])}
        error = {"content-type": "application/json"} | headers
        status, code = (404, "not_found") if found is None else (405, "method_not_allowed")
        return Answer(status, self.envelope(code, "There is nothing here."), error)

    def _read(
        self, operation: OperationBehaviour, path: Mapping[str, str], request: Request
    ) -> Case:
        endpoint = operation.endpoint
        scheme, _, key = request.headers.get("authorization", "").partition(" ")
        case = Case(self, operation, key if scheme.lower() == "bearer" else None)
        case.host = request.headers.get("host", "localhost")
        case.path = endpoint.read_path(path)
        read = endpoint.read_query(request.query)
        case.query = dict(read.values)
        case.breaches = endpoint.parameter_breaches({**case.path, **case.query})
        case.breaches += [Breach("query", (n,), "repeated", "", None, {}) for n in read.repeated]
        if operation.idempotency is not None:
            case.key = request.headers.get(operation.idempotency.header.lower())
        if endpoint.takes_body and (request.body or endpoint.needs_body):
            try:
                sent = orjson.loads(request.body)
                case.breaches += endpoint.body_breaches(sent)
                case.sent = sent if isinstance(sent, dict) else {}
            except ValueError:
                case.broken_json = True
        return case

    def _answer(self, case: Case) -> Answer:
        operation = case.operation
        for condition, stated in operation.refusals.items():
            found = self._meets(condition, case)
            name = f"{operation.id}.{condition}"
            met = None if found is None else (stated, *found)
            refusal = self.decide("refuses", name, met, case)
            if not refusal:
                continue
            if condition == "used-key" and self._may_replay(case):
                break
            if self.decide("effect", name, False, case) and operation.role != "list":
                self._repair(case)
                self._perform(case)
            if self.decide("burns", name, False, case) and case.key:
                self.used.setdefault(self._name(case), (self.now, Answer(201, {})))
            return self._refuse(case, name, *refusal)
        self._repair(case)
        return self._perform(case)

    def _refuse(self, case: Case, name: str, refusal: Refusal, *fields: str) -> Answer:
        body = self.envelope(refusal.code or "refused", f"It is {refusal.condition}.", *fields)
        headers = {}
        if refusal.condition == "rate" and self.behaviour.errors.retry_after:
            headers[self.behaviour.errors.retry_after] = "1"
        answer = Answer(refusal.status, body, headers)
        error: Answer = self.decide("error", name, answer, case)
        return error

    def envelope(self, code: str, message: str, *fields: str) -> Any:
        """The body of an error, as is stated."""
        errors = self.behaviour.errors
        body: dict[str, Any] = {}
        for path, value in ((errors.code, code), (errors.message, message)):
            if path is not None:
                put(body, path, value)
        if errors.fields is not None and fields:
            entries = [{errors.field_name: f, errors.field_message: "is wrong"} for f in fields]
            put(body, errors.fields, entries)
        return body

    # What a request may be refused for

    def _meets(self, condition: str, case: Case) -> tuple[str, ...] | None:
        """The names of what is wrong if a request meets a condition, which may be none."""
        check = getattr(self, f"_is_{condition.replace('-', '_')}", None)
        found: tuple[str, ...] | None = check(case) if check is not None else None
        return found

    def _is_no_key(self, case: Case) -> tuple[str, ...] | None:
        return () if self.behaviour.is_secured(case.operation) and case.account is None else None

    def _is_wrong_key(self, case: Case) -> tuple[str, ...] | None:
        secured = self.behaviour.is_secured(case.operation)
        given = secured and case.account is not None
        return () if given and case.account not in self.credits else None

    def _is_malformed(self, case: Case) -> tuple[str, ...] | None:
        return () if case.broken_json else None

    def _is_invalid(self, case: Case) -> tuple[str, ...] | None:
        name = case.operation.id
        wrong = [
            b.name
            for b in case.breaches
            if self.decide("breach", f"{name}.{b.path or b.location}.{b.keyword}", True, case)
        ]
        listing = case.operation.listing
        if listing is not None and listing.cursor in case.query:
            sound = self._after(case) is not None
            if not self.decide("breach", f"{name}.{listing.cursor}.unknown", sound, case):
                wrong.append(str(listing.cursor))
        wrong += [m for m, how, own in self._astray(case) if how == "unknown" and own]
        return tuple(dict.fromkeys(n for n in wrong if n)) if wrong else None

    def _is_foreign_reference(self, case: Case) -> tuple[str, ...] | None:
        found = tuple(m for m, how, _ in self._astray(case) if how == "foreign")
        return found or None

    def _is_unknown_reference(self, case: Case) -> tuple[str, ...] | None:
        found = tuple(m for m, how, own in self._astray(case) if how != "foreign" and not own)
        return found or None

    def _astray(self, case: Case) -> Iterator[tuple[str, str, bool]]:
        """References that lead to nothing, elsewhere, or to what does not belong together."""
        kind = case.operation.resource
        if kind is None or case.breaches or case.broken_json:
            return
        held = {m: case.path[p] for p, m in kind.path.items() if p in case.path}
        given = held if case.operation.role not in {"create", "update"} else {**case.sent, **held}
        for member, reference in kind.references.items():
            if given.get(member) is None:
                continue
            target = self._find(reference.to, given[member])
            how = ""
            if target is None or target.gone:
                how = "unknown"
            elif target.owner not in {None, case.account}:
                how = "foreign"
            elif any(
                given.get(ours) not in {None, target.values.get(theirs)}
                for theirs, ours in reference.matching.items()
            ):
                how = "unknown" if reference.unknown else "apart"
            subject = f"{case.operation.id}.{member}.{how}"
            if how and self.decide("refers", subject, True, case):
                yield member, how, reference.unknown is not None

    def _is_used_key(self, case: Case) -> tuple[str, ...] | None:
        if case.operation.idempotency is None or case.key is None:
            return None
        entry = self.used.get(self._name(case))
        if entry is not None:
            window = case.operation.idempotency.window
            entry = entry if self.now - entry[0] < window else None
        return () if self.decide("repeats", case.operation.id, entry, case) else None

    def _name(self, case: Case) -> Any:
        """What a key counts for."""
        name = (case.account, case.operation.id, case.key)
        return self.decide("key", case.operation.id, name, case)

    def _may_replay(self, case: Case) -> bool:
        entry = self.used.get(self._name(case))
        rule = case.operation.idempotency
        return rule is not None and self._repetition(case) == "replayed" and entry is not None

    def _repetition(self, case: Case) -> str:
        rule = case.operation.idempotency
        return str(self.decide("repetition", case.operation.id, rule and rule.repetition, case))

    def _is_no_credits(self, case: Case) -> tuple[str, ...] | None:
        if case.operation.charges is None or case.account is None:
            return None
        return () if self.price(case) > self.credits.get(case.account, 0) else None

    def _is_foreign_id(self, case: Case) -> tuple[str, ...] | None:
        thing = self._addressed(case)
        return () if thing is not None and thing.owner not in {None, case.account} else None

    def _is_unknown_id(self, case: Case) -> tuple[str, ...] | None:
        if self._id(case) is None:
            return None
        thing = self._addressed(case)
        if thing is None or thing.gone:
            return ()
        misplaced = any(
            thing.values.get(member) != case.path[parameter]
            for parameter, member in case.kind.path.items()
            if member != case.kind.id
        )
        return () if misplaced else None

    # What is asked for

    def _id(self, case: Case) -> str | None:
        kind = case.operation.resource
        name = kind.id_parameter if kind is not None else None
        return case.path.get(name) if name is not None else None

    def _addressed(self, case: Case) -> Thing | None:
        id_ = self._id(case)
        return self._find(case.kind.kind, id_) if id_ is not None else None

    def _find(self, kind: str, id_: Any) -> Thing | None:
        return next((t for t in self.things[kind] if t.id == id_), None)

    def _repair(self, case: Case) -> None:
        """Make something of a request that a fault lets through."""
        if case.account not in self.credits:
            case.account = self.accounts[0]
        schema = case.operation.endpoint.request_schema
        if schema is not None and (case.breaches or case.broken_json):
            usual = sample(self.document, schema, "", 1)
            case.sent = {**(usual if isinstance(usual, dict) else {}), **case.sent}

    def _any(self, case: Case) -> Thing:
        """What was asked for, or the last of its kind."""
        found = self._addressed(case)
        return found or (self.things[case.kind.kind] or self._invented(case))[-1]

    def _invented(self, case: Case) -> list[Thing]:
        return [self._make(case)]

    def price(self, case: Case) -> float:
        """What a request costs: what it refers to tells, or the statement."""
        for member, reference in case.kind.references.items():
            target = self._find(reference.to, case.sent.get(member) or self._default(case, member))
            if target is not None and "cost" in target.values:
                return float(target.values["cost"])
        charges = case.operation.charges
        by = charges.by if charges is not None else None
        assumed = charges.assumed if charges is not None else {}
        return float(assumed.get(str(case.sent.get(by or "")), 0.01))

    def _default(self, case: Case, member: str) -> str | None:
        """What is taken where a reference to what is everyone's is left out."""
        reference = case.kind.references[member]
        if self.behaviour.kind(reference.to).owner != "everyone":
            return None
        for thing in self.things[reference.to]:
            if all(thing.values.get(t) == case.sent.get(o) for t, o in reference.matching.items()):
                return thing.id
        return None

    # Doing it

    def _perform(self, case: Case) -> Answer:
        operation = case.operation
        status = operation.endpoint.success
        if operation.listing is not None:
            return Answer(status, self._list(case))
        if operation.role == "create":
            return self._create(case)
        if operation.resource is None:
            schema = operation.endpoint.answer_schema(status)
            return Answer(status, sample(self.document, schema, "", 1) if schema else None)
        thing = self.decide("reads", operation.id, self._any(case), case.of(self._addressed(case)))
        if operation.role == "update":
            self._update(case, thing)
        if operation.role == "delete":
            thing.gone = self.decide("deletes", operation.id, True, case.of(thing))
        documented = operation.endpoint.answer_schema(status) is not None
        return Answer(status, self.show(thing, case) if documented else None)

    def _create(self, case: Case) -> Answer:
        operation = case.operation
        status = operation.endpoint.success
        name = self._name(case)
        if name in self.used and self._repetition(case) == "replayed":
            _, first = self.used[name]
            again = self.decide("replays", operation.id, first, case)
            return Answer(again.status, again.body, dict(again.headers))
        made = [self._make(case) for _ in range(self.decide("makes", operation.id, 1, case))]
        thing = made[0] if made else self._make(case)
        if not made:
            self.things[thing.kind.kind].remove(thing)
        answer = Answer(status, self.show(thing, case))
        if case.key is not None and operation.idempotency is not None:
            self.used[name] = (thing.made, Answer(status, answer.body))
        return answer

    def _make(self, case: Case) -> Thing:
        kind, sent = case.kind, case.sent
        number = self.number + 1
        prefix = self.decide("prefixes", kind.kind, kind.prefix or "id-", case)
        id_ = self.decide("names", kind.kind, f"{prefix}{number * 7919:016x}", case)
        thing = self._keep(kind, id_, case.account, {})
        thing.sent = sent
        held = {m: case.path[p] for p, m in kind.path.items() if p in case.path}
        for member in dict.fromkeys((*kind.shows, *kind.references, *sent)):
            value = held.get(member, sent.get(member))
            if value is None and member in kind.references:
                value = self._default(case, member)
            if value is not None:
                shown = kind.shows.get(member) or member
                kept = self.decide("keeps", f"{kind.kind}.{member}", value, case.of(thing))
                if kept is not MISSING:
                    thing.values[shown] = kept
        if case.operation.charges is not None:
            price = self.price(case)
            thing.values[case.operation.charges.cost] = price
            self.credits[case.account or ""] -= price
        for member, reference in kind.references.items():
            target = self._find(reference.to, sent.get(member) or self._default(case, member))
            if target is not None:
                thing.error = target.values.get("error") or thing.error
                thing.outputs = target.values.get("outputs") or thing.outputs
        return thing

    def _update(self, case: Case, thing: Thing) -> None:
        thing.updated = max(self.now, thing.made)
        for member, value in case.sent.items():
            shown = thing.kind.shows.get(member) or member
            subject = f"{case.operation.id}.{member}"
            kept = self.decide("writes", subject, value, case.of(thing))
            if kept is not MISSING:
                thing.values[shown] = kept

    # Lives

    def state(self, thing: Thing, case: Case) -> tuple[str | None, float]:
        """The state of a thing, and how far it has come, from 0 to 1."""
        life = thing.kind.life
        if life is None:
            return None, 1.0
        age = self.decide("ages", thing.kind.kind, self.now - thing.made, case.of(thing))
        state, part = self.state_at(thing, age)
        return self.decide("states", thing.kind.kind, state, case.of(thing)), part

    def state_at(self, thing: Thing, age: float) -> tuple[str, float]:
        """The state that a thing of some age has, in seconds."""
        life = thing.kind.life
        assert life is not None
        part = min(max(age / self.run_seconds, 0.0), 1.0)
        step = int(part * (len(life.order) - 1))
        states = life.order[step]
        if step == len(life.order) - 1:
            ended = sorted(life.failed)[:1] if thing.error else life.succeeded[:1]
            states = tuple(ended) or states
        part = part if states[0] not in life.failed else 0.9
        return states[0], part

    def _lived(self, thing: Thing, case: Case) -> dict[str, Any]:
        """What follows from the time that has passed."""
        life, kind = thing.kind.life, thing.kind
        shown: dict[str, Any] = {}
        if kind.created is not None:
            shown[kind.created] = thing.made
        if kind.updated is not None:
            shown[kind.updated] = thing.updated or thing.made
        if life is None:
            return shown
        state, part = self.state(thing, case)
        shown[life.state] = state
        if life.grows is not None:
            shown[life.grows] = int(100 * part)
        if life.estimate is not None and case.operation.role == "create":
            shown[life.estimate] = 1
        present = [p for p in life.members.values() if state in p.states]
        return shown | {p.member: self._in_state(thing, p, life, case) for p in present}

    def _in_state(self, thing: Thing, presence: Presence, life: Life, case: Case) -> Any:
        """A member that a thing has in its state."""
        member, error = presence.member, thing.error or {}
        if member in life.times:
            first = min(life.rank(state) or 0 for state in presence.states)
            return thing.made + self.run_seconds * first / (len(life.order) - 1)
        if member == life.error_code:
            return error.get("code", "failed")
        if member == life.error_message:
            return error.get("message", "It failed.")
        return self._result(thing, member, case) if presence.required else MISSING

    def _result(self, thing: Thing, member: str, case: Case) -> Any:
        found = case.operation.items.get(member)
        if found is None:
            return MISSING
        if member not in thing.bases:
            thing.bases[member] = orjson.dumps(self._made(thing, member, found.schema))
        return orjson.loads(thing.bases[member])

    def _made(self, thing: Thing, member: str, schema: dict[str, Any]) -> Any:
        made = sample(self.document, schema, member, thing.number)
        if not isinstance(made, list) or not thing.outputs:
            return made
        items = schema.get("items", {})
        results = []
        for index, kind in enumerate(thing.outputs):
            one = sample(self.document, items, member, thing.number * 10 + index)
            for name, inner in self.document.resolve(items)["properties"].items():
                if kind in self.document.resolve(inner).get("enum", ()):
                    one[name] = kind
            results.append(one)
        return results

    # Showing

    def show(self, thing: Thing, case: Case) -> Any:
        """What an operation shows of a thing."""
        operation, kind = case.operation, thing.kind
        case = case.of(thing)
        shown = self._base(thing, operation)
        values = {kind.id: thing.id, **dict.fromkeys(kind.aliases, thing.id)}
        values |= thing.values | self._lived(thing, case) | operation.answers
        if kind.link is not None:
            values[kind.link] = self._link(thing, case)
        for path, value in values.items():
            member = operation.items.get(path)
            if member is not None and value is not MISSING:
                put(shown, path, _timed(deepcopy(value), member.schema, path, kind))
        self._doubt(shown, "shows", operation.items, case)
        return self.decide("items", operation.id, shown, case)

    def _doubt(self, shown: Any, point: str, paths: Iterable[str], case: Case) -> None:
        """Decide what each member of an answer holds, and how it is spelled."""
        for path in self._doubtful(paths, case.operation.id):
            subject = f"{case.operation.id}.{path}"
            before = take(shown, path)
            after = self.decide(point, subject, before, case)
            if after is not before:
                drop(shown, path) if after is MISSING else put(shown, path, after)
            spelled = self.decide("spells", subject, path, case)
            if spelled != path and after is not MISSING:
                put(shown, spelled, after)
                drop(shown, path)

    def _doubtful(self, paths: Iterable[str], operation_id: str) -> list[str]:
        """Members about which something is decided: of a fault, at most one."""
        about = getattr(self.decide, "subject", None)
        if about is None:
            return list(paths)
        name, _, path = about.partition(".")
        return [path] if name == operation_id and path in paths else []

    def _base(self, thing: Thing, operation: OperationBehaviour) -> dict[str, Any]:
        if operation.id not in thing.bases:
            thing.bases[operation.id] = orjson.dumps(self._bare(thing, operation))
        made: dict[str, Any] = orjson.loads(thing.bases[operation.id])
        return made

    def _bare(self, thing: Thing, operation: OperationBehaviour) -> Any:
        schema: Any = operation.endpoint.answer_schema(operation.endpoint.success)
        if operation.listing is not None:
            for part in operation.listing.items.split("."):
                schema = self.document.resolve(self.document.resolve(schema)["properties"][part])
            schema = schema["items"]
        return sample(self.document, schema, thing.kind.kind, thing.number)

    def _link(self, thing: Thing, case: Case) -> str:
        read = thing.kind.read
        path = self.behaviour.of(read).endpoint.path if read is not None else "/"
        path = path.replace(f"{{{thing.kind.id_parameter}}}", thing.id)
        return f"http://{case.host}{self.behaviour.contract.base}{path}"

    # Lists

    def _list(self, case: Case) -> Any:
        operation, listing = case.operation, case.operation.listing
        assert listing is not None
        found = [t for t in self._sorted(case) if self._listed(t, case)]
        found = self.decide("lists", operation.id, found, case)
        default = min(20, self._most(case))
        size = case.query.get(listing.size) if listing.size else None
        size = size if isinstance(size, int) and size >= 0 else default
        size = self.decide("sizes", operation.id, size, case)
        start = self._start(found, case)
        start = self.decide("starts", operation.id, start, case)
        if not listing.paged:
            start, size = 0, len(found)
        shown = found[start : start + size]
        last = start + size >= len(found)
        case.page = frozenset(
            name for name, is_so in (("later", start > 0), ("last", last and start > 0)) if is_so
        )
        shown = self.decide("pages", operation.id, shown, case)
        schema = operation.endpoint.answer_schema(operation.endpoint.success)
        body = sample(self.document, schema, "", 1)
        put(body, listing.items, [self.show(thing, case) for thing in shown])
        if listing.next is not None:
            cursor = None if last or not shown else self._cursor(operation.id, shown[-1].number)
            put(body, listing.next, self.decide("leads", operation.id, cursor, case))
        if listing.total is not None:
            put(body, listing.total, self.decide("counts", operation.id, len(found), case))
        self._doubt(body, "wholes", around_items(operation), case)
        return body

    def _most(self, case: Case) -> int:
        listing = case.operation.listing
        size = case.operation.endpoint.parameters.get((listing and listing.size) or "", {})
        return int(size.get("schema", {}).get("maximum", 20))

    def _sorted(self, case: Case) -> list[Thing]:
        listing = case.operation.listing
        things = sorted(self.things[case.kind.kind], key=lambda t: t.number)
        if listing is not None and listing.descending:
            things.reverse()
        ordered: list[Thing] = self.decide("orders", case.operation.id, things, case)
        return ordered

    def _listed(self, thing: Thing, case: Case) -> bool:
        operation = case.operation
        about = case.of(thing)
        own = thing.owner in {None, case.account}
        if not self.decide("owns", operation.id, own, about):
            return False
        if self.decide("hides", operation.id, thing.gone, about):
            return False
        held = {m: case.path[p] for p, m in case.kind.path.items() if p in case.path}
        if any(thing.values.get(m) != v for m, v in held.items()):
            return bool(self.decide("places", operation.id, False, about))
        return all(
            self.decide("filters", f"{operation.id}.{name}", self._fits(thing, name, case), about)
            for name in case.filters
        )

    def _fits(self, thing: Thing, name: str, case: Case) -> bool:
        listing = case.operation.listing
        assert listing is not None
        stated, wanted = listing.filters[name], case.query[name]
        life = thing.kind.life
        if life is not None and stated.member == life.state:
            return bool(self.state(thing, case)[0] == wanted)
        value = thing.values.get(stated.member)
        if stated.match == "contains":
            return str(wanted).casefold() in str(value or "").casefold()
        return value is not None and _text(value) == _text(wanted)

    def _start(self, found: list[Thing], case: Case) -> int:
        listing = case.operation.listing
        assert listing is not None
        if listing.offset is not None:
            offset = case.query.get(listing.offset)
            return offset if isinstance(offset, int) and offset >= 0 else 0
        after = self._after(case) if listing.cursor in case.query else None
        if after is None:
            return 0
        sign = -1 if listing.descending else 1
        return sum(1 for t in found if sign * t.number <= sign * after)

    @staticmethod
    def _cursor(operation: str, number: int) -> str:
        return base64.urlsafe_b64encode(f"{operation} {number}".encode()).decode().rstrip("=")

    def _after(self, case: Case) -> int | None:
        """The number of what stands before a page; None for a cursor that nobody has given."""
        listing = case.operation.listing
        assert listing is not None
        text = str(case.query.get(listing.cursor or "", ""))
        try:
            decoded = base64.urlsafe_b64decode(unquote(text) + "=" * (-len(text) % 4)).decode()
            name, number = decoded.split(" ")
            return int(number) if name == case.operation.id and number.isdecimal() else None
        except ValueError:
            return None


def around_items(operation: OperationBehaviour) -> dict[str, Member]:
    """Members of an answer that are none of an item."""
    listing = operation.listing
    members = operation.endpoint.answer_members(operation.endpoint.success)
    inside = f"{listing.items}[]." if listing is not None else ""
    return {p: m for p, m in members.items() if inside and not p.startswith(inside)}


def sample(document: Document, schema: Any, name: str, number: int) -> Any:
    """A value that a schema allows, with nothing in it that may be left out."""
    schema = document.resolve(schema)
    if "const" in schema:
        return schema["const"]
    if schema.get("enum"):
        return schema["enum"][0]
    if "allOf" in schema:
        whole: dict[str, Any] = {}
        for part in schema["allOf"]:
            whole |= sample(document, part, name, number)
        return whole
    for word in ("anyOf", "oneOf"):
        if word in schema:
            return sample(document, schema[word][0], name, number)
    kind = schema.get("type", "object" if "properties" in schema else "string")
    kind = kind[0] if isinstance(kind, list) else kind
    if kind == "object":
        properties = schema.get("properties", {})
        return {
            n: sample(document, properties[n], n, number)
            for n in schema.get("required", ())
            if n in properties
        }
    if kind == "array":
        items = schema.get("items")
        return [sample(document, items, name, number)] if schema.get("minItems") else []
    return _scalar(schema, kind, name, number)


def _scalar(schema: dict[str, Any], kind: str, name: str, number: int) -> Any:
    if kind == "boolean":
        return False
    if kind in {"integer", "number"}:
        return max(schema.get("minimum", 0), 0)
    if schema.get("format") == "uri" or "url" in name.lower():
        return f"https://media.example.com/{name}/{number}"
    if schema.get("format") == "date-time":
        return datetime.fromtimestamp(0, UTC).isoformat()
    if "pattern" in schema:
        return str(schema.get("examples", [schema["pattern"].strip("^$") + str(number)])[0])
    return f"{name} {number}" if "format" not in schema else ""


def _timed(value: Any, schema: dict[str, Any], path: str, kind: Resource) -> Any:
    """A moment as its member writes it: milliseconds, or a date."""
    times = {kind.created, kind.updated, *(kind.life.times if kind.life is not None else ())}
    if path not in times or not isinstance(value, int | float):
        return value
    if schema.get("format") == "date-time":
        return datetime.fromtimestamp(value, UTC).isoformat()
    return int(value * 1000)


def _text(value: Any) -> str:
    return ("true" if value else "false") if isinstance(value, bool) else str(value)


def put(body: Any, path: str, value: Any) -> None:
    """Set the member at a dotted path, of every item where a list is on the way."""
    name, _, rest = path.partition(".")
    if name.endswith("[]"):
        for item in (body.get(name[:-2]) or ()) if isinstance(body, dict) else ():
            put(item, rest, value)
    elif isinstance(body, dict) and not rest:
        body[name] = value
    elif isinstance(body, dict):
        if not isinstance(body.get(name), dict):
            body[name] = {}
        put(body[name], rest, value)


def take(body: Any, path: str) -> Any:
    """The member at a dotted path, of the first item where a list is on the way."""
    for name in path.split("."):
        body = body.get(name.removesuffix("[]"), MISSING) if isinstance(body, dict) else MISSING
        if name.endswith("[]"):
            body = body[0] if isinstance(body, list) and body else MISSING
    return body


def drop(body: Any, path: str) -> None:
    """Leave out the member at a dotted path."""
    name, _, rest = path.partition(".")
    if name.endswith("[]"):
        for item in (body.get(name[:-2]) or ()) if isinstance(body, dict) else ():
            drop(item, rest)
    elif isinstance(body, dict):
        if rest:
            drop(body.get(name), rest)
        else:
            body.pop(name, None)
