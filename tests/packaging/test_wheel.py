"""The wheel, installed into an empty environment as a stranger would."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
UV = [sys.executable, "-m", "uv"]


def run(*command: str | Path, cwd: Path | None = None, **environment: str) -> str:
    """What a command prints; the test fails with what it said when it fails."""
    clean = {
        k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "FLORA", "VIRTUAL"))
    }
    done = subprocess.run(
        [str(part) for part in command],
        capture_output=True,
        text=True,
        check=False,
        cwd=cwd,
        env={**clean, **environment},
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this checkout."""
    folder = tmp_path_factory.mktemp("wheel")
    run(*UV, "build", "--quiet", "--wheel", "--out-dir", folder, ROOT)
    (built,) = folder.glob("*.whl")
    return built


def environment(folder: Path, wheel: Path, extra: str = "") -> Path:
    """The `bin` of a new environment that holds the wheel and what it asks for."""
    run(*UV, "venv", "--quiet", folder)
    python = folder / "bin" / "python"
    run(*UV, "pip", "install", "--quiet", "--python", python, f"{wheel}{extra}")
    return python.parent


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


def test_a_plain_install_gives_the_client_and_little_else(wheel: Path, tmp_path: Path) -> None:
    bin_ = environment(tmp_path / "plain", wheel)
    listed = run(*UV, "pip", "list", "--quiet", "--format", "freeze", "--python", bin_ / "python")
    distributions = {line.partition("==")[0].partition(" ")[0] for line in listed.splitlines()}
    assert {"flora-client", "attrs", "httpx"} <= distributions
    # httpx brings six of its own.
    assert len(distributions - {"flora-client"}) <= 8
    script = "from flora_client import Flora; print(Flora(api_key='sk_live_test'))"
    assert "sk_live_test" not in run(bin_ / "python", "-c", script)


def test_a_plain_install_names_the_extra_where_it_is_needed(wheel: Path, tmp_path: Path) -> None:
    bin_ = environment(tmp_path / "plain", wheel)
    done = subprocess.run(
        [bin_ / "flora-contract", "mock"], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "pip install 'flora-client[contract]'" in done.stderr
    run(*UV, "pip", "install", "--quiet", "--python", bin_ / "python", "pytest")
    (tmp_path / "test_it.py").write_text("def test_it(flora_mock): pass\n")
    tested = subprocess.run(
        [bin_ / "python", "-m", "pytest", "-p", "no:cacheprovider", tmp_path / "test_it.py"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "flora_mock: orjson is not installed: pip install 'flora-client[contract]'" in (
        tested.stdout
    )


def test_the_suite_runs_from_the_wheel_against_its_mock(wheel: Path, tmp_path: Path) -> None:
    bin_ = environment(tmp_path / "full", wheel, "[contract]")
    script = """
import subprocess, sys
from pathlib import Path
from flora_contract.mock import MockFlora

with MockFlora() as mock:
    command = Path(sys.executable).with_name("flora-contract")
    sys.exit(subprocess.run([command, "check", "--base-url", mock.base_url]).returncode)
"""
    run(bin_ / "python", "-c", script)


@pytest.mark.parametrize("kind", ["wheel", "checkout"])
def test_a_checkout_is_judged_by_what_lies_in_it(wheel: Path, tmp_path: Path, kind: str) -> None:
    checkout = tmp_path / "checkout"
    ignored = shutil.ignore_patterns(".git", ".*_cache", "__pycache__", "build", "node_modules")
    shutil.copytree(ROOT, checkout, ignore=ignored)
    contract = checkout / "openapi.yaml"
    text = contract.read_text(encoding="utf-8")
    contract.write_text(text.replace("title: FLORA API", "title: Another API", 1))
    if kind == "wheel":
        bin_ = environment(tmp_path / "installed", wheel, "[contract]")
    else:
        bin_ = Path(sys.executable).parent
        if not (bin_ / "flora-contract").exists():
            pytest.skip("flora-contract is not installed beside this Python")
    assert str(contract) in run(bin_ / "flora-contract", "lint", cwd=checkout)
    script = checkout / "scripts" / "generate_client.py"
    run(bin_ / "python", script, cwd=tmp_path)
    made = checkout / "generated" / "flora_client" / "__init__.py"
    assert made.read_text(encoding="utf-8").startswith('"""Another API')
    outside = run(bin_ / "flora-contract", "lint", cwd=tmp_path)
    assert str(checkout) not in outside


def test_a_client_of_a_foreign_document_is_made_from_the_wheel(wheel: Path, tmp_path: Path) -> None:
    bin_ = environment(tmp_path / "full", wheel, "[contract]")
    document = ROOT / "tests" / "codegen" / "odd.yaml"
    run(bin_ / "flora-contract", "generate", document, "--output", "odd", cwd=tmp_path)
    run(bin_ / "python", "-c", "import odd; odd.API(api_key='k')", cwd=tmp_path)
    left_out = subprocess.run(
        [bin_ / "flora-contract", "documents", "check"],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
    )
    assert (left_out.returncode, left_out.stderr.count("\n")) == (2, 1)
    assert "in a checkout of the project, pip install -e '.[contract]'" in left_out.stderr
