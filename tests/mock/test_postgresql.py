"""State in PostgreSQL: several mocks at once, few statements, and a database that is not there."""

from __future__ import annotations

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from flora_contract.mock import MockFlora, create_app
from flora_contract.mock.state import waiting
from flora_contract.mock.state.postgresql import PostgreSQL
from tests.mock.conftest import BODY, KEY, client_of
from tests.mock.postgresql_server import execute, frozen
from tests.mock.server_process import running

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tests.mock.conftest import Client

WAIT = 1.0
PLACE = {"workspace_id": "ws_n", "project_id": "prj_n"}


@pytest.fixture
def mock(postgresql: str) -> Iterator[MockFlora]:
    with MockFlora(state=postgresql, run_seconds=600) as mock:
        mock.reset()
        yield mock


@pytest.fixture
def client(mock: MockFlora) -> Iterator[Client]:
    with client_of(mock.base_url) as client:
        yield client


@pytest.fixture
def statements(mock: MockFlora, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is sent to the database from now on."""
    sent: list[str] = []
    fetch = PostgreSQL._fetch

    def recording(self: PostgreSQL, connection: Any, sql: str, values: Sequence[Any]) -> Any:
        # What is done once a second, or for 64 entities, is not of a request.
        if not any(part in sql for part in ("clock SET", "nextval", "DELETE FROM keys")):
            sent.append(sql)
        return fetch(self, connection, sql, values)

    monkeypatch.setattr(PostgreSQL, "_fetch", recording)
    return sent


def timed(client: httpx.Client, path: str) -> tuple[int, float]:
    started = time.perf_counter()
    return client.get(path).status_code, time.perf_counter() - started


def test_while_the_database_is_silent_only_what_needs_it_waits(
    postgresql: str, mock: MockFlora, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id = client.create().json()["run_id"]
    monkeypatch.setattr(waiting, "SECONDS", WAIT)
    with frozen(postgresql), ThreadPoolExecutor(12) as pool:
        started = time.perf_counter()
        waiting_for = [pool.submit(client.create) for _ in range(6)]
        waiting_for += [pool.submit(client.get, f"/runs/{run_id}") for _ in range(6)]
        while not all(future.done() for future in waiting_for):
            status, seconds = timed(client, "/nothing")
            assert status == 404
            assert seconds < 0.5, "50 ms on a machine that does nothing else"
            time.sleep(0.02)
        assert {future.result().status_code for future in waiting_for} == {500}
        assert time.perf_counter() - started < 2 * WAIT
        assert httpx.get(f"{mock.origin}/_mock/requests").status_code == 200
    monkeypatch.undo()
    assert client.get(f"/runs/{run_id}").status_code == 200
    assert client.create().status_code == 201


def test_it_ends_while_the_database_is_silent(postgresql: str) -> None:
    with running("--state", postgresql) as server, httpx.Client() as client:
        headers = {"authorization": f"Bearer {KEY}"}
        assert client.get(f"{server.base_url}/generations", headers=headers).status_code == 200
        with frozen(postgresql), ThreadPoolExecutor(1) as pool:
            asked = pool.submit(client.get, f"{server.base_url}/generations", headers=headers)
            time.sleep(0.1)
            started = time.perf_counter()
            code, log = server.stop()
            assert (code, time.perf_counter() - started < 5) == (0, True)
            assert "Traceback" not in log
            assert asked.exception() is not None or asked.result().status_code == 500


def test_a_restart_of_the_database_is_not_noticed(
    postgresql: str, mock: MockFlora, client: Client
) -> None:
    with ThreadPoolExecutor(8) as pool:  # so that there are several connections
        list(pool.map(lambda _: client.create(), range(40)))
    for _ in range(3):
        execute(
            postgresql,
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()",
        )
        assert client.create().status_code == 201
    assert client.list().json()["meta"]["total_estimate"] == 43


def test_few_statements_are_sent(client: Client, statements: list[str]) -> None:
    def sent(number: int) -> None:
        assert len(statements) == number, statements
        statements.clear()

    client.create()  # which has to read the workspace, the project and the model
    statements.clear()
    run_id = client.create(key="k").json()["run_id"]
    sent(2)
    client.get(f"/runs/{run_id}")
    sent(2)
    client.get(f"/runs/{run_id}")
    sent(1)
    for number in (4, 3):  # the other run that is there has to be read, once
        client.list(limit=1)
        sent(number)
    client.create(type="hologram")
    sent(1)
    client.get("/nothing")
    sent(0)


def test_requests_at_once_share_statements(client: Client, statements: list[str]) -> None:
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda _: client.create(), range(200)))
    assert {answer.status_code for answer in answers} == {201}
    assert len(statements) < 2 * 200


@pytest.mark.parametrize("keys", [True, False])
def test_credits_are_spent_once_however_many_spend_them(
    keys: bool, postgresql: str, mock: MockFlora
) -> None:
    """$0.40 buy ten runs, at two mocks together, and each key makes one of them."""
    mock.put_account("sk_new", credits=0.4, workspaces={"ws_n": ["prj_n"]})
    with MockFlora(state=postgresql, run_seconds=600) as other:

        def spend(number: int) -> list[int]:
            with client_of((mock, other)[number % 2].base_url, "sk_new") as own:
                names = [f"k{n}" if keys else "" for n in range(6)]
                return [own.create(key=name, **PLACE).status_code for name in names]

        with ThreadPoolExecutor(8) as pool:
            statuses = [status for found in pool.map(spend, range(8)) for status in found]
        with client_of(other.base_url, "sk_new") as own:
            total = own.list().json()["meta"]["total_estimate"]
    expected = 6 if keys else 10
    assert statuses.count(201) == total == expected
    assert set(statuses) == {201, 409 if keys else 402}


def test_what_one_mock_changes_the_other_sees_at_once(postgresql: str, mock: MockFlora) -> None:
    with MockFlora(state=postgresql) as other, client_of(other.base_url) as there:
        for number in range(5):
            mock.put_account("sk_new", credits=1, workspaces={"ws_n": [f"prj_{number}"]})
            with client_of(other.base_url, "sk_new") as own:
                place = {"workspace_id": "ws_n", "project_id": f"prj_{number}"}
                assert own.create(**place).status_code == 201
                old = {"workspace_id": "ws_n", "project_id": f"prj_{number - 1}"}
                assert own.create(**old).status_code == 404
            assert there.create().status_code == 201
            mock.reset()
            assert there.list().json()["generations"] == []
            assert there.create().status_code == 201


def test_accounts_change_while_others_create(postgresql: str, mock: MockFlora) -> None:
    """Nobody waits for whoever waits for them; what is created is paid for."""
    home = {"ws_n": ["prj_n"]}
    mock.put_account("sk_new", credits=1, workspaces=home)
    with MockFlora(state=postgresql, run_seconds=600) as other:
        stop = time.monotonic() + 3

        def create(number: int) -> set[int]:
            found = set()
            with client_of((mock, other)[number % 2].base_url, "sk_new") as own:
                while time.monotonic() < stop:
                    found.add(
                        own.create(key=f"{number % 3}-{time.monotonic_ns()}", **PLACE).status_code
                    )
            return found

        with ThreadPoolExecutor(6) as pool:
            creating = [pool.submit(create, number) for number in range(6)]
            while time.monotonic() < stop:
                other.put_account("sk_new", credits=0.2, workspaces=home)
            statuses = {status for future in creating for status in future.result()}
    assert statuses == {201, 402}


def test_an_asgi_application_has_its_state_there_too(postgresql: str, mock: MockFlora) -> None:
    async def ask() -> list[int]:
        app = create_app(state=postgresql)
        transport = httpx.ASGITransport(app)  # type: ignore[arg-type]
        headers = {"authorization": f"Bearer {KEY}"}
        async with httpx.AsyncClient(
            transport=transport, base_url="http://flora/api/v1", headers=headers
        ) as client:
            answers = await asyncio.gather(
                *(client.post("/generate", json=BODY) for _ in range(8)), client.get("/nothing")
            )
        events = iter(["lifespan.startup", "lifespan.shutdown"])

        async def receive() -> dict[str, Any]:
            return {"type": next(events)}

        async def send(message: dict[str, Any]) -> None:
            assert message["type"].endswith(".complete")

        await app({"type": "lifespan"}, receive, send)
        return [answer.status_code for answer in answers]

    assert asyncio.run(ask()) == [201] * 8 + [404]
    with client_of(mock.base_url) as client:
        assert client.list().json()["meta"]["total_estimate"] == 8
