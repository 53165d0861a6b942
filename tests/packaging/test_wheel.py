"""What the wheel holds, and how commands behave beside a checkout."""

from __future__ import annotations

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.packaging.conftest import ROOT, run

if TYPE_CHECKING:
    from collections.abc import Callable


def test_the_wheel_holds_every_room_and_what_they_read(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    for wanted in (
        "flora_client/py.typed",
        "flora_runtime/py.typed",
        "flora_contract/py.typed",
        "flora_contract/mock/media/clip.mp4",
        "flora_contract/_shipped/openapi.yaml",
        "flora_contract/_shipped/overlays/client.yaml",
        "flora_contract/_shipped/overlays/conformance.yaml",
        "flora_contract/_shipped/overlays/mock.yaml",
        "flora_contract/_shipped/contract_tests/conftest.py",
    ):
        assert wanted in names
    tops = {name.partition("/")[0] for name in names if ".dist-info" not in name}
    assert tops == {"flora_client", "flora_runtime", "flora_contract"}
    assert not [name for name in names if name.startswith("flora_contract/documents/")]


@pytest.mark.parametrize("kind", ["wheel", "checkout"])
def test_a_checkout_is_judged_by_what_lies_in_it(
    installed: Callable[[str], Path], tmp_path: Path, kind: str
) -> None:
    checkout = tmp_path / "checkout"
    ignored = shutil.ignore_patterns(".*", "__pycache__", "build", "node_modules")
    shutil.copytree(ROOT, checkout, ignore=ignored)
    contract = checkout / "openapi.yaml"
    text = contract.read_text(encoding="utf-8")
    contract.write_text(text.replace("title: FLORA API", "title: Another API", 1))
    bin_ = installed("generate") if kind == "wheel" else Path(sys.executable).parent
    assert str(contract) in run(bin_ / "flora-contract", "lint", cwd=checkout)
    script = checkout / "scripts" / "generate_client.py"
    run(bin_ / "python", script, cwd=tmp_path)
    made = checkout / "generated" / "flora_client" / "__init__.py"
    assert made.read_text(encoding="utf-8").startswith('"""Another API')
    outside = run(bin_ / "flora-contract", "lint", cwd=tmp_path)
    assert str(checkout) not in outside


def test_the_sources_are_read_in_a_checkout_only(
    installed: Callable[[str], Path], tmp_path: Path
) -> None:
    left_out = subprocess.run(
        [installed("all") / "flora-contract", "documents", "check"],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
    )
    assert (left_out.returncode, left_out.stderr.count("\n")) == (2, 1)
    assert "in a checkout of the project, pip install -e '.[all]'" in left_out.stderr
