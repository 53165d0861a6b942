"""A fixture for everybody's tests: `flora_mock`, a running mock with no runs in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from flora_contract.commands import not_installed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flora_contract.mock.embedded import MockFlora


@pytest.fixture(scope="session")
def _flora_mock_server() -> Iterator[MockFlora]:
    try:  # here, for pytest runs without a mock need not wait
        from flora_contract.mock.embedded import MockFlora
    except ModuleNotFoundError as missing:
        pytest.fail(f"flora_mock: {not_installed(missing)}", pytrace=False)

    with MockFlora() as server:
        yield server


@pytest.fixture
def flora_mock(request: pytest.FixtureRequest, _flora_mock_server: MockFlora) -> MockFlora:
    """A FLORA to test against: `flora_mock.base_url`, with the key `sk_live_test`.

    `@pytest.mark.flora_scenario(FILE)` lets it begin with a scenario, a file or plain data.
    """
    marker = request.node.get_closest_marker("flora_scenario")
    _flora_mock_server.reset(marker.args[0] if marker is not None else {})
    return _flora_mock_server


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "flora_scenario(source): what flora_mock begins with")
