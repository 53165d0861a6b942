"""The README and the pages of docs/ do what they say, each in an empty environment."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from tests.packaging.conftest import ROOT, UV, run
from tests.packaging.walking import steps, walk

if TYPE_CHECKING:
    from pathlib import Path

    from flora_contract.mock import MockFlora

PAGES = ["README.md", "docs/tutorials/*.md"]
RECIPES = ["docs/index.md", "docs/how-to/*.md"]


def pages(*patterns: str) -> list[str]:
    found = [page for pattern in patterns for page in sorted(ROOT.glob(pattern))]
    return [str(page.relative_to(ROOT)) for page in found if any(steps(page))]


def empty_environment(folder: Path) -> Path:
    run(*UV, "venv", "--quiet", "--python", sys.executable, folder)
    return folder / "bin"


@pytest.mark.needs("bash", "curl")
@pytest.mark.parametrize("page", pages(*PAGES))
def test_a_page_does_what_it_says(page: str, index: str, tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    walk(ROOT / page, folder, empty_environment(tmp_path / "environment"), UV_INDEX=index)


@pytest.fixture(scope="module")
def with_mock(index: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment for all recipes, which begin where the tutorials end."""
    bin_ = empty_environment(tmp_path_factory.mktemp("recipes") / "environment")
    install = ["pip", "install", "--quiet", "--python", bin_ / "python", "--index", index]
    run(*UV, *install, "flora-client[mock]")
    return bin_


@pytest.mark.needs("bash")
@pytest.mark.parametrize("page", pages(*RECIPES))
def test_a_recipe_does_what_it_says(
    page: str, index: str, with_mock: Path, flora_mock: MockFlora, tmp_path: Path
) -> None:
    environment = {"FLORA_API_KEY": "sk_live_test", "FLORA_BASE_URL": flora_mock.base_url}
    port = flora_mock.origin.rpartition(":")[2]
    walk(ROOT / page, tmp_path, with_mock, port, UV_INDEX=index, **environment)
