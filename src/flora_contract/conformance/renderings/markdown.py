"""For a comment on a pull request."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flora_contract.conformance.coverage import KINDS, totals
from flora_contract.conformance.renderings.text import conclusion, untested
from flora_contract.report.markdown import block, code, escape, table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flora_contract.conformance.summary import Summary


def render(summary: Summary) -> str:
    """Findings, each with its replay folded away; coverage; what was not tested."""
    return "\n".join(_parts(summary))


def _parts(summary: Summary) -> Iterator[str]:
    yield f"## FLORA contract: {summary.verdict}\n"
    yield escape(conclusion(summary).plain) + "\n"
    if summary.findings:
        rows = [
            (
                f.severity.value,
                code(f.oracle.id),
                code(f.operation),
                escape(f.subject),
                escape(f.expected),
                escape(f.seen[:200])
                + (f" (and {len(c.consequences)} with it)" if c.consequences else ""),
            )
            for c in summary.causes
            for f in [c.finding]
        ]
        yield table(("severity", "rule", "operation", "of", "expected", "seen"), rows)
        for cause in summary.causes:
            f = cause.finding
            yield f"<details><summary>{escape(f.title)}: how to see it</summary>\n"
            stated = summary.statement(f)
            yield escape(f.oracle.sentence) + (f" By {code(stated)}." if stated else "") + "\n"
            yield block(summary.replay(f), "sh")
            yield from (f"- with it: {escape(other.title)}" for other in cause.consequences)
            yield "</details>\n"
    header = ("operation", *KINDS)
    labels = {o.id: o.label for o in summary.ledger.behaviour.contract.operations.values()}
    counted = totals(summary.items).items()
    yield "### Seen of those documented\n"
    yield table(
        header,
        (
            (
                code(labels[operation]),
                *(f"{row[k][0]}/{row[k][1]}" if k in row else "-" for k in KINDS),
            )
            for operation, row in counted
        ),
    )
    if summary.untested:
        yield "### Not tested\n"
        for reason, names in untested(summary).items():
            yield f"- {escape(reason)}: {', '.join(map(code, names))}"
        yield ""
    if summary.unseen:
        yield "### Not seen\n"
        for reason, kinds in summary.unseen.items():
            each = ", ".join(f"{count} {kind}" for kind, count in kinds.items())
            yield f"- {each}: {escape(reason)}"
        yield ""
    if pairs := summary.unsent:
        yield "### Pairs of choices that were not sent\n"
        yield from (f"- {count}: {escape(reason)}" for reason, count in pairs.items())
        yield ""
