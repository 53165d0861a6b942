"""Any resource: found from the time it was made, what was written to it, gone when deleted."""

from __future__ import annotations

from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from flora_contract.conformance.exchange import OTHER, OWNER, at, url_parts
from flora_contract.conformance.ledger import forgets, question
from flora_contract.conformance.oracle import Verdict, held, number, oracle, verdict
from flora_contract.conformance.oracles.validation import is_open
from flora_contract.conformance.refusals import path_known, refused, statuses, uncertain_references
from flora_contract.conformance.values import MODEST

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from flora_contract.conformance.exchange import Exchange
    from flora_contract.conformance.ledger import Instance, Ledger, ListPage, Observation
    from flora_contract.openapi.behaviour import OperationBehaviour, Resource


@oracle("valid-accepted", "exchange")
def valid_accepted(exchange: Exchange, ledger: Ledger) -> Iterator[Verdict]:
    """A valid request of an account that may make it is done."""
    operation = exchange.operation
    if operation is None or operation.role is None or exchange.credential not in {OWNER, OTHER}:
        return
    excused = statuses(exchange, "wrong-key", "no-credits", "used-key")
    if not exchange.decided or exchange.status in excused or exchange.breaches:
        return
    if _surely_valid(exchange, operation, ledger):
        # What only some values bring about is a cause of its own.
        sent = operation.charges.by if operation.charges is not None else None
        value = at(exchange.sent_object, sent) if sent is not None else None
        yield verdict(
            exchange.succeeded,
            exchange,
            expected=str(operation.endpoint.success),
            seen=exchange.status,
            subject=str(value or ", ".join(sorted(exchange.request.query))),
        )


def _surely_valid(exchange: Exchange, operation: OperationBehaviour, ledger: Ledger) -> bool:
    """Whether nothing in a request is left to the server to judge."""
    named = ledger.instance(exchange)
    if operation.resource is not None and operation.resource.id_parameter is not None:
        asked = operation.resource.id_parameter in exchange.path_parameters
        if asked and (named is None or named.creation is None or named.gone(exchange)):
            return False
        if named is not None and named.misplaced(exchange):
            return False
        if asked and named is not None and named.creation is not None:
            made = named.creation.exchange
            if made.credential != exchange.credential or not made.before(exchange):
                return False
    if uncertain_references(exchange, ledger) or _under_used_key(exchange, ledger):
        return False
    if not path_known(exchange, ledger):
        return False
    return _ordinary_body(exchange, operation) and _ordinary_query(exchange, operation, ledger)


def _ordinary_body(exchange: Exchange, operation: OperationBehaviour) -> bool:
    """Whether a body holds no text that may be refused for what it says, and nothing untold."""
    members = operation.endpoint.request_members
    for name, value in exchange.sent_object.items():
        if name not in members or (is_open(members[name].schema) and value):
            return False
        if isinstance(value, str) and not _ordinary(value):
            return False
    return True


def _ordinary(text: str) -> bool:
    return len(text) <= MODEST and text.isprintable() and bool(text.strip())


def _ordinary_query(exchange: Exchange, operation: OperationBehaviour, ledger: Ledger) -> bool:
    query, listing = exchange.request.query, operation.listing
    if any(len(values) > 1 or not values[0] for values in query.values()):
        return False
    if set(query) - set(operation.endpoint.parameters_in("query")):
        return False
    cursor = query.get(listing.cursor) if listing is not None and listing.cursor else None
    if listing is None or cursor is None:
        return True
    asked = (exchange.credential.name, *question(exchange, listing))
    return any(p.next == cursor[0] and p.question == asked for p in ledger.pages)


def _under_used_key(exchange: Exchange, ledger: Ledger) -> bool:
    return any(
        e.number < exchange.number and e.credential == exchange.credential and e.succeeded
        for e in ledger.uses.get(exchange.key or "", ())
    )


@oracle("found", "instance", basis="read")
def found(instance: Instance, _ledger: Ledger) -> Iterator[Verdict]:
    """What was made can be read from then on, until it is deleted."""
    creation = instance.creation
    if creation is None:
        return
    reader = creation.exchange.credential
    looks = [e for e in instance.asked if e.operation and e.operation.role == "read"]
    for exchange in looks:
        # A wrong key is not told from a right one in recorded traffic.
        excused = exchange.status in statuses(exchange, "wrong-key")
        if not exchange.decided or excused or exchange.credential != reader:
            continue
        if instance.misplaced(exchange):
            continue
        if creation.exchange.before(exchange) and not instance.gone(exchange):
            before = [o.exchange for o in instance.of("read") if o.exchange.before(exchange)]
            yield verdict(
                exchange.succeeded,
                creation.exchange,
                *before[-1:],
                exchange,
                expected=str(exchange.operation.endpoint.success) if exchange.operation else "",
                seen=exchange.status,
            )


@oracle("id-echoed", "instance", basis="id")
def id_echoed(instance: Instance, _ledger: Ledger) -> Iterator[Verdict]:
    """What is read, changed or deleted has the id that was asked for."""
    kind = instance.kind
    looks = [(s.exchange, s.get(kind.id)) for s in instance.of("read", "update", "act")]
    deleted = [(d, at(d.answer, kind.id)) for d in instance.deletions]
    for exchange, shown in [*looks, *((d, shown) for d, shown in deleted if shown is not None)]:
        yield verdict(
            str(shown) == instance.id,
            exchange,
            expected=instance.id,
            seen=shown,
            subject=kind.id,
        )


@oracle("aliases-agree", "instance", basis="aliases")
def aliases_agree(instance: Instance, _ledger: Ledger) -> Iterator[Verdict]:
    """Members that hold the same id hold the same."""
    kind = instance.kind
    for seen in instance.observations:
        for alias in kind.aliases:
            if seen.get(alias) is not None and seen.get(kind.id) is not None:
                yield verdict(
                    seen.get(alias) == seen.get(kind.id),
                    seen.exchange,
                    expected=seen.get(kind.id),
                    seen=seen.get(alias),
                    subject=alias,
                )


@oracle("id-prefix", "instance", basis="prefix, id")
def id_prefix(instance: Instance, _ledger: Ledger) -> Iterator[Verdict]:
    """Ids begin with what is stated."""
    kind = instance.kind
    for seen in instance.observations if kind.prefix else ():
        yield verdict(
            str(seen.get(kind.id)).startswith(kind.prefix),
            seen.exchange,
            expected=f"{kind.prefix}…",
            seen=seen.get(kind.id),
            subject=kind.id,
        )


@oracle("link-to-itself", "instance", basis="link")
def link_to_itself(instance: Instance, ledger: Ledger) -> Iterator[Verdict]:
    """The link of a resource leads to it."""
    kind = instance.kind
    if kind.link is None or kind.read is None:
        return
    template = ledger.behaviour.of(kind.read).endpoint.path.strip("/").split("/")
    base = url_parts(ledger.base_url)
    for seen in instance.observations:
        url, shown = seen.get(kind.link), seen.get(kind.id)
        if isinstance(url, str) and shown is not None:
            parts = url_parts(url)
            own = f"{{{kind.id_parameter}}}"
            wanted = [str(shown) if part == own else part for part in template]
            last = parts.path.rstrip("/").split("/")[-len(wanted) :]
            # Of another host is not known below which path the API stands there.
            here = (parts.scheme, parts.netloc) == (base.scheme, base.netloc)
            inside = not here or parts.path.startswith(base.path)
            yield verdict(
                inside and all(w == p or w[:1] == "{" for w, p in zip(wanted, last, strict=False)),
                seen.exchange,
                expected=f"a URL that leads to {shown}",
                seen=url,
                subject=kind.link,
            )


# What was written is shown

# id, the rule, what it judges by
WRITTEN = (
    ("echoed", "What was sent when a resource was made is shown of it, the same everywhere."),
    ("update-kept", "What an update has changed is shown, and nothing else has changed."),
    ("refused-changes-nothing", "A request that was refused has changed nothing."),
)


def _written(rule: str) -> Callable[[Instance, Ledger], Iterator[Verdict]]:
    def judge(instance: Instance, _ledger: Ledger) -> Iterator[Verdict]:
        yield from (given for name, given in _shown(instance, instance.size) if name == rule)

    return judge


for _id, _sentence in WRITTEN:
    oracle(_id, "instance", basis="shows", sentence=_sentence)(_written(_id))


@lru_cache(maxsize=1)
def _shown(instance: Instance, _size: int) -> list[tuple[str, Verdict]]:
    """What each look shows, against what was written last, or shown first where nothing was."""
    given: list[tuple[str, Verdict]] = []
    for sent, shown in instance.kind.shows.items():
        if shown is not None:
            given += _history(instance, sent, shown)
    return given


def _history(instance: Instance, sent: str, shown: str) -> Iterator[tuple[str, Verdict]]:
    looks = {o.exchange: o for o in instance.observations}
    events = sorted({*instance.writes, *looks}, key=lambda e: e.number)
    last: tuple[Exchange, Any] | None = None
    updated = False
    for event in events:
        if event in instance.writes:
            updated = updated or event is not instance.writes[0]
            value = _sent(instance.kind, event, sent)
            if value is not ...:
                last = event, value
            elif forgets(event):
                last = None
        look = looks.get(event)
        seen = look.get(shown) if look is not None else None
        # Null may say that it is not shown here; of an update it says that it was lost.
        if look is None or (seen is None and not (updated and look.role == "read")):
            continue
        if last is None:
            last = (event, seen) if seen is not None else None
            continue
        rule = _rule_broken(instance, sent, last, event, seen, updated=updated)
        if last[0] is event or last[0].before(event):
            yield (
                rule,
                verdict(
                    _same_value(seen, last[1]),
                    last[0],
                    event,
                    expected=last[1],
                    seen=seen,
                    subject=shown,
                ),
            )


def _same_value(one: Any, two: Any) -> bool:
    """Equal as JSON: true is not 1."""
    return bool(one == two) and isinstance(one, bool) == isinstance(two, bool)


def _sent(kind: Resource, write: Exchange, member: str) -> Any:
    """What a request gives a member; `...` where it says nothing of it."""
    held_by = next((p for p, m in kind.path.items() if m == member), None)
    if held_by is not None and held_by in write.path_parameters:
        return write.path_parameters[held_by]
    *parents, name = member.split(".")
    inside = at(write.sent_object, ".".join(parents)) if parents else write.sent_object
    return inside[name] if isinstance(inside, dict) and name in inside else ...


def _rule_broken(
    instance: Instance,
    sent: str,
    last: tuple[Exchange, Any],
    event: Exchange,
    seen: Any,
    *,
    updated: bool,
) -> str:
    """Which rule a look breaks if it does not show what was written last."""
    for attempt in instance.asked:
        between = not attempt.succeeded and last[0].number < attempt.number < event.number
        if between and seen is not None and _same_value(_sent(instance.kind, attempt, sent), seen):
            return "refused-changes-nothing"
    return "update-kept" if updated else "echoed"


@oracle("constant", "instance", basis="constant, created")
def constant(instance: Instance, _ledger: Ledger) -> Iterator[Verdict]:
    """Members that never change are the same in every answer, and so is the time of creation."""
    kind = instance.kind
    times = kind.life.times if kind.life is not None else ()
    created = [kind.created] if kind.created is not None and kind.created not in times else []
    for member in (*kind.constant, *created):
        seen = [o for o in instance.observations if o.get(member) is not None]
        for look in seen[1:]:
            yield verdict(
                look.get(member) == seen[0].get(member),
                seen[0].exchange,
                look.exchange,
                expected=seen[0].get(member),
                seen=look.get(member),
                subject=member,
            )


@oracle("updated-sane", "instance", basis="updated")
def updated_sane(instance: Instance, _ledger: Ledger) -> Iterator[Verdict]:
    """The time of the last change is not before that of the creation, and never goes back."""
    kind = instance.kind
    seen = [(o, t) for o in instance.observations if (t := number(o.get(kind.updated))) is not None]
    for look, updated in seen:
        created = number(look.get(kind.created))
        if created is not None:
            yield verdict(
                updated >= created,
                look.exchange,
                expected=f"{kind.updated} not before {kind.created}",
                seen=f"{created}, then {updated}",
                subject=str(kind.updated),
            )
    for (earlier, before), (later, after) in pairwise(seen):
        if earlier.exchange.before(later.exchange):
            yield verdict(
                after >= before,
                earlier.exchange,
                later.exchange,
                expected=f"{before} or later",
                seen=after,
                subject=str(kind.updated),
            )


@oracle("item-agrees", "instance", basis="list")
def item_agrees(instance: Instance, _ledger: Ledger) -> Iterator[Verdict]:
    """A resource that does not change any more is the same in a list as when it is read."""
    settled = [o for o in instance.looks if o.final or instance.kind.life is None]
    read, listed = ([o for o in settled if o.role == r] for r in ("read", "list"))
    for item in listed[:1] + listed[1:][-1:]:
        look = next((r for r in read if _untouched(instance, r, item)), None)
        if look is not None:
            yield from agree(look, item, late=set(item.body) ^ set(look.body))


def _untouched(instance: Instance, one: Observation, two: Observation) -> bool:
    """Whether nothing was written to a resource between two looks."""
    first, last = sorted((one.exchange, two.exchange), key=lambda e: e.number)
    return not any(w.started < last.ended and not w.before(first) for w in instance.writes)


def agree(one: Observation, two: Observation, late: set[str]) -> Iterator[Verdict]:
    """Both show the same of what is documented; members of `late` may be missing on either side."""
    kind = one.kind
    documented = {
        path.partition(".")[0].removesuffix("[]")
        for look in (one, two)
        if look.exchange.operation is not None
        for path in look.exchange.operation.items
    } - {kind.updated}
    different = [
        name
        for name in sorted(documented)
        if _lasting(one.get(name)) != _lasting(two.get(name))
        and not (name in late and (one.get(name) is None or two.get(name) is None))
    ]
    for name in different:
        yield verdict(
            False,
            one.exchange,
            two.exchange,
            expected=f"{name} {one.get(name)!r} as before",
            seen=repr(two.get(name)),
            subject=name,
        )
    if not different:
        yield held(one.exchange, two.exchange)


def _lasting(value: Any) -> Any:
    """A value as it must stay: of an address not how it is signed."""
    if isinstance(value, dict):
        return {name: _lasting(child) for name, child in value.items()}
    if isinstance(value, list):
        return [_lasting(child) for child in value]
    if isinstance(value, str) and value.startswith(("http://", "https://")):
        return value.partition("?")[0]
    return value


# Gone


@oracle("deleted-gone", "instance", basis="delete")
def deleted_gone(instance: Instance, _ledger: Ledger) -> Iterator[Verdict]:
    """What was deleted is found no more."""
    for deletion in instance.deletions[:1]:
        for exchange in instance.asked:
            if not exchange.decided or exchange.breaches or not deletion.before(exchange):
                continue
            if exchange.credential == deletion.credential and exchange.operation is not None:
                yield refused(
                    exchange, "unknown-id", before=(deletion,), subject=str(exchange.operation.role)
                )


@oracle("deleted-unlisted", "page", basis="delete")
def deleted_unlisted(page: ListPage, ledger: Ledger) -> Iterator[Verdict]:
    """What was deleted is in no list any more."""
    kind = page.operation.resource
    for instance in ledger.of(kind) if kind is not None and kind.delete is not None else ():
        before = [d for d in instance.deletions if d.before(page.exchange)]
        if before:
            yield verdict(
                all(item.id != instance.id for item in page.items),
                before[0],
                page.exchange,
                expected=f"no {instance.id}",
                seen=f"{instance.id} among {len(page.items)} items",
            )


@oracle("ids-differ", "ledger", basis="create")
def ids_differ(ledger: Ledger) -> Iterator[Verdict]:
    """Two requests that make something get two."""
    first: dict[tuple[str, Any], Exchange] = {}
    for exchange in ledger.creations:
        kind = exchange.operation.resource if exchange.operation is not None else None
        made = at(exchange.answer, kind.id) if kind is not None else None
        if kind is None or not exchange.succeeded or not isinstance(made, str | int):
            continue
        other = first.setdefault((kind.kind, made), exchange)
        key, chosen = exchange.key, _sent(kind, exchange, kind.id) is not ...
        if other is exchange:
            yield held(exchange)
        elif (key is None or key != other.key) and not chosen:
            yield verdict(
                False, other, exchange, expected=f"a {kind.kind} of its own", seen=f"{made} again"
            )
