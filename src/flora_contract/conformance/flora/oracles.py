"""Rules of FLORA that follow from no statement: outputs, actions, and two routes that are one."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from flora_contract.conformance.exchange import url_parts
from flora_contract.conformance.flora.values import FAILING
from flora_contract.conformance.oracle import Severity, Verdict, oracle, verdict

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flora_contract.conformance.exchange import Exchange
    from flora_contract.conformance.ledger import Instance, Ledger, ListPage, Observation

RUN: Final = "Run"
CREATE: Final = ("createGeneration", "createGenerationRun")

OUTPUT_TYPES: Final = {
    "image": {"imageUrl"},
    "video": {"videoUrl"},
    "audio": {"audioUrl"},
    "text": {"text", "documentUrl"},
}


def _outputs(seen: Observation) -> list[dict[str, Any]]:
    outputs = seen.get("outputs") if seen.kind.kind == RUN else None
    return [o for o in outputs if isinstance(o, dict)] if isinstance(outputs, list) else []


@oracle("output-fits-type", "instance", family="flora", source="S001 S002 S003")
def output_fits_type(instance: Instance, _ledger: Ledger) -> Iterator[Verdict]:
    """Among the outputs of a completed run is one of the type that was asked for."""
    creation = instance.creation
    asked = creation.exchange.sent_object.get("type") if creation is not None else None
    if creation is None or not isinstance(asked, str) or asked not in OUTPUT_TYPES:
        return
    for seen in instance.looks:
        types = {str(output.get("type")) for output in _outputs(seen)}
        if types and seen.state == "completed":
            yield verdict(
                bool(types & OUTPUT_TYPES[asked]),
                creation.exchange,
                seen.exchange,
                expected=" or ".join(sorted(OUTPUT_TYPES[asked])),
                seen=", ".join(sorted(types)),
                subject="outputs[].type",
            )


@oracle("output-url", "instance", family="flora", source="S002 S003", conflict="C12")
def output_url(instance: Instance, _ledger: Ledger) -> Iterator[Verdict]:
    """An output that is no text has an absolute http URL."""
    for seen in instance.observations:
        for output in _outputs(seen):
            url = output.get("url")
            if output.get("type") != "text" and isinstance(url, str) and url:
                parts = url_parts(url)
                yield verdict(
                    parts.scheme in {"http", "https"} and bool(parts.netloc),
                    seen.exchange,
                    expected="an absolute URL",
                    seen=url[:80],
                    subject="outputs[].url",
                )


@oracle("output-ids-differ", "instance", family="flora", source="S002 S003")
def output_ids_differ(instance: Instance, _ledger: Ledger) -> Iterator[Verdict]:
    """No two outputs of a run have the same id."""
    for seen in instance.observations:
        ids = [o["output_id"] for o in _outputs(seen) if isinstance(o.get("output_id"), str)]
        if ids:
            yield verdict(
                len(set(ids)) == len(ids),
                seen.exchange,
                expected="different ids",
                seen=ids,
                subject="outputs[].output_id",
            )


@oracle("outputs-not-shared", "ledger", family="flora", source="S002 S003")
def outputs_not_shared(ledger: Ledger) -> Iterator[Verdict]:
    """No two runs have their output at the same address."""
    first: dict[str, Observation] = {}
    for instance in ledger.instances.values():
        for seen in instance.observations:
            for output in _outputs(seen):
                url = str(output.get("url") or "").partition("?")[0]
                other = first.setdefault(url, seen) if url.startswith("http") else seen
                yield verdict(
                    other.id == seen.id,
                    other.exchange,
                    seen.exchange,
                    expected="an address of its own",
                    seen=f"{url[:80]} of {other.id} and {seen.id}",
                    subject="outputs[].url",
                )


@oracle("failing-model-fails", "instance", family="flora", source="S002 S003")
def failing_model_fails(instance: Instance, ledger: Ledger) -> Iterator[Verdict]:
    """A run that is known to fail ends as failed, not as completed."""
    creation, model = instance.creation, ledger.facts.failing.get(FAILING)
    if creation is None or model is None or creation.exchange.sent_object.get(FAILING) != model:
        return
    for seen in instance.looks:
        if seen.final:
            yield verdict(
                seen.state == "failed",
                creation.exchange,
                seen.exchange,
                expected="failed",
                seen=seen.state,
                subject="status",
            )


@oracle("list-poll-url", "page", family="flora", source="S003")
def list_poll_url(page: ListPage, _ledger: Ledger) -> Iterator[Verdict]:
    """Each item of the history has a poll_url."""
    kind = page.operation.resource
    for item in page.items if kind is not None and kind.kind == RUN else ():
        yield verdict(
            isinstance(item.get("poll_url"), str),
            page.exchange,
            expected="a poll_url",
            seen=f"none in {item.id}",
            subject="poll_url",
        )


@oracle("old-route-is-the-same", "ledger", family="flora", source="S000 SPEC160", conflict="C2 C45")
def old_route_is_the_same(ledger: Ledger) -> Iterator[Verdict]:
    """Both routes that start a generation answer with the same status."""
    first: dict[str, Exchange] = {}
    for exchange in ledger.creations:
        if exchange.operation_id in CREATE and exchange.succeeded:
            first.setdefault(str(exchange.operation_id), exchange)
    if len(first) == len(CREATE):
        one, two = first.values()
        yield verdict(one.status == two.status, one, two, expected=f"{one.status}", seen=two.status)


@oracle("action-id", "exchange", family="flora", source="S002 S003 S004", conflict="C10")
def action_id(exchange: Exchange, ledger: Ledger) -> Iterator[Verdict]:
    """An action's id is a slug, and one of those that any document names."""
    action = exchange.answer_object.get("action")
    name = action.get("action_id") if isinstance(action, dict) else None
    if exchange.operation_id not in CREATE or not isinstance(name, str):
        return
    schema = ledger.behaviour.document.tree["components"]["schemas"]["ActionId"]
    known = name in {*schema["x-extensible-enum"], *schema["x-later-values"]}
    slug = re.search(schema["pattern"], name) is not None
    yield verdict(
        slug and known,
        exchange,
        expected="an action of the documents, older or newer" if slug else "a slug",
        seen=name,
        subject="action.action_id",
        severity=Severity(schema["x-severity"]) if slug else None,
    )
