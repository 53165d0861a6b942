"""The command `flora-contract overlay`, as a user runs it, and the contract with its overlays."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
import yaml

from flora_contract import shipped
from flora_contract.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

OVERLAY = """\
overlay: 1.1.0
info: {title: Test, version: 1.0.0}
actions:
  - target: $.info
    update: {title: New}
  - target: $.nothing
    remove: true
"""


def run(*arguments: str | Path, stdin: str = "") -> subprocess.CompletedProcess[str]:
    code = "from flora_contract.cli import main; main()"
    command = [sys.executable, "-c", code, "overlay", *map(str, arguments)]
    return subprocess.run(
        command, input=stdin, capture_output=True, text=True, timeout=60, check=False
    )


@pytest.fixture
def overlay(tmp_path: Path) -> Path:
    path = tmp_path / "new.overlay.yaml"
    path.write_text(OVERLAY)
    return path


def test_yaml_to_yaml(tmp_path: Path, overlay: Path) -> None:
    spec = tmp_path / "openapi.yaml"
    spec.write_text("# mine\ninfo:\n  title: Old  # for now\n")
    done = run(spec, overlay)
    assert done.stdout == "# mine\ninfo:\n  title: New  # for now\n"
    assert done.stderr == f"warning: {overlay}:6: target $.nothing selects nothing\n"
    assert done.returncode == 0


def test_json_to_json(tmp_path: Path, overlay: Path) -> None:
    spec = tmp_path / "openapi.json"
    spec.write_text('{\n    "info": {}\n}\n')
    done = run(spec, overlay)
    assert done.stdout == json.dumps({"info": {"title": "New"}}, indent=4) + "\n"


def test_overlays_in_order_from_standard_input_to_a_file(tmp_path: Path, overlay: Path) -> None:
    second = tmp_path / "second.yaml"
    second.write_text(OVERLAY.replace("title: New", "summary: Also"))
    out = tmp_path / "new" / "out.yaml"
    done = run("-", overlay, second, "-o", out, stdin="info: {}\n")
    assert (done.returncode, done.stdout) == (0, "")
    assert yaml.safe_load(out.read_text()) == {"info": {"title": "New", "summary": "Also"}}
    assert [path.name for path in out.parent.iterdir()] == ["out.yaml"]


@pytest.mark.parametrize(
    ("spec", "text", "message"),
    [
        ("info: {}", OVERLAY + "  - target: $\n    update: {info: 1}\n", "gives a single value"),
        ("a: ]", OVERLAY, "spec.yaml:1: not valid YAML"),
        ("a: 1", "a: ]", "overlay.yaml:1: not valid YAML"),
        ("a: 1", OVERLAY.replace("$.info", "$.["), "overlay.yaml:4: target '$.[' is not"),
        ("a: 1", OVERLAY.replace("1.1.0", "3.1.0"), "overlay.yaml:1: version '3.1.0' is not known"),
        ("just text", OVERLAY, "spec.yaml: not a mapping of keys to values"),
    ],
)  # fmt: skip
def test_bad_input_is_one_line(tmp_path: Path, spec: str, text: str, message: str) -> None:
    (tmp_path / "spec.yaml").write_text(spec)
    (tmp_path / "overlay.yaml").write_text(text)
    out = tmp_path / "out.yaml"
    out.write_text("as it was")
    done = run(tmp_path / "spec.yaml", tmp_path / "overlay.yaml", "-o", out)
    assert done.returncode == 2
    assert message in done.stderr
    assert done.stderr.startswith(f"flora-contract: {tmp_path}")
    assert done.stderr.count("\n") == 1
    assert out.read_text() == "as it was"


def test_files_that_are_not_there(tmp_path: Path, overlay: Path) -> None:
    assert run(tmp_path / "none.yaml", overlay).returncode == 2
    assert run(overlay, tmp_path / "none.yaml").stderr.endswith(
        "none.yaml: no such file; correct the path\n"
    )


@pytest.mark.parametrize("name", sorted(path.stem for path in shipped.OVERLAYS.glob("*.yaml")))
def test_our_overlays_fit_the_contract(name: str) -> None:
    document = shipped.contract(name)
    assert [o.operation_id for o in document.operations()]
    assert str(document.locate(("info", "title"))).startswith(str(shipped.CONTRACT))


def test_an_overlay_of_ours_that_fits_nothing_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "overlays").mkdir()
    (tmp_path / "overlays" / "ours.yaml").write_text(OVERLAY)
    shutil.copy(shipped.CONTRACT, tmp_path)
    with pytest.raises(InputError, match=r"ours.yaml:6: target \$.nothing selects nothing$"):
        shipped.contract("ours", root=tmp_path)
