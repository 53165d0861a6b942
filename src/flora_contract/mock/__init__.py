"""A FLORA that runs on a laptop: `flora-contract mock`, `MockFlora`, `create_app`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from flora_contract.mock.embedded import MockFlora
    from flora_contract.mock.http.asgi import create_app

__all__ = ["MockFlora", "create_app"]


def __getattr__(name: str) -> Any:
    # The pytest plugin lives here and is loaded by every pytest run: nothing is imported unasked.
    if name == "create_app":
        from flora_contract.mock.http.asgi import create_app

        return create_app
    if name == "MockFlora":
        from flora_contract.mock.embedded import MockFlora

        return MockFlora
    raise AttributeError(name)
