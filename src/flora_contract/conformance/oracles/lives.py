"""Any resource that moves by itself: what each look must have in common with the looks before."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime
from email.utils import parsedate_to_datetime
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from flora_contract.conformance.oracle import Severity, Verdict, number, oracle, verdict
from flora_contract.conformance.oracles.resources import agree

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flora_contract.conformance.exchange import Exchange
    from flora_contract.conformance.ledger import Instance, Ledger, Observation


def _successive(instance: Instance) -> Iterator[tuple[Observation, Observation]]:
    """Looks of which the first was answered before the second was asked for."""
    for earlier, later in pairwise(instance.looks):
        if earlier.exchange.before(later.exchange):
            yield earlier, later


@oracle("state-forward", "instance", basis="life.order")
def state_forward(instance: Instance, _ledger: Ledger) -> Iterator[Verdict]:
    """A state only moves forward, step by step, and the last one is for good."""
    life = instance.kind.life
    for earlier, later in _successive(instance) if life is not None else ():
        assert life is not None
        before, after = life.rank(earlier.state), life.rank(later.state)
        if before is not None and after is not None:
            left = earlier.final and later.state != earlier.state
            yield verdict(
                after >= before and not left,
                earlier.exchange,
                later.exchange,
                expected=f"{earlier.state} or later",
                seen=f"{later.state} after {earlier.state}",
                subject=life.state,
            )


@oracle("grows", "instance", basis="life.grows")
def grows(instance: Instance, _ledger: Ledger) -> Iterator[Verdict]:
    """What grows never shrinks, unless the resource fails."""
    life = instance.kind.life
    if life is None or life.grows is None:
        return
    for earlier, later in _successive(instance):
        before, after = number(earlier.get(life.grows)), number(later.get(life.grows))
        if before is not None and after is not None and later.state not in life.failed:
            yield verdict(
                after >= before,
                earlier.exchange,
                later.exchange,
                expected=f"{before} or more",
                seen=after,
                subject=life.grows,
            )


@oracle("final-is-constant", "instance", basis="life.order")
def final_is_constant(instance: Instance, _ledger: Ledger) -> Iterator[Verdict]:
    """What has come to its last state does not change any more."""
    late = {instance.kind.cost} if instance.kind.cost is not None else set()
    for role in ("read", "list"):
        for earlier, later in pairwise(o for o in instance.looks if o.role == role and o.final):
            yield from agree(earlier, later, late=late)


def _empty(value: Any) -> bool:
    return value is None or value == "" or value == [] or value == {}


@oracle("member-in-its-states", "instance", basis="life.members")
def member_in_its_states(instance: Instance, _ledger: Ledger) -> Iterator[Verdict]:
    """A member that belongs to some states is shown in no other."""
    life = instance.kind.life
    for seen in instance.looks if life is not None else ():
        assert life is not None
        for presence in life.members.values():
            if life.rank(seen.state) is not None and seen.state not in presence.states:
                yield verdict(
                    _empty(seen.get(presence.member)),
                    seen.exchange,
                    expected=f"no {presence.member} while {seen.state}",
                    seen=repr(seen.get(presence.member)),
                    subject=presence.member,
                )


@oracle("member-required-in-state", "instance", basis="life.members")
def member_required_in_state(instance: Instance, _ledger: Ledger) -> Iterator[Verdict]:
    """A member that a state must have is there when the resource is read."""
    kind, life = instance.kind, instance.kind.life
    role = "read" if kind.read is not None else "list"
    for seen in instance.looks if life is not None else ():
        assert life is not None
        for presence in life.members.values():
            if presence.required and seen.state in presence.states and seen.role == role:
                value = seen.get(presence.member)
                yield verdict(
                    not _empty(value),
                    seen.exchange,
                    expected=f"{presence.member} when {seen.state}",
                    seen=repr(value),
                    subject=presence.member,
                    severity=Severity(presence.severity) if presence.severity else None,
                )


@oracle("times-in-order", "instance", basis="life.times")
def times_in_order(instance: Instance, _ledger: Ledger) -> Iterator[Verdict]:
    """The times of a resource are in the order of the states that they tell of."""
    life = instance.kind.life
    for seen in instance.looks if life is not None else ():
        assert life is not None
        times = [(n, t) for n in life.times if (t := number(seen.get(n))) is not None]
        for (name, earlier), (next_name, later) in pairwise(times):
            yield verdict(
                earlier <= later,
                seen.exchange,
                expected=f"{name} not after {next_name}",
                seen=f"{name} {earlier}, {next_name} {later}",
                subject=next_name,
            )


SLACK = 2.0
"""Seconds by which times may miss each other: some tell whole ones."""

OTHER_CLOCK = 86_400.0
"""Seconds by which the clock of what is kept may differ from that of the answers."""


def _moment(value: Any) -> float | None:
    """A time in seconds since 1970; larger numbers are milliseconds."""
    if isinstance(value, str):
        with suppress(ValueError):
            return datetime.fromisoformat(value).timestamp()
        return None
    told = number(value)
    return told / 1000 if told is not None and told > 1e11 else told


def _made_at(instance: Instance, ledger: Ledger) -> tuple[Exchange, float] | None:
    """The request that made something, and when that was by its own account."""
    creation, life = instance.creation, instance.kind.life
    if creation is None or life is None or not life.times or ledger.facts.wait_seconds is None:
        return None
    told = (_moment(o.get(life.times[0])) for o in instance.observations)
    made = next((t for t in told if t is not None), None)
    if made is None or creation.exchange in ledger.replayed:
        return None
    return creation.exchange, made


@oracle("times-as-watched", "instance", basis="life.times")
def times_as_watched(instance: Instance, ledger: Ledger) -> Iterator[Verdict]:
    """The times of a resource are those between which it was seen to come to its states."""
    life, made = instance.kind.life, _made_at(instance, ledger)
    if life is None or made is None:
        return
    creation, began = made
    ranked = [(o, r) for o in instance.of("read") if (r := life.rank(o.state)) is not None]
    for name in life.times:
        presence = life.members.get(name)
        shown = next((o for o, _ in reversed(ranked) if _moment(o.get(name)) is not None), None)
        if presence is None or shown is None:
            continue
        reached = min(r for state in presence.states if (r := life.rank(state)) is not None)
        earlier = [o.exchange.started - creation.ended for o, r in ranked if r < reached]
        later = [o.exchange.ended - creation.started for o, r in ranked if r >= reached]
        after = (_moment(shown.get(name)) or 0.0) - began
        lower, upper = max(earlier, default=0.0), min(later, default=after)
        yield verdict(
            lower - SLACK <= after <= upper + SLACK,
            creation,
            shown.exchange,
            expected=f"{name} {lower:.1f} to {upper:.1f} s after {life.times[0]}",
            seen=f"{after:.1f} s",
            subject=name,
        )


@oracle("clock", "ledger", basis="life.times")
def clock(ledger: Ledger) -> Iterator[Verdict]:
    """Times of creation are by one clock, and that is about the one that answers are dated by."""
    first: dict[str, tuple[Exchange, float]] = {}
    for instance in ledger.instances.values():
        made = _made_at(instance, ledger)
        if made is None:
            continue
        creation, began = made
        dated = creation.response.header("date") if creation.response is not None else None
        with suppress(ValueError, TypeError):
            date = parsedate_to_datetime(str(dated)).timestamp()
            yield verdict(
                abs(date - began) < OTHER_CLOCK,
                creation,
                expected=f"a time about {date:.0f}",
                seen=f"{began:.0f}",
                subject="date",
            )
        other, start = first.setdefault(instance.kind.kind, made)
        passed = creation.started - other.started
        yield verdict(
            abs(began - start - passed) <= SLACK + creation.elapsed + other.elapsed,
            other,
            creation,
            expected=f"{passed:.1f} s after the first",
            seen=f"{began - start:.1f} s",
            subject="between two",
        )


@oracle("times-constant", "instance", basis="life.times")
def times_constant(instance: Instance, _ledger: Ledger) -> Iterator[Verdict]:
    """The times of a resource do not change once they are there."""
    life = instance.kind.life
    for name in life.times if life is not None else ():
        assert life is not None
        seen = [o for o in instance.looks if o.get(name) is not None]
        for look in seen[1:]:
            yield verdict(
                look.get(name) == seen[0].get(name),
                seen[0].exchange,
                look.exchange,
                expected=f"{name} {seen[0].get(name)}",
                seen=look.get(name),
                subject=name,
            )


@oracle("cost-constant", "instance", basis="cost")
def cost_constant(instance: Instance, _ledger: Ledger) -> Iterator[Verdict]:
    """A resource costs the same wherever its cost is shown; one that failed may cost nothing."""
    kind = instance.kind
    failed = kind.life.failed if kind.life is not None else frozenset()
    seen = [(o, c) for o in instance.observations if (c := number(o.get(kind.cost))) is not None]
    for look, cost in seen[1:]:
        first, price = seen[0]
        yield verdict(
            cost == price or (look.state in failed and cost == 0),
            first.exchange,
            look.exchange,
            expected=f"{price} as in {first.role}",
            seen=cost,
            subject=f"{kind.cost} in {look.role}",
        )


@oracle("ends", "instance", basis="life.order")
def ends(instance: Instance, ledger: Ledger) -> Iterator[Verdict]:
    """What moves by itself comes to an end within the time that it is given."""
    creation, limit, life = instance.creation, ledger.patience(instance), instance.kind.life
    looks = [o for o in instance.looks if o.role != "create"]
    if creation is None or limit is None or life is None or not looks:
        return
    last = looks[-1]
    watched = last.exchange.started - creation.exchange.ended
    if last.final or watched >= limit:
        yield verdict(
            last.final,
            creation.exchange,
            last.exchange,
            expected=f"{' or '.join(life.final)} after {limit:g} s",
            seen=last.state,
            subject=life.state,
        )
