"""Oracles: small named functions that decide whether what was recorded keeps the contract.

An oracle gets one exchange, run, page, walk over pages, or the whole ledger, and yields a verdict
for each time its rule applied. Yielding none means that the rule was not put to the test. Its
docstring is one sentence: the rule.
"""

from __future__ import annotations

import enum
import importlib
import pkgutil
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from flora_contract.conformance.exchange import Exchange
    from flora_contract.conformance.ledger import Ledger, Page, Run, Walk

Scope = Literal["exchange", "run", "page", "walk", "ledger"]


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
    cause fall together. `severity` is set where it is not the oracle's own.
    """

    holds: bool
    evidence: tuple[Exchange, ...]
    expected: str
    seen: str
    subject: str = ""
    severity: Severity | None = None


def verdict(
    holds: bool,
    *evidence: Exchange,
    expected: str,
    seen: object,
    subject: str = "",
    severity: Severity | None = None,
) -> Verdict:
    """A verdict; the exchanges are sorted, and each stands once."""
    return Verdict(
        holds,
        tuple(sorted(dict.fromkeys(evidence), key=lambda e: e.number)),
        expected,
        str(seen),
        subject,
        severity,
    )


@dataclass(frozen=True)
class Oracle:
    """A rule, with where it comes from."""

    id: str
    family: str
    scope: Scope
    sentence: str
    source: tuple[str, ...]
    conflict: tuple[str, ...]
    severity: Severity
    function: Callable[..., Iterator[Verdict]]

    def __call__(
        self, subject: Exchange | Run | Page | Walk | Ledger, ledger: Ledger
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
    source: str,
    conflict: str = "",
    severity: Severity = Severity.VIOLATION,
    sentence: str | None = None,
) -> Callable[[Callable[..., Iterator[Verdict]]], Callable[..., Iterator[Verdict]]]:
    """Register a function as an oracle. `source` and `conflict` are labels, apart by blanks."""

    def register(function: Callable[..., Iterator[Verdict]]) -> Callable[..., Iterator[Verdict]]:
        assert id not in _registry, f"two oracles are called {id}"
        _registry[id] = Oracle(
            id=id,
            family=function.__module__.rpartition(".")[2],
            scope=scope,
            sentence=sentence or " ".join((function.__doc__ or "").split()),
            source=tuple(source.split()),
            conflict=tuple(conflict.split()),
            severity=severity,
            function=function,
        )
        return function

    return register


FAMILIES = ("schemas", "errors", "authorization", "validation", "runs", "idempotency", "listing",
            "transport")  # fmt: skip


def catalogue() -> dict[str, Oracle]:
    """Every oracle by its id, family by family."""
    package = importlib.import_module("flora_contract.conformance.oracles")
    for module in pkgutil.iter_modules(package.__path__):
        importlib.import_module(f"{package.__name__}.{module.name}")
    return dict(sorted(_registry.items(), key=lambda i: (FAMILIES.index(i[1].family), i[0])))


def known(value: Any) -> bool:
    """Whether an optional field is there: null stands for absent."""
    return value is not None
