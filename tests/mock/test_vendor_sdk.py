"""The vendor's TypeScript SDK, as npm delivers it, cannot tell the mock from the service."""

from __future__ import annotations

import base64
import io
import json
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import pytest
from PIL import Image

from flora_contract.mock import MockFlora

if TYPE_CHECKING:
    from collections.abc import Iterator

SCRIPT = Path(__file__).with_name("vendor_sdk.mjs")

NEWEST = "@flora-ai/flora"
VERSIONS = [NEWEST, f"{NEWEST}-0.10.0", f"{NEWEST}-0.7.1"]
"""As tests/package.json calls them."""

every_version = pytest.mark.parametrize("package", VERSIONS)

pytestmark = pytest.mark.needs("node", "npm")


class Scenario(Protocol):
    def __call__(
        self, name: str, mock: MockFlora, *arguments: str, package: str = NEWEST
    ) -> Any: ...


@pytest.fixture(scope="module")
def scenario(npm_packages: Path) -> Scenario:
    """Runs one scenario of vendor_sdk.mjs against a mock; gives what it printed."""

    def run(name: str, mock: MockFlora, *arguments: str, package: str = NEWEST) -> Any:
        command = ["node", str(SCRIPT), str(npm_packages), package, name, mock.base_url, *arguments]
        result = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        assert result.returncode == 0, result.stderr
        return json.loads(result.stdout)

    return run


@pytest.fixture
def mock() -> Iterator[MockFlora]:
    with MockFlora(run_seconds=0.8, self_check=True) as mock:
        yield mock


@every_version
def test_generates_and_downloads(package: str, scenario: Scenario, mock: MockFlora) -> None:
    result = scenario("generate", mock, package=package)
    accepted, seen = result["accepted"], result["seen"]
    assert accepted["poll_url"] == f"{mock.base_url}/runs/{accepted['run_id']}"
    order = ["pending", "running", "completed"]
    assert [order.index(run["status"]) for run in seen] == sorted(
        order.index(run["status"]) for run in seen
    )
    assert len({run["status"] for run in seen}) > 1, "the run took its time"
    assert {run["charged_cost"] for run in seen} == {accepted["charged_cost"]}
    assert [file["type"] for file in result["files"]] == ["image/png"]
    with Image.open(io.BytesIO(base64.b64decode(result["files"][0]["data"]))) as picture:
        assert picture.format == "PNG"
    assert not [exchange for exchange in mock.requests() if exchange["problems"]]


def test_sees_a_run_fail(scenario: Scenario, mock: MockFlora) -> None:
    result = scenario("fail", mock, "t2i-unlucky")
    assert result["run"]["status"] == "failed"
    assert result["run"]["error_code"] == "provider_error"
    assert result["run"]["error_message"]
    assert result["run"]["charged_cost"] == result["accepted"]["charged_cost"]
    assert "outputs" not in result["run"]


@every_version
def test_follows_every_page(package: str, scenario: Scenario, mock: MockFlora) -> None:
    result = scenario("page", mock, package=package)
    assert [run["run_id"] for run in result["listed"]] == result["created"][::-1]
    assert result["pages"] == {"more": True, "size": 5}


@every_version
def test_raises_its_error_of_each_status(package: str, scenario: Scenario, mock: MockFlora) -> None:
    raised = scenario("errors", mock, package=package)
    assert all(error["is_api_error"] and error["request_id"] for error in raised.values())
    assert {
        case: (error["class"], error["status"], error["code"]) for case, error in raised.items()
    } == {
        "fields": ("BadRequestError", 400, "input_validation_error"),
        "key": ("AuthenticationError", 401, "unauthorized"),
        # The SDK has no class of its own for 402.
        "credits": ("APIError", 402, "insufficient_credits"),
        "workspace": ("PermissionDeniedError", 403, "forbidden"),
        "run": ("NotFoundError", 404, "not_found"),
        "duplicate": ("ConflictError", 409, "idempotency_duplicate"),
        "cursor": ("BadRequestError", 400, "input_validation_error"),
    }
    assert sorted(raised["fields"]["fields"]) == ["prompt", "type"]


@pytest.mark.parametrize(
    ("rule", "raised"),
    [
        ({"kind": "status", "status": 500}, ("InternalServerError", 500, "unknown_error")),
        ({"kind": "close_before"}, ("APIConnectionError", None, None)),
        ({"kind": "not_json"}, ("SyntaxError", None, None)),
    ],
)
def test_meets_a_server_in_trouble(
    rule: dict[str, Any], raised: tuple[Any, ...], scenario: Scenario, mock: MockFlora
) -> None:
    """One call without retries raises; one with the SDK's own two sees it through."""
    mock.put_faults({**rule, "operation": "listGenerations", "count": 2})
    retried = raised[0] != "SyntaxError"  # a body that cannot be read is not a reason to ask again
    result = scenario("outage", mock, "1" if retried else "2")
    for error in result["refused"]:
        assert (error["class"], error.get("status"), error.get("code")) == raised
    assert result["patient"] == 0
    assert [exchange["fault"] for exchange in mock.requests()] == [rule["kind"]] * 2 + [None]


def test_waits_as_long_as_it_is_told(scenario: Scenario) -> None:
    with MockFlora(rate_limit=2) as mock:
        result = scenario("hurry", mock)
    assert (result["refused"]["class"], result["refused"]["status"]) == ("RateLimitError", 429)
    assert result["patient"] == 0
