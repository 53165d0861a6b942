"""The ledger: every exchange of a run of the suite, or of recorded traffic, and views of them.

A plain object. It sends nothing and judges nothing; oracles are functions over it. What the views
are of (resources, lists, keys) is what the statements of behaviour name.
"""

from __future__ import annotations

import math
import threading
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flora_contract import shipped
from flora_contract.conformance.exchange import Credential, Exchange, at
from flora_contract.conformance.oracle import number

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from flora_contract.conformance.exchange import RecordedRequest, RecordedResponse
    from flora_contract.openapi.behaviour import (
        Behaviour,
        Listing,
        OperationBehaviour,
        Resource,
        Role,
        Statement,
    )


MANY = 16
"""So many times the window of one account is what is kept of all accounts together."""

GRACE, LATE = 15.0, 5.0
"""Seconds, and how many times its estimate, that something may take."""


@dataclass(frozen=True)
class Caller:
    """Somebody with a key. `places` are ids that belong together, each by its kind of resource."""

    credential: Credential
    places: tuple[Mapping[str, str], ...] = ()


@dataclass(frozen=True)
class Facts:
    """What is known about the accounts behind the keys. Empty for recorded traffic.

    `failing` are members of a request that makes something which is known to fail. `wait_seconds`
    is how long things may take to end; with `estimated` rather what their own estimates allow.
    """

    callers: tuple[Caller, ...] = ()
    failing: Mapping[str, Any] = field(default_factory=dict)
    wait_seconds: float | None = None
    estimated: bool = False

    def places(self, credential: Credential) -> tuple[Mapping[str, str], ...]:
        """Ids that are known to belong to an account."""
        return next((c.places for c in self.callers if c.credential == credential), ())


@dataclass(frozen=True, eq=False)
class Observation:
    """A resource as one exchange shows it."""

    exchange: Exchange
    kind: Resource
    role: Role
    id: str
    body: dict[str, Any]

    @cached_property
    def state(self) -> str | None:
        """The state shown; None where there is none."""
        life = self.kind.life
        state = self.get(life.state) if life is not None else None
        return state if isinstance(state, str) else None

    @property
    def final(self) -> bool:
        """Whether it is shown in a state that it will not leave."""
        return self.kind.life is not None and self.state in self.kind.life.final

    def get(self, path: str | None) -> Any:
        """A member's value; None where it is null or absent."""
        return at(self.body, path) if path is not None else None


@dataclass(eq=False)
class Instance:
    """Everything that was seen of one resource, in the order in which the answers came.

    `asked` are the requests whose path names it, `writes` those that made or changed it.
    """

    kind: Resource
    id: str
    asked: list[Exchange]
    observations: list[Observation] = field(default_factory=list)
    writes: list[Exchange] = field(default_factory=list)
    deletions: list[Exchange] = field(default_factory=list)
    seen: int = 0
    _last: dict[tuple[Any, ...], list[Observation]] = field(default_factory=dict)
    _told: dict[str, tuple[Any, list[tuple[Exchange, Any]], float]] = field(default_factory=dict)

    def see(self, observation: Observation) -> None:
        """Add what was seen. Of looks that show the same one after another, two are kept: the
        first and the last one tell all that those between them do."""
        self.seen += 1
        by = (observation.role, observation.exchange.operation_id, observation.exchange.credential)
        same = self._last.get(by, [])
        if not same or same[-1].body != observation.body:
            same = self._last[by] = []
        elif len(same) > 1:
            self.observations.remove(same.pop())
        same.append(observation)
        self.observations.append(observation)

    @property
    def creation(self) -> Observation | None:
        """The answer that made it, if it was recorded."""
        return next((o for o in self.observations if o.role == "create"), None)

    def of(self, *roles: Role) -> list[Observation]:
        """What operations of some roles showed of it."""
        return [o for o in self.observations if o.role in roles]

    @property
    def looks(self) -> list[Observation]:
        """What shows its state: for a kind without one, all."""
        if self.kind.life is None:
            return self.observations
        return [o for o in self.observations if o.state is not None]

    @cached_property
    def place(self) -> dict[str, str]:
        """What stands above it: what paths hold besides its id, by member."""
        first = next((o.exchange for o in self.observations), None)
        held = self.kind.path.items() if first is not None else ()
        return {
            member: first.path_parameters[name]
            for name, member in held
            if first is not None and member != self.kind.id and name in first.path_parameters
        }

    def misplaced(self, exchange: Exchange) -> bool:
        """Whether a request looks for it under something else than it was first seen under."""
        path = exchange.path_parameters
        return any(
            member in self.place and path.get(name, self.place[member]) != self.place[member]
            for name, member in self.kind.path.items()
        )

    @property
    def size(self) -> int:
        """Grows with everything that is learnt of it."""
        return len(self.asked) + self.seen

    def gone(self, exchange: Exchange) -> bool:
        """Whether it may have been deleted when an exchange ended."""
        return any(d.started < exchange.ended for d in self.deletions)

    def value(self, member: str, before: Exchange | None = None) -> Any:
        """What a member was when a request was sent, or is now; None where that is not certain.

        Members that come and go by themselves are certain in a final state only.
        """
        if member in self.place:
            return self.place[member]
        told, earliest = self._told_of(member)
        if before is not None:
            if earliest > before.started:
                return None
            told = [pair for pair in told if pair[0].before(before)]
        return max(told, key=lambda pair: pair[0].number)[1] if told else None

    def _told_of(self, member: str) -> tuple[list[tuple[Exchange, Any]], float]:
        """What answers and requests say of a member, and when the first of them came.

        Kept until more is learnt: lists ask for it again and again.
        """
        learnt = self.size, len(self.writes)
        if self._told.get(member, (None,))[0] != learnt:
            moving = self.kind.life is not None and member not in self._settled
            shown = [
                (o.exchange, o.get(member)) for o in self.observations if o.final or not moving
            ]
            told = [pair for pair in shown if pair[1] is not None]
            told += [
                (write, value)
                for write in (() if moving else self.writes)
                if (value := _written(self, write, member)) is not None or forgets(write)
            ]
            earliest = min((exchange.ended for exchange, _ in told), default=math.inf)
            self._told[member] = learnt, told, earliest
        return self._told[member][1:]

    @cached_property
    def _settled(self) -> frozenset[str]:
        kind = self.kind
        shown = {path or name for name, path in kind.shows.items()}
        held = {kind.id, kind.created or kind.id, *kind.aliases, *kind.constant}
        return frozenset(shown | held | set(kind.path.values()))


def forgets(write: Exchange) -> bool:
    """Whether what a request leaves out is not as it was: PUT replaces, an act may do anything."""
    acts = write.operation is not None and write.operation.role == "act"
    return acts or write.request.method == "PUT"


def _written(instance: Instance, write: Exchange, member: str) -> Any:
    """What a request gave a member."""
    kind = instance.kind
    sent = next((s for s, shown in kind.shows.items() if (shown or s) == member), member)
    return at(write.sent_object, sent)


@dataclass(frozen=True, eq=False)
class ListPage:
    """One page of a list, with what was asked for."""

    exchange: Exchange
    operation: OperationBehaviour
    listing: Listing
    items: list[Observation]

    @cached_property
    def filters(self) -> dict[str, str]:
        """The filters asked for, by their parameters."""
        query = self.exchange.request.query
        return {name: query[name][0] for name in self.listing.filters if name in query}

    @cached_property
    def position(self) -> str | None:
        """The cursor or offset asked for; None for the first page."""
        asked = self._asked(self.listing.cursor or self.listing.offset)
        return None if self.listing.offset is not None and asked == "0" else asked

    @cached_property
    def size(self) -> int | None:
        """The size asked for, where it is a number."""
        text = self._asked(self.listing.size) or ""
        return int(text) if text.isdecimal() else None

    @property
    def total(self) -> int | None:
        """How many items there are, as the page says."""
        total = at(self.exchange.answer, self.listing.total) if self.listing.total else None
        return total if isinstance(total, int) else None

    @property
    def maximum(self) -> int | None:
        """The largest size that the contract allows."""
        schema = self.operation.endpoint.parameters.get(self.listing.size or "", {})
        found = schema.get("schema", {}).get("maximum")
        return found if isinstance(found, int) else None

    @cached_property
    def next(self) -> str | None:
        """What leads to the page after it: the cursor that it shows, or the offset after it."""
        if self.listing.next is not None:
            cursor = at(self.exchange.answer, self.listing.next)
            return str(cursor) if isinstance(cursor, str | int) and cursor != "" else None
        offset = self.position or "0"
        if self.listing.offset is None or not self.items or not offset.isdecimal():
            return None
        left, size = int(offset) + len(self.items), self.size
        if size is not None and len(self.items) < min(size, self.maximum or size):
            return None
        return None if self.total is not None and left >= self.total else str(left)

    @cached_property
    def question(self) -> tuple[str, str, str]:
        """What all pages of one list have in common."""
        return (self.exchange.credential.name, *question(self.exchange, self.listing))

    def _asked(self, parameter: str | None) -> str | None:
        query = self.exchange.request.query
        return query[parameter][0] if parameter is not None and parameter in query else None


def question(exchange: Exchange, listing: Listing) -> tuple[str, str]:
    """Path and query but for the place in the list."""
    path = exchange.request.url.partition("?")[0]
    turning = {listing.cursor, listing.offset}
    query = sorted(i for i in exchange.request.query.items() if i[0] not in turning)
    return path, str(query)


@dataclass(eq=False)
class Walk:
    """Pages that follow one another; the first is that of the list."""

    pages: list[ListPage]


class Ledger:
    """Exchanges in order, and views of them that grow as they come.

    `uses` are creations by the key that names them. `replayed` are those that were answered with
    what their key had made before; of requests that met it cannot be told which one made it: all
    count as replayed. `count` is how many exchanges there were and `ended` when the last answer
    came, with those that are forgotten.
    """

    def __init__(self, behaviour: Behaviour, base_url: str, facts: Facts | None = None) -> None:
        self.behaviour = behaviour
        self.base_url = base_url
        self.facts = facts or Facts()
        self.exchanges: list[Exchange] = []
        self.count = 0
        self.ended = 0.0
        self._lock = threading.Lock()
        self._begin()

    def _begin(self) -> None:
        """Views of nothing."""
        self.instances: dict[tuple[str, str], Instance] = {}
        self.pages: list[ListPage] = []
        self.creations: list[Exchange] = []
        self.uses: dict[str, list[Exchange]] = {}
        self.replayed: set[Exchange] = set()
        self.walks: list[Walk] = []
        self._kinds: dict[str, list[Instance]] = {}
        self._asked: dict[tuple[str, str], list[Exchange]] = {}
        self._told: dict[tuple[str, str], set[str]] = {}
        self._first_under: dict[tuple[str, str, str], Exchange] = {}
        self._open_walks: dict[tuple[Any, ...], Walk] = {}

    # What oracles and steps ask

    def of(self, kind: Resource) -> list[Instance]:
        """What was seen of a kind of resource."""
        return list(self._kinds.get(kind.kind, ()))

    def made(self) -> Iterator[tuple[Instance, Observation]]:
        """What recorded requests have made, and the answers that say so."""
        for instance in list(self.instances.values()):
            if (creation := instance.creation) is not None:
                yield instance, creation

    def patience(self, instance: Instance) -> float | None:
        """Seconds that something has to end, by its estimate where it has one."""
        most, life, creation = self.facts.wait_seconds, instance.kind.life, instance.creation
        if not self.facts.estimated or most is None or life is None or creation is None:
            return most
        estimate = number(creation.get(life.estimate))
        return most if estimate is None else min(most, GRACE + max(0.0, estimate) * LATE)

    def instance(self, exchange: Exchange) -> Instance | None:
        """The resource that the path of a request names, as far as it was seen."""
        named = named_by(exchange)
        return self.instances.get((named[0].kind, named[1])) if named is not None else None

    def ids(self, kind: Resource, credential: Credential) -> list[str]:
        """Ids that an account can use: those of its places, what it has made, seen or been told."""
        own = [p[kind.kind] for p in self.facts.places(credential) if kind.kind in p]
        seen = [i.id for i in self.of(kind) if not i.deletions and _usable(i, credential)]
        return list(dict.fromkeys([*own, *seen, *self._mentioned(kind, credential)]))

    def knows(self, kind: Resource, id_: str, credential: Credential) -> bool:
        """Whether an account is known to be able to use an id."""
        if any(p.get(kind.kind) == id_ for p in self.facts.places(credential)):
            return True
        instance = self.instances.get((kind.kind, id_))
        if instance is not None and not instance.deletions and _usable(instance, credential):
            return True
        return id_ in self._mentioned(kind, credential)

    def _mentioned(self, kind: Resource, credential: Credential) -> set[str]:
        """Ids of a kind that answers about other resources show."""
        return self._told.get((kind.kind, credential.name), set())

    def owner(self, kind: Resource, id_: str) -> Credential | None:
        """The account that a resource belongs to, where that is known and it is nobody else's."""
        if kind.owner == "everyone":
            return None
        for caller in self.facts.callers:
            if any(place.get(kind.kind) == id_ for place in caller.places):
                return caller.credential
        instance = self.instances.get((kind.kind, id_))
        creation = instance.creation if instance is not None else None
        return creation.exchange.credential if creation is not None else None

    def references(self, exchange: Exchange) -> Iterator[tuple[str, Resource, str]]:
        """References in a request: location and member, kind and id."""
        kind = exchange.operation.resource if exchange.operation is not None else None
        for member, reference in kind.references.items() if kind is not None else ():
            target = self.behaviour.kind(reference.to)
            sent = at(exchange.sent_object, member)
            if isinstance(sent, str):
                yield member, target, sent
            for value in exchange.request.query.get(member, ()):
                yield member, target, value

    def taken(self, kind: Resource, id_: str, before: Exchange) -> Exchange | None:
        """A request that an account was answered well, before another, and that refers to an id."""
        return next(
            (
                e
                for e in self.exchanges
                if e.succeeded
                and e.credential == before.credential
                and e.before(before)
                and any(to is kind and sent == id_ for _, to, sent in self.references(e))
            ),
            None,
        )

    def where(self, statement: Statement) -> str:
        """File and line of a statement, as a report names them."""
        location = self.behaviour.document.locate(statement.pointer)
        path = Path(location.file)
        if path.is_relative_to(shipped.ROOT):
            return f"{path.relative_to(shipped.ROOT).as_posix()}:{location.line}"
        return f"{path.name}:{location.line}"

    # How it grows

    def exchange_of(
        self, request: RecordedRequest, credential: Credential, **more: Any
    ) -> Exchange:
        """An exchange that is not recorded: what a request would be."""
        endpoint, parameters = self.behaviour.contract.match(request.method, request.url)
        return Exchange(
            number=self.count + 1,
            request=request,
            credential=credential,
            operation=self.behaviour.of(endpoint.id) if endpoint is not None else None,
            path_parameters=parameters,
            **more,
        )

    def record(
        self,
        request: RecordedRequest,
        response: RecordedResponse | None,
        *,
        credential: Credential,
        **more: Any,
    ) -> Exchange:
        """Append an exchange; requests of several threads come in the order of their answers."""
        with self._lock:
            exchange = self.exchange_of(request, credential, response=response, **more)
            self.exchanges.append(exchange)
            self.count += 1
            self.ended = max(self.ended, exchange.ended)
            self._index(exchange)
        return exchange

    def outdated(self, window: float) -> set[Exchange]:
        """What lies further back than the last bytes of its account, or of many accounts together.

        None until it is as much as what stays: so much is not done over for little.
        """
        room = dict.fromkeys((e.credential.name for e in self.exchanges), window)
        everyones, kept, outdated = MANY * window, 0, {}
        for exchange in reversed(self.exchanges):
            account = exchange.credential.name
            if room[account] > 0 and everyones > 0:
                room[account] -= exchange.weight
                everyones -= exchange.weight
                kept += exchange.weight
            else:
                outdated[exchange] = exchange.weight
        return set(outdated) if sum(outdated.values()) >= kept else set()

    def forget(self, exchanges: set[Exchange]) -> None:
        """Leave what a ledger would be that had begun without some exchanges."""
        with self._lock:
            self.exchanges = [e for e in self.exchanges if e not in exchanges]
            self._begin()
            for exchange in self.exchanges:
                self._index(exchange)

    def _index(self, exchange: Exchange) -> None:
        operation = exchange.operation
        if operation is None or operation.resource is None or exchange.staged:
            return
        kind, role = operation.resource, operation.role
        if role == "create":
            self.creations.append(exchange)
            if exchange.key:
                self.uses.setdefault(exchange.key, []).append(exchange)
        named = named_by(exchange)
        if named is not None:
            self._asked.setdefault((named[0].kind, named[1]), []).append(exchange)
        if not exchange.succeeded:
            return
        if operation.listing is not None:
            page = self._page(exchange, operation, operation.listing)
            self.pages.append(page)
            self._join(page)
        elif role == "create":
            self._made(exchange, kind)
        elif named is not None:
            # Filed under the id asked for: what the answer calls itself is for an oracle to judge.
            self._seen(exchange, kind, named[1])

    def _keep(self, kind: Resource, id_: str) -> Instance:
        key = kind.kind, id_
        if key not in self.instances:
            self.instances[key] = Instance(kind, id_, self._asked.setdefault(key, []))
            self._kinds.setdefault(kind.kind, []).append(self.instances[key])
        return self.instances[key]

    def _made(self, exchange: Exchange, kind: Resource) -> None:
        body = exchange.answer_object
        made = at(body, kind.id)
        if not isinstance(made, str | int) or made == "":
            return
        instance = self._keep(kind, str(made))
        if not self._is_replay(exchange, str(made)):  # which shows what was, and not what is
            instance.writes.append(exchange)
            instance.see(Observation(exchange, kind, "create", str(made), body))
        for member, reference in kind.references.items():
            shown = at(body, kind.shows.get(member) or "")
            if isinstance(shown, str):
                told = self._told.setdefault((reference.to, exchange.credential.name), set())
                told.add(shown)

    def _seen(self, exchange: Exchange, kind: Resource, id_: str) -> None:
        assert exchange.operation is not None
        instance, role = self._keep(kind, id_), exchange.operation.role
        if role == "delete":
            instance.deletions.append(exchange)
            return
        if role in {"update", "act"}:
            instance.writes.append(exchange)
        body = exchange.answer_object
        if role is not None and (role == "read" or at(body, kind.id) is not None):
            instance.see(Observation(exchange, kind, role, id_, body))

    def _is_replay(self, exchange: Exchange, made: str) -> bool:
        """Whether a creation shows what its key had made before."""
        if not exchange.key:
            return False
        account = (exchange.credential.name, str(exchange.operation_id), exchange.key)
        first = self._first_under.setdefault(account, exchange)
        assert exchange.operation is not None
        assert exchange.operation.resource is not None
        if first is exchange or at(first.answer, exchange.operation.resource.id) != made:
            return False
        self.replayed.add(exchange)
        if not first.before(exchange):
            self.replayed.add(first)
        return True

    def _page(
        self, exchange: Exchange, operation: OperationBehaviour, listing: Listing
    ) -> ListPage:
        assert operation.resource is not None
        items = at(exchange.answer, listing.items)
        shown = [i for i in items if isinstance(i, dict)] if isinstance(items, list) else []
        seen = list(self._listed(exchange, operation.resource, shown))
        return ListPage(exchange, operation, listing, seen)

    def _listed(
        self, exchange: Exchange, kind: Resource, items: Iterable[dict[str, Any]]
    ) -> Iterator[Observation]:
        for item in items:
            id_ = at(item, kind.id)
            name = str(id_) if isinstance(id_, str | int) else ""
            observation = Observation(exchange, kind, "list", name, item)
            if name:
                self._keep(kind, name).see(observation)
            yield observation

    def _join(self, page: ListPage) -> None:
        """Append a page to the walk that it goes on with, or begin a walk with it."""
        if page.position is None:
            walk = Walk([page])
            self.walks.append(walk)
        else:
            found = self._open_walks.pop((*page.question, page.position), None)
            if found is None:
                return
            walk = found
            walk.pages.append(page)
        if page.next is not None:
            self._open_walks[*page.question, page.next] = walk


def _usable(instance: Instance, credential: Credential) -> bool:
    everyones = instance.kind.owner == "everyone"
    seen = instance.observations
    return any(everyones or o.exchange.credential == credential for o in seen)


def named_by(exchange: Exchange) -> tuple[Resource, str] | None:
    """Kind and id of the resource that the path of a request names; None for none."""
    kind = exchange.operation.resource if exchange.operation is not None else None
    parameter = kind.id_parameter if kind is not None else None
    id_ = exchange.path_parameters.get(parameter) if parameter is not None else None
    return (kind, id_) if kind is not None and id_ is not None else None
