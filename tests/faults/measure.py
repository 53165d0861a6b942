"""Holding the suite to servers with one fault each, in this process."""

from __future__ import annotations

import contextlib
import random
import time
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from contracts import CONTRACTS
from operators import Fault, faults
from probe import Probe
from serving import Application, serving
from variants import variant
from world import Seeds, World

from flora_contract.conformance.oracle import Severity
from flora_contract.conformance.plan import LAYERS, plan
from flora_contract.conformance.run import Check
from flora_contract.conformance.settings import gather

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from flora_contract.openapi.behaviour import Behaviour


@dataclass(frozen=True)
class Outcome:
    """What came of a fault: found, and by a rule that judges by the right statement."""

    name: str
    kind: str
    found: bool
    named: bool
    seconds: float
    said: tuple[str, ...] = ()
    crash: str = ""


@dataclass
class Bench:
    """A server of a contract, whose fault can be switched, and the suite beside it."""

    name: str
    behaviour: Behaviour
    origin: str
    application: Application

    def switch(self, decide: Any = None, **given: Any) -> World:
        """A new server, without history."""
        world = World(self.behaviour, Seeds.of(self.behaviour), decide, **given)
        self.application.handle = world.handle
        self.application.came.clear()
        return world

    def vary(self, name: str) -> None:
        """A new server that is correct, with the traits that a name joins."""
        made = variant(self.behaviour, name)
        self.application.handle = made.handling(self.switch(made, **made.options))

    def check(self, **given: Any) -> Check:
        """A run of the suite against it, not yet begun."""
        base_url = f"{self.origin}{self.behaviour.contract.base}"
        chosen = {"base_url": base_url, "max_wait": 3.0, "timeout": 5.0, **given}
        return Check(gather(chosen), self.behaviour)

    def judge_sound(self, name: str, seed: int) -> tuple[int, list[str]]:
        """Paid creates of a whole run against a correct server, and violations, if any."""
        self.vary(name)
        try:
            with self.check(seed=seed, max_wait=30.0, timeout=10.0) as check:
                check.run()
        except Exception as error:
            return 0, [f"the suite failed: {error!r}"]
        said = [
            f"{f.title}: expected {f.expected}; seen {f.seen}"
            for f in check.judge.findings()
            if f.severity is Severity.VIOLATION
        ]
        return check.session.creates, said

    def hold(self, fault: Fault, layers: Sequence[str] = LAYERS) -> Outcome:
        """What the suite says of a fault, until it says anything."""
        self.switch(fault)
        started = time.monotonic()
        said: list[tuple[str, str]] = []
        crash = ""
        try:
            with self.check(fail_fast=True) as check:
                check.run([step for step in plan(check.behaviour) if step.layer in layers])
            said = [
                (f.oracle.id, f.oracle.basis)
                for f in check.judge.findings()
                if f.severity is Severity.VIOLATION
            ]
        except Exception as error:
            crash = repr(error)
        seconds = time.monotonic() - started
        named = any(_is_right(basis, fault.judged_by) for _, basis in said)
        rules = tuple(dict.fromkeys(id_ for id_, _ in said))
        return Outcome(fault.name, fault.kind, bool(said), named, seconds, rules, crash)


def _is_right(basis: str, judged_by: frozenset[str]) -> bool:
    """Whether a rule judges by a statement that is broken, or one within or around it."""
    return any(
        f"{one}.".startswith(f"{other}.") or f"{other}.".startswith(f"{one}.")
        for one in basis.split(", ")
        for other in judged_by
    )


@contextlib.contextmanager
def bench(contract: str) -> Iterator[Bench]:
    """A running server of one of the contracts."""
    application = Application(lambda _: None)  # type: ignore[arg-type, return-value]
    with serving(application) as origin:
        made = Bench(contract, CONTRACTS[contract](), origin, application)
        made.switch()
        yield made


@cache
def probe(contract: str) -> Probe:
    return Probe(CONTRACTS[contract]())


@cache
def faults_by_kind(contract: str) -> dict[str, list[Fault]]:
    """Every fault of a contract, by its operator and the point where it works."""
    found: dict[str, list[Fault]] = {}
    for _, fault in sorted(faults(CONTRACTS[contract]()).items()):
        found.setdefault(fault.kind, []).append(fault)
    return found


TRIES = 8
"""So many faults of a kind are tried until one shows to some client."""


def draw(contract: str, seed: int, size: int, number: int) -> Fault | None:
    """One of `size` drawn faults, each kind as often; None where none of the kind shows."""
    kinds = sorted(faults_by_kind(contract))
    random.Random(seed).shuffle(kinds)
    kind, turn = kinds[number % len(kinds)], number // len(kinds)
    order = list(faults_by_kind(contract)[kind])
    random.Random(f"{seed} {kind}").shuffle(order)
    turns = -(-size // len(kinds))
    shown = (f for f in order[turn::turns][:TRIES] if probe(contract).first_sign(f) is not None)
    return next(shown, None)
