"""Any resource that moves by itself: what each look must have in common with the looks before."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

from flora_contract.conformance.oracle import Severity, Verdict, number, oracle, verdict
from flora_contract.conformance.oracles.resources import agree

if TYPE_CHECKING:
    from collections.abc import Iterator

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
                    severity=Severity(presence.severity) if presence.severity else None,
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
    creation, limit, life = instance.creation, ledger.facts.wait_seconds, instance.kind.life
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
