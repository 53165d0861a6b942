"""Any operation and any account: keys, owners, and accounts kept apart."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flora_contract.conformance.exchange import ABSENT, OTHER, OWNER
from flora_contract.conformance.ledger import named_by
from flora_contract.conformance.oracle import Verdict, held, oracle, verdict
from flora_contract.conformance.refusals import refused, stated, statuses, uncertain_references

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flora_contract.conformance.exchange import Exchange
    from flora_contract.conformance.ledger import Ledger, ListPage
    from flora_contract.openapi.behaviour import Condition

APART = {OWNER, OTHER}
"""Accounts of which it is known that they have nothing in common."""


def _is_secured(exchange: Exchange, ledger: Ledger) -> bool:
    return exchange.operation is not None and ledger.behaviour.is_secured(exchange.operation)


@oracle("key-required", "exchange", basis="x-refusals.no-key")
def key_required(exchange: Exchange, ledger: Ledger) -> Iterator[Verdict]:
    """A request without a key is refused."""
    if exchange.credential == ABSENT and exchange.decided and _is_secured(exchange, ledger):
        yield refused(exchange, "no-key", subject=exchange.credential.name)


@oracle("key-checked", "exchange", basis="x-refusals.wrong-key")
def key_checked(exchange: Exchange, ledger: Ledger) -> Iterator[Verdict]:
    """A request with a wrong or malformed key is refused."""
    wrong = exchange.credential.accepted is False and exchange.credential != ABSENT
    if wrong and exchange.decided and _is_secured(exchange, ledger):
        yield refused(exchange, "wrong-key", subject=exchange.credential.name)


@oracle("key-accepted", "exchange", basis="x-refusals.wrong-key")
def key_accepted(exchange: Exchange, _ledger: Ledger) -> Iterator[Verdict]:
    """A valid key is not taken for a wrong one."""
    refusal = stated(exchange, "wrong-key")
    if refusal is not None and exchange.credential.accepted and exchange.status:
        yield verdict(
            exchange.status != refusal.status,
            exchange,
            expected=f"not {refusal.status}; is the key right?",
            seen=exchange.status,
            subject=exchange.credential.name,
        )


@oracle("foreign-hidden", "exchange", basis="x-refusals.foreign-id")
def foreign_hidden(exchange: Exchange, ledger: Ledger) -> Iterator[Verdict]:
    """What belongs to another account can be neither read nor changed."""
    named, reader = named_by(exchange), exchange.credential
    if named is None or reader not in APART or not exchange.decided:
        return
    if ledger.owner(*named) in APART - {reader}:
        instance = ledger.instance(exchange)
        creation = instance.creation if instance is not None else None
        if creation is None or creation.exchange.before(exchange):
            before = (creation.exchange,) if creation is not None else ()
            wrong: tuple[Condition, ...] = ("invalid", "malformed") if exchange.breaches else ()
            yield refused(exchange, "foreign-id", "unknown-id", *wrong, before=before)


@oracle("list-own-only", "page", basis="owner, id")
def list_own_only(page: ListPage, ledger: Ledger) -> Iterator[Verdict]:
    """A list shows what belongs to the caller, and nobody else's."""
    kind, reader = page.operation.resource, page.exchange.credential
    if kind is None or kind.owner == "everyone" or reader not in APART:
        return
    strangers = [i for i in page.items if ledger.owner(kind, i.id) in APART - {reader}]
    for item in strangers:
        instance = ledger.instances[kind.kind, item.id]
        made = [instance.creation.exchange] if instance.creation is not None else []
        yield verdict(
            False,
            *made,
            page.exchange,
            expected=f"only what belongs to the account {reader.name}",
            seen=f"{item.id}, of the account {ledger.owner(kind, item.id)}",
        )
    if not strangers and any(
        ledger.owner(kind, i.id) not in {None, reader} for i in ledger.of(kind)
    ):
        yield held(page.exchange)


def _foreign(exchange: Exchange, ledger: Ledger) -> list[str]:
    """Members of a request that refer to what belongs to another account."""
    if exchange.credential not in APART or exchange.operation is None or not exchange.decided:
        return []
    strangers = APART - {exchange.credential}
    return [
        member
        for member, kind, id_ in ledger.references(exchange)
        if ledger.owner(kind, id_) in strangers
    ]


@oracle("foreign-reference-refused", "exchange", basis="x-refusals.foreign-reference")
def foreign_reference_refused(exchange: Exchange, ledger: Ledger) -> Iterator[Verdict]:
    """Nothing is made or changed that refers to what belongs to another account."""
    foreign = _foreign(exchange, ledger)
    writes = exchange.operation is not None and exchange.operation.role in {"create", "update"}
    if not foreign or not writes or exchange.breaches:
        return
    # That two ids do not belong together may be what it is refused for as well.
    apart = set(uncertain_references(exchange, ledger)) - set(foreign)
    own = any(m not in foreign for m, k, _ in ledger.references(exchange) if k.owner == "account")
    yield refused(
        exchange,
        "foreign-reference",
        *(("unknown-reference", "invalid") if apart or own else ()),
        subject=foreign[0],
    )


@oracle("foreign-filter-hidden", "exchange", basis="x-list.filters")
def foreign_filter_hidden(exchange: Exchange, ledger: Ledger) -> Iterator[Verdict]:
    """A list that is filtered by what belongs to another account shows nothing."""
    operation = exchange.operation
    foreign = _foreign(exchange, ledger)
    if not foreign or operation is None or operation.listing is None:
        return
    shown = next((len(p.items) for p in ledger.pages if p.exchange is exchange), 0)
    allowed = statuses(exchange, "foreign-reference", "unknown-reference")
    yield verdict(
        (exchange.succeeded and not shown) or exchange.status in allowed,
        exchange,
        expected=" or ".join(map(str, (*sorted(allowed), "an empty page"))),
        seen=f"{exchange.status} with {shown} items",
    )


@oracle("no-credits-refused", "exchange", basis="x-refusals.no-credits")
def no_credits_refused(exchange: Exchange, _ledger: Ledger) -> Iterator[Verdict]:
    """A valid request of an account without credits to what costs money is refused."""
    operation = exchange.operation
    if operation is None or operation.charges is None or not exchange.decided:
        return
    if exchange.credential.solvent or exchange.breaches:
        return
    # Those say that a reference is not this account's, which is for the caller to mend.
    mend = statuses(exchange, "foreign-reference", "wrong-key")
    if exchange.status not in mend:
        yield refused(exchange, "no-credits")
