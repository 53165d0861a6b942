"""For people, and to keep: one page without network. Findings first, then coverage and timeline."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from flora_contract.conformance.catalogue import judged_by
from flora_contract.conformance.coverage import KINDS, totals
from flora_contract.conformance.oracle import Severity
from flora_contract.conformance.replay import curl
from flora_contract.report.page import environment, page

if TYPE_CHECKING:
    from flora_contract.conformance.causes import Cause
    from flora_contract.conformance.exchange import Exchange
    from flora_contract.conformance.summary import Summary

_HERE = Path(__file__)
TEMPLATE = environment.from_string(_HERE.with_name("page.html").read_text(encoding="utf-8"))
STYLE = _HERE.with_name("page.css").read_text(encoding="utf-8")
SCRIPT = _HERE.with_name("page.js").read_text(encoding="utf-8")

BADGES = {Severity.VIOLATION: "bad", Severity.WARNING: "warn", Severity.NOTE: "note"}

BODY_SHOWN = 3000
"""So many characters of a body are shown."""

WIDTH, LANE = 1000, 26
"""Of the timeline, in its own units; the page scales it."""


def render(summary: Summary) -> str:
    """The whole HTML document."""
    body = TEMPLATE.render(
        summary=summary,
        labels={o.id: o.label for o in summary.ledger.behaviour.contract.operations.values()},
        findings=[_finding(cause, summary) for cause in summary.causes],
        applied=sum(t.applied for t in summary.tally.values()),
        kinds=KINDS,
        totals=totals(summary.items),
        items=_items(summary),
        unsent=summary.unsent,
        timeline=_timeline(summary),
        Severity=Severity,
        badges=BADGES,
        judged_by=judged_by,
    )
    return page(f"FLORA contract: {summary.verdict}", Markup(body), SCRIPT, STYLE)  # noqa: S704 - escaped


def _finding(cause: Cause, summary: Summary) -> dict[str, Any]:
    finding = cause.finding
    return {
        "finding": finding,
        "consequences": cause.consequences,
        "replay": summary.replay(finding),
        "evidence": [_exchange(e) for e in finding.evidence],
    }


def _exchange(exchange: Exchange) -> dict[str, Any]:
    response = exchange.response
    body = response.body.decode(errors="replace") if response is not None else ""
    return {
        "exchange": exchange,
        "curl": curl(exchange),
        "body": body[:BODY_SHOWN] + ("…" if len(body) > BODY_SHOWN else ""),
    }


def _items(summary: Summary) -> dict[str, dict[str, list[Any]]]:
    """Coverage by operation and kind; pairs are too many to name each."""
    table: dict[str, dict[str, list[Any]]] = {}
    for item in (i for i in summary.items if i.kind != "pair"):
        table.setdefault(item.operation, {}).setdefault(item.kind, []).append(item)
    return table


@dataclass(frozen=True)
class _Mark:
    """An exchange on the timeline."""

    x: float
    width: float
    y: int
    kind: str
    title: str


def _timeline(summary: Summary) -> dict[str, Any]:
    """A lane for each operation, a mark for each exchange, a tick for each second."""
    end = max(summary.seconds, 0.001)
    used = {e.operation_id for e in summary.ledger.exchanges}
    lanes = [*summary.ledger.behaviour.contract.operations, *([None] if None in used else [])]
    broken = {e.number for f in summary.findings for e in f.evidence}
    marks = [
        _Mark(
            x=round(e.started / end * WIDTH, 1),
            width=round(max(e.elapsed / end * WIDTH, 2), 1),
            y=lanes.index(e.operation_id) * LANE,
            kind=_kind(e, broken),
            title=f"{e.number}: {e} after {e.started:.2f} s ({e.origin})",
        )
        for e in summary.ledger.exchanges
    ]
    step = next(s for s in (0.5, 1, 2, 5, 10, 30, 60, 300, 1800, 1e9) if end / s <= 14)
    return {
        "marks": marks,
        "lanes": [(o, n * LANE) for n, o in enumerate(lanes)],
        "ticks": [(round(n * step / end * WIDTH, 1), n * step) for n in range(int(end / step) + 1)],
        "height": len(lanes) * LANE,
        "width": WIDTH,
        "lane": LANE,
    }


def _kind(exchange: Exchange, broken: set[int]) -> str:
    if exchange.number in broken:
        return "broken"
    if exchange.status is None:
        return "lost"
    return f"s{exchange.status // 100}"
