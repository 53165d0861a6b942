"""A mock for each test, and a client whose every answer is held against the contract."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx
import pytest

from flora_contract import shipped
from flora_contract.mock import MockFlora
from flora_contract.openapi.contract import Contract
from tests.mock.postgresql_server import postgresql

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["postgresql"]

KEY = "sk_live_test"
BODY = {
    "type": "image",
    "prompt": "A ceramic mug on a sunlit table",
    "workspace_id": "ws_abc123",
    "project_id": "prj_abc123",
}
CONTRACT = Contract(shipped.contract("behaviour", "mock"))


def hold_to_contract(response: httpx.Response) -> None:
    """Every answer has a request id; one of an operation is as documented, or an envelope."""
    if response.status_code == 100:
        return
    assert response.headers["request-id"].startswith("req_")
    url = response.request.url.raw_path.decode()
    endpoint, _ = CONTRACT.match(response.request.method, url)
    if endpoint is None:
        return
    response.read()
    assert response.headers["content-type"] == "application/json"
    assert response.status_code in endpoint.statuses
    assert endpoint.answer_breaches(response.status_code, response.json()) == []


class Client(httpx.Client):
    """httpx, with a key, and an eye on the contract."""

    def create(self, key: str = "", path: str = "/generate", **changes: Any) -> httpx.Response:
        body = {name: value for name, value in {**BODY, **changes}.items() if value is not ...}
        headers = {"idempotency-key": key} if key else {}
        return self.post(path, json=body, headers=headers)

    def list(self, **query: Any) -> httpx.Response:
        return self.get("/generations", params=query)


def client_of(base_url: str, key: str = KEY) -> Client:
    return Client(
        base_url=base_url,
        headers={"authorization": f"Bearer {key}"},
        event_hooks={"response": [hold_to_contract]},
        timeout=20,
    )


@pytest.fixture(scope="module")
def shared_mock() -> Iterator[MockFlora]:
    with MockFlora(self_check=True) as mock:
        yield mock


@pytest.fixture
def mock(shared_mock: MockFlora) -> MockFlora:
    """A running mock, as at its start."""
    shared_mock.reset()
    return shared_mock


@pytest.fixture
def client(mock: MockFlora) -> Iterator[Client]:
    with client_of(mock.base_url) as client:
        yield client


@pytest.fixture
def as_account(mock: MockFlora) -> Iterator[Callable[[str], Client]]:
    """Gives a client with another key."""
    clients: list[Client] = []

    def connect(key: str) -> Client:
        clients.append(client_of(mock.base_url, key))
        return clients[-1]

    yield connect
    for client in clients:
        client.close()
