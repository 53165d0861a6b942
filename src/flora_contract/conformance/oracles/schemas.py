"""What a schema can say of one answer, and the little beside it that no schema says."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from flora_contract.conformance.contract import CREATE, GET_RUN, JSON, LIST
from flora_contract.conformance.exchange import NOT_JSON
from flora_contract.conformance.oracle import Severity, Verdict, oracle, verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from flora_contract.conformance.exchange import Exchange
    from flora_contract.conformance.ledger import Ledger

# id, keywords of JSON Schema, the rule
KEYWORDS = (
    ("schema-required", {"required"}, "Every required field is there."),
    ("schema-type", {"type"}, "Every field has its documented type."),
    ("schema-null", {"null"}, "Null stands only where the contract allows it."),
    ("schema-enum", {"enum", "const"}, "A field of a closed set has one of its values."),
    (
        "schema-range",
        {"minimum", "maximum", "minLength", "maxLength", "minItems"},
        "Numbers and lengths are within their documented bounds.",
    ),
    ("schema-format", {"format"}, "A field with a format (a URI) is written in it."),
    ("schema-pattern", {"pattern"}, "Ids begin with the prefix of their kind."),
)


def _keyword_oracle(keywords: set[str]) -> Callable[[Exchange, Ledger], Iterator[Verdict]]:
    def judge(exchange: Exchange, ledger: Ledger) -> Iterator[Verdict]:
        if not _has_documented_body(exchange, ledger):
            return
        assert exchange.operation is not None
        assert exchange.status is not None
        endpoint = ledger.contract.operations[exchange.operation]
        breaches = endpoint.response_breaches(exchange.status, exchange.answer)
        broken = [b for b in breaches if b.keyword in keywords]
        for b in broken:
            yield verdict(
                False,
                exchange,
                expected=f"{b.path or 'the body'} as the contract has it",
                seen=b.message,
                subject=f"{exchange.status} {b.path}".strip(),
            )
        if not broken:
            yield verdict(True, exchange, expected="", seen="")

    return judge


def _has_documented_body(exchange: Exchange, ledger: Ledger) -> bool:
    if exchange.operation is None or exchange.status is None or exchange.answer is NOT_JSON:
        return False
    endpoint = ledger.contract.operations[exchange.operation]
    return endpoint.response_schema(exchange.status) is not None


for _id, _keywords, _sentence in KEYWORDS:
    oracle(
        _id,
        "exchange",
        source="S000 S002 S003 S004",
        conflict="C3 C4 C8 C12",
        sentence=_sentence,
    )(_keyword_oracle(_keywords))


@oracle("content-type", "exchange", source="S000 S001")
def content_type(exchange: Exchange, _ledger: Ledger) -> Iterator[Verdict]:
    """An answer with a body is declared as application/json."""
    if exchange.operation is None or exchange.response is None or not exchange.response.body:
        return
    declared = exchange.response.header("content-type") or "none"
    yield verdict(
        declared.partition(";")[0].strip().lower() == JSON,
        exchange,
        expected=JSON,
        seen=declared,
        subject=str(exchange.status),
    )


@oracle("json-body", "exchange", source="S000 S001")
def json_body(exchange: Exchange, _ledger: Ledger) -> Iterator[Verdict]:
    """An answer's body is one whole JSON text."""
    if exchange.operation is None or exchange.response is None or exchange.status == 204:
        return
    body = exchange.response.body
    yield verdict(
        exchange.answer is not NOT_JSON,
        exchange,
        expected="a JSON text",
        seen=f"{len(body)} bytes that are none: {body[:60]!r}",
        subject=str(exchange.status),
    )


@oracle("field-spelling", "exchange", source="S002 S003 S004", conflict="C13")
def field_spelling(exchange: Exchange, ledger: Ledger) -> Iterator[Verdict]:
    """A documented field keeps its snake_case name."""
    for path, name in _undocumented(exchange, ledger):
        snake = re.sub(r"(?<=[a-z0-9])([A-Z])", r"_\1", name).replace("-", "_").lower()
        parent = path[: -len(name)]
        if snake != name and parent + snake in _documented(exchange, ledger):
            yield verdict(
                False, exchange, expected=f"{parent}{snake}", seen=path, subject=parent + snake
            )


@oracle("undocumented-field", "exchange", source="S002", conflict="C28", severity=Severity.NOTE)
def undocumented_field(exchange: Exchange, ledger: Ledger) -> Iterator[Verdict]:
    """Answers hold no field that the contract does not know."""
    for path, _ in _undocumented(exchange, ledger):
        yield verdict(False, exchange, expected="no such field", seen=path, subject=path)


def _documented(exchange: Exchange, ledger: Ledger) -> frozenset[str]:
    assert exchange.operation is not None
    assert exchange.status is not None
    return ledger.contract.operations[exchange.operation].answer_properties(exchange.status)


def _undocumented(exchange: Exchange, ledger: Ledger) -> list[tuple[str, str]]:
    if not _has_documented_body(exchange, ledger):
        return []
    documented = _documented(exchange, ledger)
    found: dict[str, str] = {}

    def visit(value: object, prefix: str) -> None:
        if isinstance(value, list):
            for item in value:
                visit(item, f"{prefix}[]")
        elif isinstance(value, dict):
            for name, child in value.items():
                path = f"{prefix}.{name}" if prefix else name
                if path in documented:
                    visit(child, path)
                else:
                    found.setdefault(path, name)

    visit(exchange.answer, "")
    return list(found.items())


@oracle("schemathesis", "ledger", source="S000 S002 S003 S004")
def schemathesis(ledger: Ledger) -> Iterator[Verdict]:
    """Answers to generated requests pass the checks that schemathesis makes of one answer."""
    for remark in ledger.remarks:
        for name, text in remark.failures:
            yield verdict(
                False, remark.exchange, expected="a conforming answer", seen=text, subject=name
            )
        if not remark.failures:
            yield verdict(True, remark.exchange, expected="", seen="")


@oracle("action-id", "exchange", source="S002 S003 S004", conflict="C10")
def action_id(exchange: Exchange, ledger: Ledger) -> Iterator[Verdict]:
    """An action's id is a slug, and one of those that any document names."""
    action = exchange.answer_object.get("action")
    name = action.get("action_id") if isinstance(action, dict) else None
    if exchange.operation not in CREATE or not isinstance(name, str):
        return
    schema = ledger.contract.document.tree["components"]["schemas"]["ActionId"]
    if not re.search(schema["pattern"], name):
        yield verdict(False, exchange, expected="a slug", seen=name, subject="action.action_id")
    else:
        yield verdict(
            name in {*schema["x-extensible-enum"], *schema["x-later-values"]},
            exchange,
            expected="an action of the documents, older or newer",
            seen=name,
            subject="action.action_id",
            severity=Severity(schema["x-severity"]),
        )


@oracle("accepted-type", "exchange", source="S001 S002 S003 S004", conflict="C1")
def accepted_type(exchange: Exchange, _ledger: Ledger) -> Iterator[Verdict]:
    """What starts a generation answers with a run of the type `generation`."""
    if exchange.operation in CREATE and exchange.succeeded:
        seen = exchange.answer_object.get("type")
        yield verdict(
            seen == "generation", exchange, expected="generation", seen=seen, subject="type"
        )


@oracle("poll-url-own-run", "exchange", source="S001 S002 S003", conflict="C15")
def poll_url_own_run(exchange: Exchange, _ledger: Ledger) -> Iterator[Verdict]:
    """A poll_url leads to the run that it stands in."""
    if not exchange.succeeded:
        return
    for body in _runs_in(exchange):
        url, run_id = body.get("poll_url"), body.get("run_id")
        if isinstance(url, str) and isinstance(run_id, str):
            last = urlsplit(url).path.rstrip("/").rpartition("/")[2]
            yield verdict(
                last == run_id,
                exchange,
                expected=f"a URL that ends in /{run_id}",
                seen=url,
                subject="poll_url",
            )


@oracle("list-poll-url", "exchange", source="S003")
def list_poll_url(exchange: Exchange, _ledger: Ledger) -> Iterator[Verdict]:
    """Each item of the history has a poll_url."""
    if exchange.operation == LIST and exchange.succeeded:
        for body in _runs_in(exchange):
            yield verdict(
                isinstance(body.get("poll_url"), str),
                exchange,
                expected="a poll_url",
                seen=f"none in {body.get('run_id')}",
                subject="poll_url",
            )


@oracle("generation-id", "exchange", source="S002 S003")
def generation_id(exchange: Exchange, _ledger: Ledger) -> Iterator[Verdict]:
    """An item's generation_id and run_id both name its run."""
    if exchange.operation == LIST and exchange.succeeded:
        for body in _runs_in(exchange):
            if isinstance(body.get("generation_id"), str):
                yield verdict(
                    body["generation_id"] == body.get("run_id"),
                    exchange,
                    expected=str(body.get("run_id")),
                    seen=body["generation_id"],
                    subject="generation_id",
                )


def _runs_in(exchange: Exchange) -> list[dict[str, object]]:
    """The run that an answer shows, or the runs of a page."""
    if exchange.operation == LIST:
        items = exchange.answer_object.get("generations")
        return [i for i in items if isinstance(i, dict)] if isinstance(items, list) else []
    if exchange.operation in CREATE or exchange.operation == GET_RUN:
        return [exchange.answer_object]
    return []
