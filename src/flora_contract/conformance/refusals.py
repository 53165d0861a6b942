"""What a request may be refused with, as the statements say, and whether a value is known.

Where nothing is stated, any answer that refuses will do.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flora_contract.conformance.exchange import at
from flora_contract.conformance.oracle import Severity, Verdict, verdict
from flora_contract.conformance.values import is_unknown

if TYPE_CHECKING:
    from flora_contract.conformance.exchange import Exchange
    from flora_contract.conformance.ledger import Ledger
    from flora_contract.openapi.behaviour import Behaviour, Condition, OperationBehaviour, Refusal


def stated(exchange: Exchange, condition: Condition) -> Refusal | None:
    """What is stated of a condition for the operation of a request."""
    return exchange.operation.refusals.get(condition) if exchange.operation is not None else None


def statuses(exchange: Exchange, *conditions: Condition) -> set[int]:
    """What a request may be refused with under any of some conditions."""
    found = [r for c in conditions if (r := stated(exchange, c)) is not None]
    return {status for refusal in found for status in (refusal.status, *refusal.also)}


def refused(
    exchange: Exchange,
    *conditions: Condition,
    before: tuple[Exchange, ...] = (),
    own: Refusal | None = None,
    also: bool = False,
    subject: str = "",
) -> Verdict:
    """The verdict that a request is refused as is stated of the conditions that it meets.

    The first one is what it is judged by, unless its own statement is given. A status that is only
    tolerated is a warning. `also` lets what is done well pass.
    """
    first = own or stated(exchange, conditions[0])
    other = [r for c in conditions[1:] if (r := stated(exchange, c)) is not None]
    reasons = [first, *other] if first is not None else []
    allowed = {refusal.status for refusal in reasons}
    tolerated = {status for refusal in reasons for status in refusal.also} - allowed
    holds = exchange.status in allowed if first is not None else _refuses(exchange)
    return verdict(
        holds or (also and exchange.succeeded),
        *before,
        exchange,
        expected=" or ".join(map(str, sorted(allowed))) if first is not None else "a refusal",
        seen=exchange.status,
        subject=subject,
        severity=Severity.WARNING if exchange.status in tolerated else None,
        statement=own.statement if own is not None else None,
    )


def _refuses(exchange: Exchange) -> bool:
    return exchange.status is not None and 400 <= exchange.status < 500


def code_of(exchange: Exchange, ledger: Ledger) -> Any:
    """The code of an error, where the contract says that it has one."""
    path = ledger.behaviour.errors.code
    return at(exchange.answer, path) if path is not None else None


def codes_by_status(operation: OperationBehaviour, behaviour: Behaviour) -> dict[int, set[str]]:
    """Codes that a statement pairs with a status, for an operation."""
    codes = {status: set(known) for status, known in behaviour.errors.codes.items()}
    for refusal in operation.refusals.values():
        if refusal.code is not None:
            codes.setdefault(refusal.status, set()).add(refusal.code)
    return codes


def path_known(exchange: Exchange, ledger: Ledger) -> bool:
    """Whether all that the path of a request names is known to be the account's."""
    kind = exchange.operation.resource if exchange.operation is not None else None
    for name, member in kind.path.items() if kind is not None else ():
        reference = kind.references.get(member) if kind is not None else None
        target = ledger.behaviour.kind(reference.to) if reference is not None else kind
        id_ = exchange.path_parameters.get(name)
        leads = target is not None and (target is not kind or member == target.id)
        if id_ is not None and leads and not ledger.knows(target, id_, exchange.credential):  # type: ignore[arg-type]
            return False
    return True


def elsewhere(exchange: Exchange, ledger: Ledger) -> tuple[Condition, ...]:
    """What a request may be refused for besides, since its path may lead to nothing."""
    known = path_known(exchange, ledger)
    return () if known else ("unknown-id", "foreign-id", "unknown-reference", "foreign-reference")


def uncertain_references(exchange: Exchange, ledger: Ledger) -> list[str]:
    """Members of a request that hold an id of which the account is not known to have it.

    Ids that do not belong together, such as a project and a workspace, count as well.
    """
    operation = exchange.operation
    if operation is None or operation.resource is None:
        return []
    found = []
    for member, kind, id_ in ledger.references(exchange):
        known = ledger.knows(kind, id_, exchange.credential)
        if is_unknown(kind.kind, id_) or not known or not belongs(exchange, member, id_, ledger):
            found.append(member)
    return found


def belongs(exchange: Exchange, member: str, id_: str, ledger: Ledger) -> bool | None:
    """Whether what a reference leads to has what the request says beside it; None if unknown."""
    assert exchange.operation is not None
    assert exchange.operation.resource is not None
    kind = exchange.operation.resource
    reference = kind.references[member]
    target = ledger.behaviour.kind(reference.to)
    unknown = False
    for theirs, ours in reference.matching.items():
        query = exchange.request.query.get(ours)
        asked = query[0] if query else at(exchange.sent_object, ours)
        if asked is None:
            continue
        partner = target.references.get(theirs)
        places = [p for p in ledger.facts.places(exchange.credential) if p.get(target.kind) == id_]
        if places and partner is not None:
            if asked not in [p.get(partner.to) for p in places]:
                return False
            continue
        instance = ledger.instances.get((target.kind, id_))
        value = instance.value(theirs, exchange) if instance is not None else None
        if value is not None and value != asked:
            return False
        unknown = unknown or value is None
    return None if unknown else True
