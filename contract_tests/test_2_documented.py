"""What the contract documents one by one: errors, enums, and the way of what moves by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from flora_contract.conformance.coverage import coverage
from flora_contract.conformance.exchange import at
from flora_contract.conformance.refusals import codes_by_status
from flora_contract.conformance.statements import load

if TYPE_CHECKING:
    from flora_contract.conformance.run import Check

BEHAVIOUR = load()

ERRORS = [
    (operation.id, status)
    for operation in BEHAVIOUR.operations.values()
    for status in sorted(operation.endpoint.statuses)
    if status >= 400
]

LIVING = [kind.kind for kind in BEHAVIOUR.resources.values() if kind.life is not None]


@pytest.mark.parametrize(("operation", "status"), ERRORS, ids=lambda v: str(v))
def test_error_shape(operation: str, status: int, check: Check) -> None:
    """Each documented error has the documented shape, as far as the server came to answer so."""
    seen = [e for e in check.ledger.exchanges if (e.operation_id, e.status) == (operation, status)]
    bodies = [e.answer for e in seen]
    if not bodies:
        pytest.skip(f"{status} was not seen: no request can bring a sound server to it for certain")
    errors, stated = check.behaviour.errors, check.behaviour.of(operation)
    assert errors.code is not None
    assert errors.message is not None
    codes = codes_by_status(stated, check.behaviour)
    for body in bodies:
        assert not stated.endpoint.answer_breaches(status, body)
        assert at(body, errors.code) in codes[status]
        assert at(body, errors.message)


@pytest.mark.parametrize("operation", BEHAVIOUR.operations)
def test_all_that_is_documented_is_seen(operation: str, check: Check, own_mock: bool) -> None:
    """Every response, property, enum value, error code, parameter and value of a request."""
    items = [i for i in coverage(check.ledger) if i.operation == operation]
    unseen = [f"{i.kind} {i.name}: {i.reason}" for i in items if not i.seen]
    if unseen and not own_mock:
        pytest.skip(f"{len(unseen)} of {len(items)} were not seen: {'; '.join(unseen[:3])}")
    assert not unseen


@pytest.mark.parametrize("kind", LIVING)
def test_what_moves_by_itself_is_made_followed_and_listed(kind: str, check: Check) -> None:
    """The happy path: what was made was read, has come to its end, and stands in its list."""
    if check.settings.profile != "full":
        pytest.skip("needs --profile full")
    resource = check.behaviour.kind(kind)
    ended = [
        instance
        for instance in check.ledger.of(resource)
        if instance.creation is not None
        and any(o.final for o in instance.of("read"))
        and any(o.final for o in instance.of("list"))
    ]
    assert ended
    operations = {o.exchange.operation_id for instance in ended for o in instance.observations}
    assert operations == {
        i for role in ("create", "read", "list") for i in resource.operations[role]
    }
