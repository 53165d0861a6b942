"""Oracles: small named functions that decide whether what was recorded keeps the contract.

An oracle gets one exchange, instance of a resource, page, walk over pages, all uses of one key, or
the whole ledger, and yields a verdict for each time its rule applied. Yielding none means that the
rule was not put to the test. Its docstring is one sentence: the rule. `basis` names what it judges
by, a statement of behaviour or the contract's schemas.
"""

from __future__ import annotations

import enum
import importlib
import pkgutil
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from flora_contract.report.terminal import printable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from flora_contract.conformance.exchange import Exchange
    from flora_contract.conformance.ledger import Instance, Ledger, ListPage, Walk
    from flora_contract.openapi.behaviour import Statement

Scope = Literal["answer", "exchange", "instance", "page", "walk", "key", "ledger"]


class Severity(enum.Enum):
    """How bad a breach is. Only a violation makes the command fail."""

    VIOLATION = "violation"
    WARNING = "warning"
    NOTE = "note"

    @property
    def rank(self) -> int:
        """0 for the worst."""
        return list(Severity).index(self)


@dataclass(frozen=True, slots=True)
class Verdict:
    """An oracle applied once: what was expected and seen, and the exchanges that show it.

    `subject` names what of the operation is meant (a field, a status), so that findings with one
    cause fall together. `severity` is set where it is not the oracle's own, `statement` where it
    was judged by another than the oracle's basis says, `conflict` where sources disagree about it.
    """

    holds: bool
    evidence: tuple[Exchange, ...]
    expected: str
    seen: str
    subject: str = ""
    severity: Severity | None = None
    statement: Statement | None = None
    conflict: tuple[str, ...] = ()


def verdict(
    holds: bool,
    *evidence: Exchange,
    expected: object,
    seen: object,
    subject: str = "",
    severity: Severity | None = None,
    statement: Statement | None = None,
    conflict: tuple[str, ...] = (),
) -> Verdict:
    """A verdict; its exchanges are sorted, and each stands once."""
    if holds:  # nobody reads what was expected and seen
        return Verdict(True, evidence, "", "", subject, severity, statement, conflict)
    return Verdict(
        holds,
        tuple(sorted(dict.fromkeys(evidence), key=lambda e: e.number)),
        printable(str(expected)),
        printable(str(seen)),
        subject,
        severity,
        statement,
        conflict,
    )


def held(*evidence: Exchange) -> Verdict:
    """The verdict that a rule was kept."""
    return verdict(True, *evidence, expected="", seen="")


@dataclass(frozen=True)
class Oracle:
    """A rule, and what it is judged by; `source` and `conflict` where no statement has them."""

    id: str
    family: str
    scope: Scope
    sentence: str
    basis: str
    source: tuple[str, ...]
    conflict: tuple[str, ...]
    severity: Severity
    function: Callable[..., Iterator[Verdict]]

    def __call__(
        self,
        subject: Exchange | Instance | ListPage | Walk | list[Exchange] | Ledger,
        ledger: Ledger,
    ) -> list[Verdict]:
        """Apply the rule to something recorded."""
        if self.scope == "ledger":
            return list(self.function(subject))
        return list(self.function(subject, ledger))


_registry: dict[str, Oracle] = {}


def oracle(
    id: str,  # noqa: A002 - what it is called everywhere
    scope: Scope,
    *,
    basis: str = "schema",
    source: str = "",
    conflict: str = "",
    severity: Severity = Severity.VIOLATION,
    sentence: str | None = None,
    family: str = "",
) -> Callable[[Callable[..., Iterator[Verdict]]], Callable[..., Iterator[Verdict]]]:
    """Register a function as an oracle. `source` and `conflict` are labels, apart by blanks."""

    def register(function: Callable[..., Iterator[Verdict]]) -> Callable[..., Iterator[Verdict]]:
        assert id not in _registry, f"two oracles are called {id}"
        _registry[id] = Oracle(
            id=id,
            family=family or function.__module__.rpartition(".")[2],
            scope=scope,
            sentence=sentence or " ".join((function.__doc__ or "").split()),
            basis=basis,
            source=tuple(source.split()),
            conflict=tuple(conflict.split()),
            severity=severity,
            function=function,
        )
        return function

    return register


FAMILIES = ("answers", "access", "validation", "resources", "lives", "keys", "lists", "flora")


def catalogue() -> dict[str, Oracle]:
    """Every oracle by its id, family by family."""
    package = importlib.import_module("flora_contract.conformance.oracles")
    for module in pkgutil.iter_modules(package.__path__):
        importlib.import_module(f"{package.__name__}.{module.name}")
    importlib.import_module("flora_contract.conformance.flora.oracles")
    return dict(sorted(_registry.items(), key=lambda i: (FAMILIES.index(i[1].family), i[0])))


def number(value: Any) -> float | None:
    """A JSON number; None for anything else."""
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None
