"""What the contract documents one by one: errors, enums, and the way of what moves by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx
import pytest

from flora_contract.conformance.coverage import coverage
from flora_contract.conformance.exchange import at
from flora_contract.conformance.oracles.answers import codes_by_status
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

ENUMS = [
    (operation.id, path, member.values)
    for operation in BEHAVIOUR.operations.values()
    for path, member in operation.endpoint.answer_members(operation.endpoint.success).items()
    if member.schema.get("enum")
]

LIVING = [kind.kind for kind in BEHAVIOUR.resources.values() if kind.life is not None]


@pytest.mark.parametrize(("operation", "status"), ERRORS, ids=lambda v: str(v))
def test_error_shape(operation: str, status: int, check: Check, own_mock: bool) -> None:
    """Each documented error has the documented shape, as far as the server came to answer so."""
    seen = [e for e in check.ledger.exchanges if (e.operation_id, e.status) == (operation, status)]
    bodies = [e.answer for e in seen]
    if not bodies and own_mock:
        bodies = [_provoked(operation, status, check)]
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


def _provoked(operation: str, status: int, check: Check) -> Any:
    """An error that the mock is told to give; kept out of the ledger, since nobody earned it."""
    endpoint = check.behaviour.of(operation).endpoint
    origin = check.settings.base_url.removesuffix(check.behaviour.contract.base)
    rule = {"kind": "status", "status": status, "operation": operation, "count": 1}
    httpx.put(f"{origin}/_mock/faults", json=[rule], trust_env=False).raise_for_status()
    path = endpoint.path
    for name in endpoint.parameters_in("path"):
        path = path.replace(f"{{{name}}}", "any")
    answer = httpx.request(
        endpoint.method,
        check.settings.base_url + path,
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
    items = [
        i for i in coverage(check.ledger) if i.operation == operation and i.name.startswith(name)
    ]
    assert [i.name for i in items] == [f"{name}{value}" for value in values]
    if not any(i.seen for i in items):
        pytest.skip(f"no answer held {path}")


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
