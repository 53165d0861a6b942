"""The mock in the process of whoever tests with it."""

from __future__ import annotations

import asyncio
import json
from dataclasses import fields
from typing import Any

import httpx
import pytest

from flora_contract.mock import create_app
from flora_contract.mock.application import MockSettings, Options
from flora_contract.mock.http.messages import MAX_BODY
from tests.mock.conftest import BODY, KEY


def ask(*requests: tuple[str, str, Any], **options: Any) -> list[httpx.Response]:
    async def main() -> list[httpx.Response]:
        transport = httpx.ASGITransport(create_app(**options))
        headers = {"authorization": f"Bearer {KEY}"}
        async with httpx.AsyncClient(
            transport=transport, base_url="http://flora.test", headers=headers
        ) as client:
            return [await client.request(m, path, json=body) for m, path, body in requests]

    return asyncio.run(main())


def test_it_answers_without_a_socket() -> None:
    created, listed, head, nothing = ask(
        ("POST", "/api/v1/generate", BODY),
        ("GET", "/api/v1/generations?limit=1", None),
        ("HEAD", "/api/v1/generations", None),
        ("GET", "/nothing", None),
        run_seconds=0,
    )
    assert created.status_code == 201
    assert created.json()["poll_url"].startswith("http://flora.test/api/v1/runs/run_")
    assert listed.json()["generations"][0]["status"] == "completed"
    assert (head.status_code, head.content) == (200, b"")
    assert nothing.json()["error"]["code"] == "not_found"
    assert nothing.headers["request-id"].startswith("req_")


def test_it_takes_the_arguments_of_the_settings() -> None:
    assert Options.__annotations__.keys() == {field.name for field in fields(MockSettings)}


def test_a_large_body_is_refused() -> None:
    (refused,) = ask(("POST", "/api/v1/generate", "x" * (MAX_BODY + 1)))
    assert refused.status_code == 413


def test_a_dropped_connection_is_an_exception() -> None:
    async def main() -> None:
        transport = httpx.ASGITransport(create_app())
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
            rule = {"kind": "close_before"}
            assert (await client.put("/_mock/faults", json=[rule])).status_code == 200
            await client.get("/api/v1/generations")

    with pytest.raises(ConnectionAbortedError):
        asyncio.run(main())


def test_half_a_request_is_none() -> None:
    """What came of the body is a request already, but the client has not said that it is all."""

    async def main() -> list[dict[str, Any]]:
        body = json.dumps(BODY).encode()
        parts = [
            {"type": "http.request", "body": body, "more_body": True},
            {"type": "http.disconnect"},
        ]
        sent: list[dict[str, Any]] = []

        async def receive() -> dict[str, Any]:
            return parts.pop(0)

        async def send(message: dict[str, Any]) -> None:
            sent.append(message)

        scope = {"type": "http", "method": "POST", "path": "/api/v1/generate", "query_string": b""}
        headers = [(b"authorization", f"Bearer {KEY}".encode())]
        await create_app()({**scope, "headers": headers}, receive, send)
        return sent

    assert asyncio.run(main()) == []


def test_lifespan_is_spoken() -> None:
    async def main() -> list[str]:
        said = iter(["lifespan.startup", "lifespan.shutdown"])
        heard: list[str] = []

        async def receive() -> dict[str, Any]:
            return {"type": next(said)}

        async def send(message: dict[str, Any]) -> None:
            heard.append(message["type"])

        await create_app()({"type": "lifespan"}, receive, send)
        return heard

    assert asyncio.run(main()) == ["lifespan.startup.complete", "lifespan.shutdown.complete"]
