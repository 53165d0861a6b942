"""Keys, and accounts kept apart."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flora_contract.conformance.contract import CREATE, GET_RUN, LIST
from flora_contract.conformance.exchange import ABSENT, OTHER, OWNER
from flora_contract.conformance.oracle import Verdict, oracle, verdict

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flora_contract.conformance.exchange import Exchange
    from flora_contract.conformance.ledger import Ledger


@oracle("key-required", "exchange", source="S000 S001 SPEC160", conflict="C18")
def key_required(exchange: Exchange, _ledger: Ledger) -> Iterator[Verdict]:
    """A request without a key is refused with 401."""
    if exchange.operation is not None and exchange.credential == ABSENT:
        yield from _refused(exchange)


@oracle("key-checked", "exchange", source="S000 SPEC160", conflict="C18")
def key_checked(exchange: Exchange, _ledger: Ledger) -> Iterator[Verdict]:
    """A request with a wrong or malformed key is refused with 401."""
    credential = exchange.credential
    if exchange.operation is not None and credential.accepted is False and credential != ABSENT:
        yield from _refused(exchange)


def _refused(exchange: Exchange) -> Iterator[Verdict]:
    if exchange.decided:
        yield verdict(
            exchange.status == 401,
            exchange,
            expected="401",
            seen=exchange.status,
            subject=exchange.credential.name,
        )


@oracle("key-accepted", "exchange", source="S000 S001")
def key_accepted(exchange: Exchange, _ledger: Ledger) -> Iterator[Verdict]:
    """A valid key is not taken for a wrong one."""
    if exchange.operation is not None and exchange.credential.accepted and exchange.status:
        yield verdict(
            exchange.status != 401,
            exchange,
            expected="not 401; is the key right?",
            seen=exchange.status,
            subject=exchange.credential.name,
        )


@oracle("foreign-run-hidden", "ledger", source="S000 SPEC160")
def foreign_run_hidden(ledger: Ledger) -> Iterator[Verdict]:
    """A run cannot be read with another account's key."""
    for run in ledger.runs.values():
        creation = run.creation
        if creation is None or creation.exchange.credential not in {OWNER, OTHER}:
            continue
        for exchange in ledger.exchanges:
            if (
                exchange.operation == GET_RUN
                and exchange.path_parameters.get("runId") == run.run_id
                and exchange.credential in {OWNER, OTHER}
                and exchange.credential != creation.exchange.credential
                and exchange.decided
            ):
                yield verdict(
                    exchange.status in {403, 404},
                    creation.exchange,
                    exchange,
                    expected="403 or 404",
                    seen=exchange.status,
                )


@oracle("list-own-runs", "ledger", source="S003")
def list_own_runs(ledger: Ledger) -> Iterator[Verdict]:
    """The history shows the caller's runs and nobody else's."""
    for page in ledger.pages:
        reader = page.exchange.credential
        if reader not in {OWNER, OTHER}:
            continue
        strangers = []
        for item in page.items:
            run = ledger.runs.get(item.run_id)
            creation = run.creation if run is not None else None
            if creation is not None and creation.exchange.credential != reader:
                strangers.append(creation)
        for creation in strangers:
            yield verdict(
                False,
                creation.exchange,
                page.exchange,
                expected=f"only runs of the account {reader.name}",
                seen=f"{creation.run_id}, made by the account {creation.exchange.credential.name}",
            )
        others = {c.exchange.credential for r in ledger.runs.values() if (c := r.creation)}
        if not strangers and others - {reader}:
            yield verdict(True, page.exchange, expected="", seen="")


@oracle("foreign-workspace-refused", "exchange", source="S000 SPEC160")
def foreign_workspace_refused(exchange: Exchange, ledger: Ledger) -> Iterator[Verdict]:
    """No run is started in a workspace or project of another account."""
    foreign, sent = ledger.facts.foreign, exchange.sent_object
    if foreign is None or exchange.operation not in CREATE or exchange.credential != OWNER:
        return
    if sent.get("workspace_id") != foreign.workspace and sent.get("project_id") != foreign.project:
        return
    if exchange.decided and not _malformed(exchange, ledger):
        both = (sent.get("workspace_id"), sent.get("project_id"))
        # A project that is not of the workspace beside it may be a validation issue as well.
        together = both == (foreign.workspace, foreign.project)
        allowed = {403, 404} if together else {400, 403, 404}
        yield verdict(
            exchange.status in allowed,
            exchange,
            expected=" or ".join(map(str, sorted(allowed))),
            seen=exchange.status,
            subject="workspace_id" if both[0] == foreign.workspace else "project_id",
        )


@oracle("foreign-history-hidden", "exchange", source="S003")
def foreign_history_hidden(exchange: Exchange, ledger: Ledger) -> Iterator[Verdict]:
    """A filter for another account's workspace or project shows nothing."""
    foreign = ledger.facts.foreign
    if foreign is None or exchange.operation != LIST or exchange.credential != OWNER:
        return
    query = exchange.request.query
    if (
        foreign.workspace not in query.get("workspace_id", ())
        and foreign.project not in query.get("project_id", ())
    ) or not exchange.decided:
        return
    empty = exchange.succeeded and not exchange.answer_object.get("generations")
    yield verdict(
        empty or exchange.status in {403, 404},
        exchange,
        expected="403, 404 or an empty page",
        seen=f"{exchange.status} with {len(exchange.answer_object.get('generations') or ())} runs",
    )


def _malformed(exchange: Exchange, ledger: Ledger) -> bool:
    assert exchange.operation is not None
    endpoint = ledger.contract.operations[exchange.operation]
    return bool(endpoint.request_breaches(exchange.request, exchange.path_parameters))
