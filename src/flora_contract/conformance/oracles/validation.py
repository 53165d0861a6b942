"""Requests that the contract does not allow, and what they must be answered with."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from flora_contract.conformance.contract import CREATE, GET_RUN, LIST, Breach
from flora_contract.conformance.oracle import Verdict, oracle, verdict
from flora_contract.conformance.values import (
    GARBAGE_CURSORS,
    UNKNOWN_MODELS,
    UNKNOWN_PROJECT,
    UNKNOWN_RUN,
    UNKNOWN_WORKSPACE,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from flora_contract.conformance.exchange import Exchange
    from flora_contract.conformance.ledger import Ledger

MAX_LIMIT = 100

_TYPES = {"type", "null"}

# id, which breaches of a request are meant, the rule, its sources, its conflicts
HOLES: tuple[tuple[str, Callable[[Breach], bool], str, str, str], ...] = (
    (
        "refuses-bad-json",
        lambda b: b.keyword == "json",
        "A body that is no JSON is refused.",
        "SPEC160",
        "",
    ),
    (
        "refuses-non-object",
        lambda b: b.place == "body" and b.path == "" and b.keyword in _TYPES,
        "A body that is no object is refused.",
        "S000 S004",
        "",
    ),
    (
        "refuses-missing-field",
        lambda b: b.keyword == "required",
        "A request without a required field is refused.",
        "S000 S001 S003 S004",
        "C25",
    ),
    (
        "refuses-unknown-type",
        lambda b: b.place == "body" and b.path == "type" and b.keyword == "enum",
        "A type other than image, video, audio and text is refused, families of models too.",
        "S000 S001 S003 S004",
        "",
    ),
    (
        "refuses-empty-prompt",
        lambda b: b.path == "prompt" and b.keyword == "minLength",
        "An empty prompt is refused.",
        "S000",
        "C8",
    ),
    (
        "refuses-wrong-prefix",
        lambda b: b.place in {"body", "query"} and b.keyword == "pattern",
        "An id without the prefix of its kind is refused.",
        "S001 S003 S004",
        "C9 C21",
    ),
    (
        "refuses-wrong-json-type",
        lambda b: b.place == "body" and b.path != "" and b.keyword in _TYPES,
        "A field of the wrong JSON type is refused.",
        "S000 S001 S003 S004",
        "",
    ),
    (
        "refuses-bad-limit",
        lambda b: b.place == "query" and b.path == "limit" and b.keyword in {"type", "minimum"},
        "A limit that is no number, or below 1, is refused.",
        "D-ref SKILL",
        "",
    ),
    (
        "refuses-unknown-status",
        lambda b: b.place == "query" and b.path == "status" and b.keyword == "enum",
        "A filter for a status that does not exist is refused.",
        "S003",
        "",
    ),
)


def _breaches(exchange: Exchange, ledger: Ledger) -> list[Breach]:
    """What is wrong with a request whose refusal is due to nothing else."""
    if exchange.operation is None or not exchange.credential.accepted:
        return []
    if not exchange.decided:
        return []
    endpoint = ledger.contract.operations[exchange.operation]
    return [
        b
        for b in endpoint.request_breaches(exchange.request, exchange.path_parameters)
        # An empty query value may count as none at all.
        if not (b.place == "query" and b.value == "")
    ]


def _hole(meant: Callable[[Breach], bool]) -> Callable[[Exchange, Ledger], Iterator[Verdict]]:
    def judge(exchange: Exchange, ledger: Ledger) -> Iterator[Verdict]:
        for breach in _breaches(exchange, ledger):
            if meant(breach):
                yield verdict(
                    not exchange.succeeded,
                    exchange,
                    expected="400",
                    seen=f"{exchange.status} although {breach.message}",
                    subject=breach.path or breach.place,
                )

    return judge


for _id, _meant, _sentence, _source, _conflict in HOLES:
    oracle(_id, "exchange", source=_source, conflict=_conflict, sentence=_sentence)(_hole(_meant))


@oracle("refused-with-400", "exchange", source="S000 S001 SPEC160", conflict="C20 C21 C23")
def refused_with_400(exchange: Exchange, ledger: Ledger) -> Iterator[Verdict]:
    """A request that is refused for its form is refused with 400."""
    wrong = [
        b
        for b in _breaches(exchange, ledger)
        if b.place != "path" and not (b.path == "limit" and b.keyword == "maximum")
    ]
    if not wrong or exchange.succeeded or exchange.status is None or exchange.status >= 500:
        return
    allowed = {400}
    if exchange.credential.name == "broke":
        allowed |= {402}
    home = ledger.facts.home
    if home is None or exchange.sent_object.get("workspace_id") != home.workspace:
        # Which of two reasons comes first is nowhere said.
        allowed |= {403, 404}
    yield verdict(
        exchange.status in allowed,
        exchange,
        expected="400",
        seen=exchange.status,
        subject=wrong[0].path or wrong[0].place,
    )


@oracle("fields-on-validation-error", "exchange", source="S000 SPEC160", conflict="C20")
def fields_on_validation_error(exchange: Exchange, ledger: Ledger) -> Iterator[Verdict]:
    """A validation error lists in `fields` what is wrong."""
    if exchange.status == 400 and _code(exchange) == "input_validation_error":
        named = [b for b in _breaches(exchange, ledger) if b.place != "path" and b.field]
        if named:
            yield verdict(
                bool(_fields(exchange)),
                exchange,
                expected=f"fields that name {named[0].field}",
                seen="no fields",
                subject=named[0].field,
            )


@oracle("fields-name-what-is-wrong", "exchange", source="S000", conflict="C20")
def fields_name_what_is_wrong(exchange: Exchange, ledger: Ledger) -> Iterator[Verdict]:
    """`fields` names what is wrong with the request, and nothing that is right."""
    named = _fields(exchange)
    if exchange.status != 400 or not named:
        return
    if not _breaches(exchange, ledger) or exchange.operation is None:
        return
    endpoint = ledger.contract.operations[exchange.operation]
    every = endpoint.request_breaches(exchange.request, exchange.path_parameters)
    if broken := {b.field for b in every if b.field}:
        possible = broken | _opaque(exchange, ledger)
        parts = [set(re.split(r"[.\[\]/]+", name)) for name in named]
        yield verdict(
            all(part & possible for part in parts),
            exchange,
            expected=", ".join(sorted(broken)),
            seen=", ".join(sorted(named)),
            subject=min(broken),
        )


def _opaque(exchange: Exchange, ledger: Ledger) -> set[str]:
    """Fields that are there, and of which only the server knows whether they are right."""
    present = {"cursor"} & set(exchange.request.query)
    present |= {"model", "params"} & set(exchange.sent_object)
    home = ledger.facts.home
    own = {home.workspace, home.project} if home is not None else set()
    for name in ("workspace_id", "project_id"):
        values = {*exchange.request.query.get(name, ()), str(exchange.sent_object.get(name, ""))}
        if values - own - {""}:
            present.add(name)
    return present


def _fields(exchange: Exchange) -> list[str]:
    error = exchange.answer_object.get("error")
    fields = error.get("fields") if isinstance(error, dict) else None
    entries = fields if isinstance(fields, list) else []
    return [e["field"] for e in entries if isinstance(e, dict) and isinstance(e.get("field"), str)]


def _code(exchange: Exchange) -> object:
    error = exchange.answer_object.get("error")
    return error.get("code") if isinstance(error, dict) else None


@oracle("refuses-unknown-model", "exchange", source="S001 S004", conflict="C23")
def refuses_unknown_model(exchange: Exchange, _ledger: Ledger) -> Iterator[Verdict]:
    """A model that is not available is refused with 400, display names too."""
    if (
        exchange.operation in CREATE
        and exchange.credential.accepted
        and exchange.sent_object.get("model") in UNKNOWN_MODELS
        and exchange.decided
    ):
        yield verdict(
            exchange.status == 400,
            exchange,
            expected="400",
            seen=exchange.status,
            subject="model",
        )


@oracle("refuses-unknown-place", "exchange", source="S000 S001 SPEC160")
def refuses_unknown_place(exchange: Exchange, _ledger: Ledger) -> Iterator[Verdict]:
    """No run is started in a workspace or project that does not exist."""
    if exchange.operation not in CREATE or not exchange.credential.accepted:
        return
    sent = exchange.sent_object
    for field, unknown in (("workspace_id", UNKNOWN_WORKSPACE), ("project_id", UNKNOWN_PROJECT)):
        if sent.get(field) == unknown and exchange.decided:
            yield verdict(
                exchange.status in {400, 403, 404},
                exchange,
                expected="404, or 403",
                seen=exchange.status,
                subject=field,
            )


@oracle("unknown-run-404", "exchange", source="S000 SPEC160")
def unknown_run_404(exchange: Exchange, ledger: Ledger) -> Iterator[Verdict]:
    """A run that does not exist is not found; a malformed id may be refused as well."""
    if exchange.operation != GET_RUN or not exchange.credential.accepted:
        return
    if not exchange.decided:
        return
    malformed = any(b.place == "path" for b in _breaches(exchange, ledger))
    if malformed or exchange.path_parameters["runId"] == UNKNOWN_RUN:
        allowed = {400, 404} if malformed else {404}
        yield verdict(
            exchange.status in allowed,
            exchange,
            expected=" or ".join(map(str, sorted(allowed))),
            seen=exchange.status,
            subject="malformed id" if malformed else "unknown id",
        )


@oracle("refuses-garbage-cursor", "exchange", source="S003")
def refuses_garbage_cursor(exchange: Exchange, _ledger: Ledger) -> Iterator[Verdict]:
    """A cursor that the server cannot have given is refused with 400."""
    if exchange.operation != LIST or not exchange.credential.accepted:
        return
    garbage = set(exchange.request.query.get("cursor", ())) & set(GARBAGE_CURSORS)
    if garbage and exchange.decided:
        yield verdict(
            exchange.status == 400,
            exchange,
            expected="400",
            seen=exchange.status,
            subject="cursor",
        )


@oracle("limit-over-maximum", "exchange", source="D-ref SKILL")
def limit_over_maximum(exchange: Exchange, _ledger: Ledger) -> Iterator[Verdict]:
    """A limit above 100 is refused, or taken for 100."""
    limit = exchange.request.query.get("limit", [""])[0]
    if exchange.operation != LIST or not limit.isdecimal() or int(limit) <= MAX_LIMIT:
        return
    items = exchange.answer_object.get("generations")
    shown = len(items) if isinstance(items, list) else 0
    if exchange.credential.accepted and exchange.decided:
        yield verdict(
            exchange.status == 400 or (exchange.succeeded and shown <= MAX_LIMIT),
            exchange,
            expected="400, or at most 100 runs",
            seen=f"{exchange.status} with {shown} runs",
            subject="limit",
        )
