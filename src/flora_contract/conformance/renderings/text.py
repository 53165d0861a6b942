"""For people at a terminal: findings first, then coverage, then what was not tested."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Console, Group
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from flora_contract.conformance.coverage import KINDS, totals
from flora_contract.conformance.oracle import Severity
from flora_contract.report import terminal

if TYPE_CHECKING:
    from rich.console import RenderableType

    from flora_contract.conformance.causes import Cause
    from flora_contract.conformance.summary import Summary

FOLLOWING = 4
"""So many of the findings that follow from another are named."""

STYLES = {Severity.VIOLATION: "bold red", Severity.WARNING: "yellow", Severity.NOTE: "blue"}


def render(summary: Summary) -> str:
    """The text without colour, for a file or a pipe."""
    console = terminal.plain()
    show(summary, console)
    return str(console.file.getvalue())  # type: ignore[attr-defined]  # it is a StringIO


def show(summary: Summary, console: Console) -> None:
    """The text on a console."""
    for cause in summary.causes:
        console.print(_finding(cause, summary))
        # As it is: wrapped by a terminal it can still be copied, wrapped by us it could not.
        console.print(Text(summary.replay(cause.finding), style="cyan"), soft_wrap=True)
    console.print(coverage_table(summary))
    for reason, names in untested(summary).items():
        console.print(Text(f"not tested: {reason}: {', '.join(names)}", style="yellow"))
    for reason, kinds in summary.unseen.items():
        counted = ", ".join(f"{count} {_PLURALS[kind]}" for kind, count in kinds.items())
        console.print(Text(f"not seen: {counted}: {reason}", style="yellow"))
    for reason, count in summary.unsent.items():
        console.print(Text(f"{count} pairs not sent: {reason}", style="yellow"))
    if summary.accepted:
        console.print(f"{len(summary.accepted)} findings of the baseline are left out")
    console.print(conclusion(summary))


def _finding(cause: Cause, summary: Summary) -> RenderableType:
    finding = cause.finding
    head = Text.assemble(
        (finding.severity.value, STYLES[finding.severity]), "  ", (finding.title, "bold")
    )
    told = [summary.statement(finding), *finding.source, *finding.conflict]
    source = ", ".join(label for label in told if label)
    lines = [
        Text.assemble(finding.oracle.sentence, f" [{source}]"),
        Text.assemble(("expected  ", "dim"), finding.expected),
        Text.assemble(("seen      ", "dim"), finding.seen, f"  ({finding.count}x)"),
    ]
    if cause.consequences:
        titles = [f.title for f in cause.consequences]
        more = len(titles) - FOLLOWING
        shown = [*titles[:FOLLOWING], *([f"and {more} more"] if more > 0 else [])]
        lines.append(Text.assemble(("with it   ", "dim"), "; ".join(shown)))
    return Group(head, Padding(Group(*lines), (0, 0, 0, 2)))


def untested(summary: Summary) -> dict[str, list[str]]:
    """Names of the steps that were not tested, by what they would need."""
    grouped: dict[str, list[str]] = {}
    for outcome in summary.untested:
        grouped.setdefault(outcome.reason, []).append(outcome.step.name)
    return grouped


def coverage_table(summary: Summary) -> Table:
    """For each operation: how many of the documented things were seen."""
    table = Table(box=None, pad_edge=False, title="Seen of those documented", title_justify="left")
    table.add_column("operation", overflow="fold")
    for kind in KINDS:
        table.add_column(_PLURALS[kind], justify="right", no_wrap=True)
    labels = {o.id: o.label for o in summary.ledger.behaviour.contract.operations.values()}
    for operation, row in totals(summary.items).items():
        table.add_row(labels[operation], *(_share(row.get(kind)) for kind in KINDS))
    return table


_PLURALS = {
    "response": "responses",
    "property": "fields",
    "enum value": "enums",
    "parameter": "sent",
    "request value": "values",
    "error code": "codes",
    "pair": "pairs",
}


def _share(pair: tuple[int, int] | None) -> str:
    return f"{pair[0]}/{pair[1]}" if pair is not None else "-"


def conclusion(summary: Summary) -> Text:
    """One line: does the contract hold, and what it took to know."""
    parts = [f"{n} {s.value}{'s' if n != 1 else ''}" for s, n in summary.counts.items() if n]
    applied = sum(tally.applied for tally in summary.tally.values())
    effort = f"{summary.ledger.count} requests in {summary.seconds:.1f} s"
    money = (
        f", {summary.creates} charged requests for {summary.spent:.2f} USD"
        if summary.creates
        else ""
    )
    tested = len(summary.oracles) - len(summary.idle)
    return Text.assemble(
        f"{summary.server}: the contract ",
        (summary.verdict, "bold green" if summary.holds else "bold red"),
        f": {', '.join(parts) or 'no findings'}; {tested} oracles applied {applied} times; ",
        effort + money + (f"; seed {summary.seed}" if summary.seed is not None else ""),
    )
