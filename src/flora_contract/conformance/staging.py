"""The mock's control, by which it gives an answer that it is told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import httpx

from flora_contract.conformance.session import AGENT

if TYPE_CHECKING:
    from flora_contract.conformance.settings import CheckSettings

FAULTS = "/_mock/faults"


class Stage:
    """A context manager that leaves the faults of the mock as it found them.

    `faults` is None where there is no mock.
    """

    def __init__(self, settings: CheckSettings) -> None:
        parts = urlsplit(settings.base_url)
        self._client = httpx.Client(
            base_url=f"{parts.scheme}://{parts.netloc}",
            timeout=settings.timeout,
            trust_env=False,
            headers={"User-Agent": AGENT},
            verify=False,  # noqa: S501 - it is on loopback
        )
        self.faults = self._faults() if settings.loopback else None

    def _faults(self) -> list[Any] | None:
        try:
            told = self._client.get(FAULTS).json()
        except (httpx.HTTPError, ValueError):
            return None
        known = isinstance(told, dict) and "answer" in told.get("kinds", ())
        return list(told["faults"]) if known else None

    def __enter__(self) -> Stage:
        return self

    def __exit__(self, *_: object) -> None:
        if self.faults is not None:
            self._client.put(FAULTS, json=self.faults)
        self._client.close()

    def answer(self, operation: str, status: int, body: Any) -> bool:
        """Have the next request of an operation answered so; False where the mock refuses."""
        rule = {"kind": "answer", "operation": operation, "status": status, "body": body}
        rules = [{**rule, "count": 1}, *(self.faults or ())]
        return self._client.put(FAULTS, json=rules).is_success
