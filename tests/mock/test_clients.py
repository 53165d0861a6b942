"""Clients that people use, as they come, cannot tell the mock from another server."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.mock.conftest import BODY, MockFlora

if TYPE_CHECKING:
    from tests.conftest import Need

FOLDER = Path(__file__).with_name("clients")
TEXT = json.dumps({**BODY, "prompt": "Ein grüner Krug, 一个杯子 " * 40}, ensure_ascii=False)

CLIENTS = {
    "Java HttpClient": ["java", "-Xshare:auto", "-XX:TieredStopAtLevel=1", "Client.java"],
    "Go net/http": ["go", "run", "client.go"],
    "Node fetch": ["node", "client.mjs"],
    "Ruby net/http": ["ruby", "client.rb"],
    "curl": ["bash", "client.sh"],
    "requests": [sys.executable, "client_requests.py"],
    "aiohttp": [sys.executable, "client_aiohttp.py"],
}
"""How each is run; it gets the base URL and the body of a create."""


def assert_works(mock: MockFlora, command: list[str], *more: str) -> None:
    """It creates, repeats a key, sends a body in chunks, lists, asks for nothing and by HEAD."""
    environment = {**os.environ, "GOFLAGS": "-mod=mod", "GO111MODULE": "off"}
    found = subprocess.run(
        [*command, mock.base_url, TEXT, *more],
        cwd=FOLDER,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert found.returncode == 0, found.stderr
    assert found.stdout.split() == ["201", "409", "201", "200", "404", "200"]
    creates = [one for one in mock.requests() if one["operation"] == "createGeneration"]
    assert [one["problems"] for one in creates] == [[], [], []]
    assert [one["body"] for one in creates] == [TEXT] * 3


@pytest.mark.parametrize("name", CLIENTS)
def test_it_is_served(name: str, mock: MockFlora, need: Need) -> None:
    command = CLIENTS[name]
    if command[0] != sys.executable:
        need("javac" if command[0] == "java" else command[0])
    if command[0] == "bash":
        need("curl")
    assert_works(mock, command)


@pytest.mark.needs("node", "npm")
def test_undici_is_served(mock: MockFlora, npm_packages: Path) -> None:
    assert_works(mock, CLIENTS["Node fetch"], str(npm_packages))


@pytest.mark.needs("curl")
def test_http_2_without_asking_is_refused_at_once(mock: MockFlora) -> None:
    command = ["curl", "-sS", "--max-time", "5", "--http2-prior-knowledge", mock.base_url]
    refused = subprocess.run(command, capture_output=True, text=True, check=False)
    assert refused.returncode not in {0, 28}, "it neither works nor waits"
    assert mock.requests()[-1]["status"] == 400
