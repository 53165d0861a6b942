"""What the contract documents one by one: each error's shape, each enum, the way of a run."""

from __future__ import annotations

from typing import TYPE_CHECKING

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
def test_error_shape(operation: str, status: int, check: Check) -> None:
    """Each documented error that the server could be brought to has the documented shape."""
    seen = [e for e in check.ledger.exchanges if (e.operation, e.status) == (operation, status)]
    if not seen:
        pytest.skip(f"{status} was not seen: no request can bring a sound server to it for certain")
    for exchange in seen:
        assert not CONTRACT.operations[operation].response_breaches(status, exchange.answer)
        error = exchange.answer["error"]
        assert error["code"] in CODES[status]
        assert error["message"]


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
