"""Clients of documents that are not ours: with hints, everything; without, still a client."""

from __future__ import annotations

import importlib
import inspect
import json
import subprocess
import sys
from contextlib import contextmanager
from datetime import UTC, datetime
from email.utils import format_datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from flora_contract.codegen import generate
from flora_contract.openapi import Document, load

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType

HERE = Path(__file__).parent


@contextmanager
def imported(document: Document, folder: Path, name: str) -> Iterator[ModuleType]:
    """The client package of a document."""
    generate(document, folder / name)
    sys.path.insert(0, str(folder))
    try:
        yield importlib.import_module(name)
    finally:
        sys.path.remove(str(folder))
        for module in [m for m in sys.modules if m.partition(".")[0] == name]:
            del sys.modules[module]


def test_a_document_without_hints_gives_a_client(tmp_path: Path) -> None:
    with imported(load(HERE / "odd.yaml"), tmp_path, "odd_client") as odd:
        thing = {
            "id": 1,
            "class": "a",
            "type": "thing",
            "call": "me",
            "nested": {"parent": {"id": 2, "class": "b", "type": "thing", "call": "you"}},
            "pets": [{"meow": "m"}, {"bark": 1}],
            "map": {"a": {"meow": "x"}},
        }
        seen: list[httpx.Request] = []

        def answer(request: httpx.Request) -> httpx.Response:
            seen.append(request)
            if request.method == "DELETE":
                return httpx.Response(204)
            return httpx.Response(200, json=[thing] if request.method == "PUT" else thing)

        http = httpx.Client(transport=httpx.MockTransport(answer))
        api = odd.API(api_key="sk", base_url="https://x.example/v1", http_client=http)
        got = api.my_things.get_things_class_thing_id("a/b", 7, from_=["a", "b"], timeout_value=3)
        assert str(seen[0].url) == "https://x.example/v1/things/a%2Fb/7?from=a&from=b&timeout=3"
        assert (got.class_, got.call_value) == ("a", "me")
        assert got.nested.parent.id == 2
        assert got.pets == (odd.Cat(meow="m"), odd.Dog(bark=1))
        assert got.to_dict() == thing
        assert api.my_things.delete("a", 7) is None
        assert api.list.put_it("a", 7, body=got) == (got,)
        assert json.loads(seen[2].content) == thing


@pytest.mark.needs("mypy")
def test_it_is_typed_as_strictly_as_ours(tmp_path: Path) -> None:
    generate(load(HERE / "odd.yaml"), tmp_path / "odd_client")
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--config-file=", "-p", "odd_client"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout


def test_hints_bring_money_waiting_and_paging_to_an_api_of_other_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The runtime knows no operation, path or field: this API shares none with ours."""
    renders: dict[str, dict[str, Any]] = {}

    def answer(request: httpx.Request) -> httpx.Response:
        headers = {"date": format_datetime(datetime.now(UTC), usegmt=True)}
        if request.method == "POST":
            key = request.headers["X-Once"]
            if key in renders:
                return httpx.Response(409, json={"code": "seen", "text": "again"}, headers=headers)
            renders[key] = {
                "renderId": f"r{len(renders)}",
                "phase": "waiting",
                "priceInCents": 1.5,
                "farm": "f1",
                "bornAt": datetime.now(UTC).timestamp(),
                "scene": {"name": json.loads(request.content)["sceneName"]},
            }
            raise httpx.ReadTimeout("lost", request=request)
        if request.url.path == "/farms/f1/renders":
            page = {"renders": list(reversed(renders.values())), "after": None}
            return httpx.Response(200, json=page, headers=headers)
        one = next(r for r in renders.values() if request.url.path.endswith(r["renderId"]))
        return httpx.Response(200, json={**one, "phase": "done", "priceInCents": 2})

    monkeypatch.setenv("FARM_KEY", "farm_key")
    with imported(load(HERE / "farm.yaml"), tmp_path, "farm_client") as farm:
        http = httpx.Client(transport=httpx.MockTransport(answer))
        with farm.Farm(http_client=http) as client:
            done = client.renders.start_and_wait("f1", scene_name="cups", frames=3)
            assert (done.render_id, done.phase) == ("r0", "done")
            assert client.spent == 2
            started = client.renders.start("f1", scene_name="plates")
            assert started.call.recovered
            assert started.render_id == "r1"
            assert [r.render_id for r in client.renders.all("f1")] == ["r1", "r0"]
            results = client.renders.start_many([{"farm_id": "f1", "scene_name": "x"}])
            assert results[0].render_id == "r2"
        assert inspect.iscoroutinefunction(farm.AsyncFarm.renders.fget(client).start_and_wait)
