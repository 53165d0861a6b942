"""Any request that the contract does not allow: that it is refused, and with what."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from flora_contract.conformance.exchange import at
from flora_contract.conformance.ledger import named_by
from flora_contract.conformance.oracle import Verdict, oracle, verdict
from flora_contract.conformance.refusals import (
    belongs,
    code_of,
    elsewhere,
    refused,
    stated,
    statuses,
    uncertain_references,
)
from flora_contract.conformance.values import GARBAGE, is_unknown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from flora_contract.conformance.exchange import Exchange
    from flora_contract.conformance.ledger import Ledger
    from flora_contract.openapi.behaviour import Condition
    from flora_contract.openapi.contract import Breach

# id, keywords of JSON Schema, the rule
HOLES: tuple[tuple[str, frozenset[str], str], ...] = (
    ("refuses-bad-json", frozenset({"json"}), "A body that is not JSON is refused."),
    (
        "refuses-missing-field",
        frozenset({"required"}),
        "A request without something that is required is refused.",
    ),
    (
        "refuses-wrong-type",
        frozenset({"type", "null"}),
        "A member or parameter of the wrong type is refused.",
    ),
    (
        "refuses-unknown-value",
        frozenset({"enum", "const"}),
        "A value that is not among those of its set is refused, near misses too.",
    ),
    (
        "refuses-wrong-pattern",
        frozenset({"pattern", "format"}),
        "A text that is not written as it should be, such as an id without its prefix, is refused.",
    ),
    (
        "refuses-out-of-range",
        frozenset(
            {
                *("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"),
                *("minLength", "maxLength", "minItems", "maxItems", "uniqueItems"),
                *("minProperties", "maxProperties", "additionalProperties"),
            }
        ),
        "A number or length beyond its bounds is refused, such as an empty text.",
    ),
)


def _is_size(exchange: Exchange, breach: Breach) -> bool:
    """Whether a breach is a size of pages above its maximum, which may be taken for it."""
    listing = exchange.operation.listing if exchange.operation is not None else None
    return listing is not None and breach.name == listing.size and breach.keyword == "maximum"


def _breaches(exchange: Exchange) -> list[Breach]:
    """What is wrong with a request whose refusal is due to nothing else."""
    if not exchange.credential.accepted or not exchange.decided:
        return []
    return [
        b
        for b in exchange.breaches
        # An empty query value may count as none at all.
        if b.location != "path"
        and not (b.location == "query" and b.value == "")
        and not _is_size(exchange, b)
    ]


def _basis(keywords: frozenset[str]) -> str:
    return "x-refusals.malformed" if "json" in keywords else "x-refusals.invalid"


def _hole(keywords: frozenset[str]) -> Callable[[Exchange, Ledger], Iterator[Verdict]]:
    def judge(exchange: Exchange, _ledger: Ledger) -> Iterator[Verdict]:
        for breach in _breaches(exchange):
            if breach.keyword in keywords:
                refusal = stated(exchange, "malformed" if breach.keyword == "json" else "invalid")
                yield verdict(
                    not exchange.succeeded,
                    exchange,
                    expected=str(refusal.status) if refusal is not None else "a refusal",
                    seen=f"{exchange.status} although {breach.message}",
                    subject=breach.path or breach.location,
                )

    return judge


for _id, _keywords, _sentence in HOLES:
    oracle(_id, "exchange", basis=_basis(_keywords), sentence=_sentence)(_hole(_keywords))


@oracle("refused-as-invalid", "exchange", basis="x-refusals.invalid")
def refused_as_invalid(exchange: Exchange, ledger: Ledger) -> Iterator[Verdict]:
    """A request that is refused for its form is refused as that."""
    wrong = _breaches(exchange)
    if not wrong or exchange.succeeded:
        return
    conditions = list(elsewhere(exchange, ledger))
    if not exchange.credential.solvent:
        conditions.append("no-credits")
    # Which of two reasons comes first, not every server keeps to.
    if uncertain_references(exchange, ledger) or _lacks_reference(exchange, wrong):
        conditions += ["foreign-reference", "unknown-reference"]
    conditions += _used(exchange, ledger)
    yield refused(
        exchange,
        "malformed" if wrong[0].keyword == "json" else "invalid",
        "invalid",
        *conditions,
        subject=wrong[0].path or wrong[0].location,
    )


def _lacks_reference(exchange: Exchange, wrong: list[Breach]) -> bool:
    """Whether an id is among what is wrong, so that whose it is may be asked first."""
    kind = exchange.operation.resource if exchange.operation is not None else None
    whole = any(not b.path for b in wrong)
    return kind is not None and (
        (whole and bool(kind.references)) or any(b.path in kind.references for b in wrong)
    )


def _used(exchange: Exchange, ledger: Ledger) -> list[Condition]:
    earlier = [e for e in ledger.uses.get(exchange.key or "", ()) if e.number < exchange.number]
    return ["used-key"] if any(e.succeeded for e in earlier) else []


@oracle("fields-on-validation-error", "exchange", basis="x-errors.fields")
def fields_on_validation_error(exchange: Exchange, ledger: Ledger) -> Iterator[Verdict]:
    """A validation error lists what is wrong, where errors can."""
    invalid = stated(exchange, "invalid")
    if invalid is None or ledger.behaviour.errors.fields is None:
        return
    if exchange.status == invalid.status and code_of(exchange, ledger) == invalid.code:
        named = [b for b in _breaches(exchange) if b.name]
        if named:
            yield verdict(
                bool(_fields(exchange, ledger)),
                exchange,
                expected=f"fields that name {named[0].name}",
                seen="no fields",
                subject=named[0].name,
            )


@oracle("fields-name-what-is-wrong", "exchange", basis="x-errors.fields")
def fields_name_what_is_wrong(exchange: Exchange, ledger: Ledger) -> Iterator[Verdict]:
    """A validation error names what is wrong with the request, and nothing that is right."""
    named, invalid = _fields(exchange, ledger), stated(exchange, "invalid")
    if invalid is None or exchange.status != invalid.status or not named:
        return
    # What a body as a whole is called is the server's business.
    if not _breaches(exchange) or any(not b.name for b in exchange.breaches):
        return
    if broken := {b.name for b in exchange.breaches}:
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
    """Members that are there, and of which only the server knows whether they are right."""
    operation = exchange.operation
    assert operation is not None
    present = {operation.listing.cursor} if operation.listing is not None else set()
    members = operation.endpoint.request_members
    free = {n for n in exchange.sent_object if n in members and is_open(members[n].schema)}
    references = {m for m, kind, _ in ledger.references(exchange) if kind.owner == "everyone"}
    return (
        {n for n in present if n} | free | references | set(uncertain_references(exchange, ledger))
    )


def is_open(schema: dict[str, object]) -> bool:
    """Whether a schema lets the server alone judge what is in an object."""
    return schema.get("type") == "object" and "properties" not in schema


def _fields(exchange: Exchange, ledger: Ledger) -> list[str]:
    errors = ledger.behaviour.errors
    fields = at(exchange.answer, errors.fields) if errors.fields is not None else None
    entries = fields if isinstance(fields, list) else []
    names = [e.get(errors.field_name) for e in entries if isinstance(e, dict)]
    return [name for name in names if isinstance(name, str)]


@oracle("refuses-unknown-reference", "exchange", basis="x-refusals.unknown-reference")
def refuses_unknown_reference(exchange: Exchange, ledger: Ledger) -> Iterator[Verdict]:
    """Nothing is made or changed that refers to what does not exist."""
    operation = exchange.operation
    if operation is None or operation.resource is None or operation.listing is not None:
        return
    if not exchange.credential.accepted or not exchange.decided or exchange.breaches:
        return
    unknown = [m for m, kind, id_ in ledger.references(exchange) if is_unknown(kind.kind, id_)]
    for member in unknown:
        own = operation.resource.references[member].unknown if len(unknown) == 1 else None
        more = elsewhere(exchange, ledger) + (("foreign-reference",) if own is None else ())
        if not exchange.credential.solvent:
            more = (*more, "no-credits")
        if exchange.is_mislabelled:
            more = (*more, "malformed", "invalid")
        yield refused(exchange, "unknown-reference", *more, own=own, subject=member)


@oracle("refuses-mismatch", "exchange", basis="references")
def refuses_mismatch(exchange: Exchange, ledger: Ledger) -> Iterator[Verdict]:
    """Nothing is made or changed that refers to things which do not belong together."""
    operation = exchange.operation
    if operation is None or operation.role not in {"create", "update"} or exchange.breaches:
        return
    if not exchange.credential.accepted or not exchange.decided:
        return
    for member, kind, id_ in ledger.references(exchange):
        if ledger.knows(kind, id_, exchange.credential) and not is_unknown(kind.kind, id_):
            apart = belongs(exchange, member, id_, ledger) is False
            yield verdict(
                not (apart and exchange.succeeded),
                exchange,
                expected=f"a refusal: {member} does not fit the rest",
                seen=exchange.status,
                subject=member,
            )


@oracle("unknown-id-refused", "exchange", basis="x-refusals.unknown-id")
def unknown_id_refused(exchange: Exchange, ledger: Ledger) -> Iterator[Verdict]:
    """What does not exist, or not there, is not found; a malformed id may be refused as such."""
    named = named_by(exchange)
    if named is None or not exchange.credential.accepted or not exchange.decided:
        return
    malformed = any(b.location == "path" for b in exchange.breaches)
    instance = ledger.instance(exchange)
    misplaced = instance is not None and instance.misplaced(exchange)
    if malformed or misplaced or is_unknown(named[0].kind, named[1]):
        wrong = malformed or bool(_breaches(exchange))
        yield refused(
            exchange,
            "unknown-id",
            *(("invalid", "malformed") if wrong else ()),
            subject="malformed id" if malformed else "misplaced" if misplaced else "unknown id",
        )


@oracle("refuses-garbage-cursor", "exchange", basis="x-list.page")
def refuses_garbage_cursor(exchange: Exchange, ledger: Ledger) -> Iterator[Verdict]:
    """A cursor that the server cannot have given is refused as a wrong value."""
    listing = exchange.operation.listing if exchange.operation is not None else None
    if listing is None or listing.cursor is None or not exchange.credential.accepted:
        return
    if set(exchange.request.query.get(listing.cursor, ())) & set(GARBAGE) and exchange.decided:
        yield refused(exchange, "invalid", *elsewhere(exchange, ledger), subject=listing.cursor)


@oracle("size-over-maximum", "exchange", basis="x-list.page")
def size_over_maximum(exchange: Exchange, ledger: Ledger) -> Iterator[Verdict]:
    """A size of pages above its maximum is refused, or taken for the maximum."""
    for breach in exchange.breaches if exchange.credential.accepted and exchange.decided else ():
        if not _is_size(exchange, breach):
            continue
        page = next((p for p in ledger.pages if p.exchange is exchange), None)
        shown = len(page.items) if page is not None else 0
        maximum = page.maximum if page is not None else None
        allowed = statuses(exchange, "invalid")
        yield verdict(
            exchange.status in allowed or (exchange.succeeded and shown <= (maximum or shown)),
            exchange,
            expected=f"{' or '.join(map(str, sorted(allowed)))}, or at most {maximum} items",
            seen=f"{exchange.status} with {shown} items",
            subject=breach.name,
        )
