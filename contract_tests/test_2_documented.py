"""What the contract documents one by one: each error's shape, each enum, the way of a run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx
import pytest

from flora_contract.conformance import contract as contracts
from flora_contract.conformance.contract import CREATE, GET_RUN, LIST
from flora_contract.conformance.coverage import coverage
from flora_contract.conformance.oracles.errors import CODES

if TYPE_CHECKING:
    from flora_contract.conformance.run import Check

CONTRACT = contracts.load()

ERRORS = [
    (endpoint.id, status)
    for endpoint in CONTRACT.operations.values()
    for status in sorted(endpoint.statuses)
    if status >= 400
]

ENUMS = sorted(
    {
        (i, p.path, p.values)
        for i, endpoint in CONTRACT.operations.items()
        for status in endpoint.statuses
        if status < 300
        for p in CONTRACT.properties(endpoint.response_schema(status))
        if p.values and "action" not in p.path
    }
)


@pytest.mark.parametrize(("operation", "status"), ERRORS, ids=lambda v: str(v))
def test_error_shape(operation: str, status: int, check: Check, own_mock: bool) -> None:
    """Each documented error has the documented shape, as far as the server came to answer so."""
    seen = [e for e in check.ledger.exchanges if (e.operation, e.status) == (operation, status)]
    bodies = [e.answer for e in seen]
    if not bodies and own_mock:
        bodies = [_provoked(operation, status, check)]
    if not bodies:
        pytest.skip(f"{status} was not seen: no request can bring a sound server to it for certain")
    for body in bodies:
        assert not CONTRACT.operations[operation].response_breaches(status, body)
        assert body["error"]["code"] in CODES[status]
        assert body["error"]["message"]


def _provoked(operation: str, status: int, check: Check) -> Any:
    """An error that the mock is told to give; kept out of the ledger, since nobody earned it."""
    endpoint = CONTRACT.operations[operation]
    origin = check.settings.base_url.removesuffix("/api/v1")
    rule = {"kind": "status", "status": status, "operation": operation, "count": 1}
    httpx.put(f"{origin}/_mock/faults", json=[rule], trust_env=False).raise_for_status()
    answer = httpx.request(
        endpoint.method,
        check.settings.base_url + endpoint.path.replace("{runId}", "run_any"),
        headers={"Authorization": f"Bearer {check.settings.api_key}"},
        trust_env=False,
    )
    httpx.put(f"{origin}/_mock/faults", json=[], trust_env=False).raise_for_status()
    assert answer.status_code == status
    return answer.json()


@pytest.mark.parametrize(("operation", "path", "values"), ENUMS, ids=lambda v: str(v)[:40])
def test_enum(operation: str, path: str, values: tuple[str, ...], check: Check) -> None:
    """Each documented enum of an answer takes only its documented values, and at least one."""
    name = f"{path}="
    seen = [
        i for i in coverage(check.ledger) if i.operation == operation and i.name.startswith(name)
    ]
    assert [i.name for i in seen] == [f"{name}{value}" for value in values]
    if not any(i.seen for i in seen):
        pytest.skip(f"no answer held {path}")


def test_a_run_is_started_followed_and_listed(check: Check) -> None:
    """The happy path: a run that was started was read, has ended, and stands in the history."""
    if check.settings.profile != "full":
        pytest.skip("needs --profile full")
    ended = [
        run
        for run in check.ledger.runs.values()
        if run.creation is not None
        and any(o.final for o in run.of("retrieve"))
        and any(o.final for o in run.of("list"))
    ]
    assert ended
    operations = {o.exchange.operation for run in ended for o in run.observations}
    assert operations == {*CREATE, GET_RUN, LIST}
