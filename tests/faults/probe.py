"""Whether a fault shows at all: what random clients see of a sound server, and of a faulty one.

What the clients send is decided once, from the answers of the sound server; a faulty one gets the
same, and shows its fault where it first answers otherwise.
"""

from __future__ import annotations

import random
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

import orjson
from world import Answer, Request, Seeds, Thing, World, drop, put, sample, take

if TYPE_CHECKING:
    from operators import Fault

    from flora_contract.openapi.behaviour import Behaviour, OperationBehaviour, Resource


WRONG: tuple[Any, ...] = (..., None, "", 5, True, "5", [], {}, -1, 10**9, 1.5, "Wrong")
"""What may be wrong for a member; `...` leaves it out."""


@dataclass
class Clock:
    """Time that passes when it is told to."""

    now: float = 1_700_000_000.0

    def __call__(self) -> float:
        return self.now


@dataclass(frozen=True)
class Moment:
    """What was sent when, and what a sound server answered."""

    at: float
    operation: OperationBehaviour
    request: Request
    answer: Answer

    @property
    def looks(self) -> bool:
        """Whether nothing is changed by it."""
        return self.operation.role in {"read", "list"}


class Probe:
    """Sessions of random clients with a sound server."""

    def __init__(self, behaviour: Behaviour, *, seed: int = 0, length: int = 1500) -> None:
        self.behaviour = behaviour
        self.seeds = Seeds.of(behaviour)
        self.moments = list(_Clients(behaviour, self.seeds, seed).sessions(length))

    def first_sign(self, fault: Fault) -> Moment | None:
        """The first request that a server with a fault answers otherwise; None if none."""
        clock = Clock()
        world = World(self.behaviour, self.seeds, fault, clock=clock)
        operation = self.behaviour.operations.get(fault.subject.partition(".")[0])
        looks = operation is not None and operation.role in {"read", "list"}
        for moment in self.moments:
            if looks and moment.looks and moment.operation is not operation:
                continue  # which has no effect, and is answered soundly
            clock.now = moment.at
            if world.handle(moment.request) != moment.answer:
                return moment
        return None


class _Clients:
    def __init__(self, behaviour: Behaviour, seeds: Seeds, seed: int) -> None:
        self.behaviour = behaviour
        self.clock = Clock()
        self.world = World(behaviour, seeds, clock=self.clock)
        self.chance = random.Random(seed)
        self.accounts = list(seeds.credits)
        self.solvent = [a for a in self.accounts if seeds.credits[a] > 0]
        self.moments: list[Moment] = []
        self.keys: list[tuple[str, bytes]] = []
        self.careful = False  # whether all that is sent is to be right

    def sessions(self, length: int) -> list[Moment]:
        """So many requests, at least."""
        operations = list(self.behaviour.operations.values())
        weights = [4 if o.role == "create" else 3 if o.role == "list" else 2 for o in operations]
        for turn in (length // 3, length):
            self._random(turn, operations, weights)
            self.wrongs()
        return self.moments

    def _random(self, until: int, operations: list[OperationBehaviour], weights: list[int]) -> None:
        while len(self.moments) < until:
            self.clock.now += self.chance.choice([0.0, 0.01, 0.05, 0.1, 0.1, 0.3, 1.2])
            (operation,) = self.chance.choices(operations, weights)
            who = self._who()
            if operation.role == "create":
                self._create(operation, who)
            elif operation.listing is not None:
                self._walk(operation, who)
            else:
                self._address(operation, who)

    def _who(self) -> str | None:
        nobody: list[str | None] = [None, "nobodys-key"]
        kinds = self.chance.choices(["first", "second", "any", "nobody"], [60, 25, 7, 8])
        if kinds == ["nobody"]:
            return self.chance.choice(nobody)
        if kinds == ["any"]:
            return self.chance.choice(self.accounts)
        return self.solvent[0 if kinds == ["first"] else -1]

    def _send(
        self,
        operation: OperationBehaviour,
        who: str | None,
        path: dict[str, Any],
        *,
        query: dict[str, Any] | None = None,
        body: bytes = b"",
        key: str | None = None,
    ) -> Answer:
        endpoint = operation.endpoint
        target = self.behaviour.contract.base + endpoint.path
        for name in endpoint.parameters_in("path"):
            target = target.replace(f"{{{name}}}", quote(str(path.get(name, "x")), safe=""))
        headers = {"host": "test", "content-type": "application/json"}
        if who is not None:
            headers["authorization"] = f"Bearer {who}"
        if key is not None and operation.idempotency is not None:
            headers[operation.idempotency.header.lower()] = key
        request = Request(endpoint.method, target, urlencode(query or {}), headers, body)
        answer = self.world.handle(request)
        self.moments.append(Moment(self.clock.now, operation, request, answer))
        return answer

    # Making

    def _create(self, operation: OperationBehaviour, who: str | None) -> None:
        place = self._place(operation, who)
        body = self._body(operation, who, place)
        key: str | None = f"Key-{self.chance.random()}-Of-A-Client-{len(self.moments)}"
        if self.chance.random() < 0.15:
            key = None
        elif self.keys and self.chance.random() < 0.1:
            key, body = self.chance.choice(self.keys)
        answer = self._send(operation, who, place, body=body, key=key)
        if key is not None and operation.idempotency is not None:
            self.keys.append((key, body))
            if self.chance.random() < 0.6:
                self._under_the_key(operation, who, place, body, key)
        kind = operation.resource
        id_ = take(answer.body, kind.id) if kind is not None else None
        if answer.status < 300 and kind is not None and isinstance(id_, str):
            self._follow(kind, who, place, id_)

    def _under_the_key(
        self,
        operation: OperationBehaviour,
        who: str | None,
        place: dict[str, Any],
        body: bytes,
        key: str,
    ) -> None:
        """A key again: as it was, with another body, much alike, of another account or route."""
        alike = [key.lower(), key[:-1] + "!", key[:22] + "x" * 20, "Other" + key[-3:]]
        alike.append(re.sub(r"[^A-Za-z0-9]", "_", key))
        for _ in range(self.chance.randrange(1, 4)):
            self.clock.now += self.chance.choice([0.01, 0.01, 1.5])
            how = self.chance.choice(
                ["same", "sound", "altered", "altered", "alike", "other", "route"]
            )
            if how == "same":
                self._send(operation, who, place, body=body, key=key)
            elif how == "sound":
                self._send(operation, who, place, body=self._sound(operation, who), key=key)
            elif how == "altered":
                other = self._altered(operation, body)
                self._send(operation, who, place, body=other, key=key)
            elif how == "alike":
                again = self.chance.choice(alike)
                self._send(operation, who, place, body=self._sound(operation, who), key=again)
            elif how == "other":
                other_one = self.chance.choice(self.solvent)
                sound = self._sound(operation, other_one)
                self._send(operation, other_one, place, body=sound, key=key)
            else:
                kind = operation.resource
                routes = [self.behaviour.of(o) for o in (kind.create if kind is not None else ())]
                route = self.chance.choice(routes)
                self._send(route, who, place, body=self._sound(operation, who), key=key)

    def wrongs(self) -> None:
        """Each member and parameter with each value that may be wrong, once for each account."""
        for operation in self.behaviour.operations.values():
            for stranger in (None, "nobodys-key"):
                place = self._place(operation, stranger)
                body = self._sound(operation, self.solvent[0])
                self._send(operation, stranger, place, body=body, key="a-strangers")
            for who in self.solvent:
                for name in operation.endpoint.request_members:
                    for wrong in (*WRONG, *self._strangers(operation, name, who)):
                        place = self._place(operation, who)
                        sent = orjson.loads(self._sound(operation, who) or b"{}")
                        put(sent, name, wrong)
                        if wrong is ...:
                            drop(sent, name)
                        body = orjson.dumps(sent)
                        self._send(operation, who, place, body=body, key=f"w{len(self.moments)}")
                for name in operation.endpoint.parameters_in("query"):
                    for wrong in ("", "wrong", "0", "-1", "1.5", "1000000", "5x"):
                        place = self._place(operation, who)
                        self._send(operation, who, place, query={name: wrong})

    def _strangers(self, operation: OperationBehaviour, name: str, who: str) -> list[str]:
        """Ids of nothing, of another account, and of another place."""
        kind = operation.resource
        reference = kind.references.get(name) if kind is not None else None
        if reference is None:
            return []
        things = self.world.things[reference.to]
        own = [t.id for t in things if t.owner in {None, who}]
        foreign = [t.id for t in things if t.owner not in {None, who}]
        return [f"{self.behaviour.kind(reference.to).prefix}nobodys", *foreign[-1:], *own[-1:]]

    def _sound(self, operation: OperationBehaviour, who: str | None) -> bytes:
        self.careful = True
        body = self._body(operation, who, self._place(operation, who))
        self.careful = False
        return body

    def _follow(self, kind: Resource, who: str | None, place: dict[str, Any], id_: str) -> None:
        if kind.read is None or self.chance.random() < 0.5:
            return
        read = self.behaviour.of(kind.read)
        for _ in range(self.chance.randrange(1, 7)):
            self.clock.now += 0.06
            self._send(read, who, {**place, str(kind.id_parameter): id_})
            if self.chance.random() < 0.4 and kind.list is not None:
                self._send(self.behaviour.of(kind.list), who, place)

    def _place(self, operation: OperationBehaviour, who: str | None) -> dict[str, Any]:
        """Values of the path that name what something stands under."""
        kind = operation.resource
        names = operation.endpoint.parameters_in("path")
        return {
            name: self._id(kind.references[member].to, who)
            for name, member in (kind.path.items() if kind is not None else ())
            if name in names and kind is not None and member in kind.references
        }

    def _id(self, kind: str, who: str | None) -> str:
        things = self.world.things[kind]
        own = [t for t in things if t.owner in {None, who} and not t.gone] or things
        how = 0.0 if self.careful else self.chance.random()
        if how < 0.88 and own:
            return self.chance.choice(own).id
        if how < 0.95 and things:
            return self.chance.choice(things).id
        return f"{self.behaviour.kind(kind).prefix}nobodys{self.chance.randrange(9)}"

    def _body(self, operation: OperationBehaviour, who: str | None, place: dict[str, Any]) -> bytes:
        schema = operation.endpoint.request_schema
        if schema is None:
            return b""
        body = sample(self.behaviour.document, schema, "", len(self.moments))
        for path, stated in operation.endpoint.request_members.items():
            if "." in path or "[]" in path or not (stated.required or self.chance.random() < 0.4):
                continue
            body[path] = self._value(operation, path, who)
        kind = operation.resource
        for member, reference in kind.references.items() if kind is not None else ():
            if member in body and reference.matching and self.chance.random() < 0.9:
                fitting = [
                    t.id
                    for t in self.world.things[reference.to]
                    if all(
                        t.values.get(theirs) == body.get(ours, place.get(ours))
                        for theirs, ours in reference.matching.items()
                    )
                ]
                body[member] = self.chance.choice(fitting) if fitting else body[member]
        if not self.careful and self.chance.random() < 0.1:
            return self._wronged(operation, body)
        return orjson.dumps(body)

    def _value(self, operation: OperationBehaviour, path: str, who: str | None) -> Any:
        kind, member = operation.resource, operation.endpoint.request_members[path]
        if kind is not None and path in kind.references:
            return self._id(kind.references[path].to, who)
        if member.values:
            return self.chance.choice(member.values)
        made = sample(self.behaviour.document, member.schema, path, self.chance.randrange(5))
        if isinstance(made, int) and not isinstance(made, bool):
            return self.chance.randrange(1, 20)
        more = self.chance.choice(
            ["", " and more", " \N{SNOWMAN}", "\n", f" {self.chance.random()}"]
        )
        return f"{made}{more}" if isinstance(made, str) else made

    def _wronged(self, operation: OperationBehaviour, body: dict[str, Any]) -> bytes:
        if self.chance.random() < 0.15:
            return self.chance.choice([b"{", b"", b"[]", b"null", b'"x"', b"{}x"])
        name = self.chance.choice(list(operation.endpoint.request_members) or [""])
        wrong = self.chance.choice(WRONG)
        body[name] = wrong
        return orjson.dumps({n: v for n, v in body.items() if v is not ...})

    def _altered(self, operation: OperationBehaviour, body: bytes) -> bytes:
        try:
            sent = orjson.loads(body)
            name = self.chance.choice(list(sent))
            sent[name] = self._value(operation, name, self.solvent[0])
            return orjson.dumps(sent)
        except (ValueError, KeyError, TypeError, IndexError):
            return body

    # Looking

    def _address(self, operation: OperationBehaviour, who: str | None) -> None:
        kind = operation.resource
        things: list[Thing] = self.world.things[kind.kind] if kind is not None else []
        own = [t for t in things if t.owner == who and not t.gone]
        thing = self.chance.choice(own[-12:]) if own and self.chance.random() < 0.7 else None
        if thing is None and things and self.chance.random() < 0.6:
            thing = self.chance.choice(things)
        path = {}
        for name, member in kind.path.items() if kind is not None else ():
            value = thing.values.get(member) if thing is not None else f"{kind.prefix}nobodys"  # type: ignore[union-attr]
            path[name] = thing.id if thing is not None and kind and member == kind.id else value
            if self.chance.random() < 0.05:
                path[name] = f"{path[name]}x"
        body = self._body(operation, who, path)
        for _ in range(self.chance.choice([1, 1, 2])):
            self._send(operation, who, path, body=body)
        if kind is not None and operation.role in {"update", "delete"}:
            for other in filter(None, (kind.read, kind.list)):
                self._send(self.behaviour.of(other), who, path)

    def _walk(self, operation: OperationBehaviour, who: str | None) -> None:
        listing, place = operation.listing, self._place(operation, who)
        assert listing is not None
        query: dict[str, Any] = {}
        for name, parameter in operation.endpoint.parameters_in("query").items():
            if name in {listing.cursor, listing.offset, listing.size}:
                continue
            if parameter.get("required") or self.chance.random() < 0.3:
                query[name] = self._wanted(operation, name, who)
        if self.chance.random() < 0.05 and query:
            del query[self.chance.choice(list(query))]
        if listing.size is not None and self.chance.random() < 0.7:
            query[listing.size] = self.chance.choice([1, 2, 3, 5, 20])
        for page in range(self.chance.choice([1, 2, 6])):
            answer = self._send(operation, who, place, query=query)
            cursor = take(answer.body, listing.next) if listing.next is not None else None
            if listing.cursor is not None and isinstance(cursor, str):
                query[listing.cursor] = cursor
                if self.chance.random() < 0.02:
                    query[listing.cursor] = f"{cursor}x"
            elif listing.offset is not None and answer.status < 300:
                query[listing.offset] = (page + 1) * (int(query.get(listing.size or "") or 20))
            else:
                break

    def _wanted(self, operation: OperationBehaviour, name: str, who: str | None) -> Any:
        listing, kind = operation.listing, operation.resource
        schema = operation.endpoint.parameters[name]["schema"]
        if self.chance.random() < 0.05:
            return "wrong"
        if schema.get("enum"):
            return self.chance.choice(schema["enum"])
        stated = listing.filters.get(name) if listing is not None else None
        if kind is None or stated is None:
            return "n"
        if stated.member in kind.references:
            return self._id(kind.references[stated.member].to, who)
        known = [t.values.get(stated.member) for t in self.world.things[kind.kind]]
        return self.chance.choice([v for v in known if v is not None] or ["n"])
