"""generated/ is what the contract gives, whoever generates it, and nothing is lost on the way."""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import flora_client
import pytest

from flora_contract.codegen import generate
from flora_contract.errors import InputError
from flora_contract.openapi import apply, load, parse
from flora_contract.shipped import contract
from flora_runtime import errors
from flora_runtime.operation import CallOptions, KeyedCallOptions

ROOT = Path(__file__).parents[2]
GENERATED = ROOT / "generated" / "flora_client"


def files_in(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A copy of what generating needs."""
    for name in ("src", "scripts", "overlays", "generated"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "openapi.yaml", tmp_path)
    return tmp_path


def script(checkout: Path, *options: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "scripts/generate_client.py", *options],
        cwd=checkout,
        env={**os.environ, "PYTHONPATH": str(checkout / "src"), **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_generated_is_current(tmp_path: Path) -> None:
    assert generate(contract("behaviour", "client"), tmp_path / "flora_client", complete=True) == []
    assert files_in(tmp_path / "flora_client") == files_in(GENERATED)


def test_the_bytes_depend_on_no_hash_seed_and_no_other_ruff(checkout: Path) -> None:
    shutil.rmtree(checkout / "generated" / "flora_client")
    bin_folder = checkout / "bin"
    bin_folder.mkdir()
    other = bin_folder / "ruff"
    other.write_text("#!/bin/sh\nexit 1\n")
    other.chmod(0o755)
    (checkout / "ruff.toml").write_text("line-length = 40\n")
    path = f"{bin_folder}{os.pathsep}{os.environ['PATH']}"
    for seed in ("1", "77"):
        done = script(checkout, PYTHONHASHSEED=seed, PATH=path)
        assert done.returncode == 0, done.stderr
        assert files_in(checkout / "generated" / "flora_client") == files_in(GENERATED)
    assert {p.name for p in (checkout / "generated").iterdir()} == {"flora_client"}


def test_a_change_of_the_contract_turns_the_check_red(checkout: Path) -> None:
    assert script(checkout, "--check").returncode == 0
    file = checkout / "openapi.yaml"
    file.write_text(file.read_text().replace("enum: [image, video,", "enum: [image, smell, video,"))
    done = script(checkout, "--check")
    assert done.returncode == 1
    assert '+    SMELL = "smell"' in done.stdout
    assert "scripts/generate_client.py" in done.stderr
    assert files_in(checkout / "generated" / "flora_client") == files_in(GENERATED)


def test_a_change_of_generated_turns_the_check_red(checkout: Path) -> None:
    (checkout / "generated" / "flora_client" / "extra.py").write_text("x = 1\n")
    done = script(checkout, "--check")
    assert done.returncode == 1
    assert "-x = 1" in done.stdout


def test_a_failure_is_one_line_and_leaves_generated_as_it_was(checkout: Path) -> None:
    file = checkout / "openapi.yaml"
    file.write_text(file.read_text().replace("openapi: 3.1.0", "openapi: [3.1.0"))
    done = script(checkout)
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert "openapi.yaml" in done.stderr
    assert files_in(checkout / "generated" / "flora_client") == files_in(GENERATED)
    assert {p.name for p in (checkout / "generated").iterdir()} == {"flora_client"}


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("'#/components/schemas/RunAccepted'", "'#/components/schemas/Nothing'"),
        ("openapi: 3.1.0", "openapi: 3.2.0"),
        ("openapi: 3.1.0", "swagger: 2.0"),
    ],
)
def test_a_document_that_no_client_can_be_made_of_is_refused(
    tmp_path: Path, old: str, new: str
) -> None:
    document = parse((ROOT / "openapi.yaml").read_text().replace(old, new), "openapi.yaml")
    with pytest.raises(InputError, match=r"openapi\.yaml"):
        generate(document, tmp_path / "client", complete=True)
    assert list(tmp_path.iterdir()) == []


def test_a_reference_to_nothing_is_told_with_its_line(tmp_path: Path) -> None:
    old, new = "'#/components/schemas/RunStatus'", "'#/components/schemas/Nothing'"
    document = parse((ROOT / "openapi.yaml").read_text().replace(old, new), "openapi.yaml")
    with pytest.raises(InputError, match=r"^openapi\.yaml:\d+: \$ref .*/Nothing names nothing"):
        generate(document, tmp_path / "client", complete=True)


def test_a_link_to_the_target_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "deep" / "old").mkdir(parents=True)
    (tmp_path / "client").symlink_to("deep/old")
    generate(contract("client"), tmp_path / "client")
    assert (tmp_path / "client").is_symlink()
    assert (tmp_path / "deep" / "old" / "__init__.py").is_file()
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["old"]


def test_what_is_no_folder_is_never_replaced_by_one(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "client")
    with pytest.raises(InputError, match="no folder"):
        generate(contract("client"), tmp_path / "client")
    assert (tmp_path / "client").is_fifo()


def test_a_failed_swap_leaves_the_target_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "client"
    target.mkdir()
    (target / "mine.py").write_text("x = 1\n")
    rename = Path.rename

    def fail(self: Path, to: Path) -> Path:
        if self.name == "new":
            raise OSError("no disk")
        return rename(self, to)

    monkeypatch.setattr(Path, "rename", fail)
    with pytest.raises(OSError, match="no disk"):
        generate(contract("behaviour", "client"), target)
    assert files_in(tmp_path) == {"client/mine.py": b"x = 1\n"}


def test_a_failure_while_writing_leaves_the_target_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "client"
    target.mkdir()
    (target / "mine.py").write_text("x = 1\n")

    def fail(_folder: Path) -> None:
        raise InputError("no disk")

    monkeypatch.setattr("flora_contract.codegen.driver._format", fail)
    with pytest.raises(InputError, match="no disk"):
        generate(contract("behaviour", "client"), target)
    assert files_in(tmp_path) == {"client/mine.py": b"x = 1\n"}


def test_nothing_untrusted_or_renamed_is_printed() -> None:
    text = "".join(body.decode() for body in files_in(GENERATED).values())
    assert "UntrustedString" not in text
    assert "type_" not in text.replace("error_type_", "")
    assert "object at 0x" not in text
    assert "py.typed" in files_in(GENERATED)


def test_methods_of_one_name_are_named_apart(tmp_path: Path) -> None:
    def client(second: str) -> tuple[list[str], str]:
        responses = "responses: {'200': {description: ok}}"
        text = f"""
            openapi: 3.1.0
            info: {{title: T, version: '1'}}
            paths:
              /a: {{get: {{operationId: allOfA, x-method: all, {responses}}}}}
              /b: {{get: {{operationId: {second}, x-method: all, {responses}}}}}
        """
        document = parse(textwrap.dedent(text), "x.yaml")
        warnings = generate(document, tmp_path / "client")
        return warnings, (tmp_path / "client" / "resources" / "default.py").read_text()

    warnings, text = client("allOfB")
    assert warnings == []
    assert "def all(" in text
    assert "def all_of_b(" in text
    warnings, _ = client("all")
    assert warnings == ["GET /b: its name stands twice"]


def test_what_has_no_counterpart_is_told_or_refused(tmp_path: Path) -> None:
    document = parse(
        "openapi: 3.1.0\ninfo: {title: T, version: '1'}\n"
        "paths:\n  /x/{id}:\n    get: {responses: {'200': {description: ok}}}\n",
        "x.yaml",
    )
    (warning,) = generate(document, tmp_path / "client")
    assert "/x/{id}" in warning
    with pytest.raises(InputError, match="would lack something"):
        generate(document, tmp_path / "client", complete=True)


def test_a_warning_is_one_readable_line_whatever_it_quotes(tmp_path: Path) -> None:
    document = parse(
        "openapi: 3.1.0\ninfo: {title: T, version: '1'}\npaths:\n"
        f"  ? /{'x' * 90_000}/{{id}}\n  : get: {{responses: {{'200': {{description: ok}}}}}}\n",
        "x.yaml",
    )
    (warning,) = generate(document, tmp_path / "client")
    assert "\n" not in warning
    assert len(warning) <= 300


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("operationId: getRun", "operationId: lookUp", "the contract has no operation getRun"),
        ("operationId: createGenerationRun", "operationId: x", "no operation createGenerationRun"),
        ("- name: cursor", "- name: after", "listGenerations has no query parameter cursor"),
        (
            "        generations:\n",
            "        runs:\n",
            "answer of listGenerations has no list generations",
        ),
        ("        estimated_seconds:\n", "        eta:\n", "a Run has no estimated_seconds"),
        ("        error_code:\n", "        reason:\n", "a Run has no error_code"),
    ],
)
def test_a_statement_that_does_not_fit_is_refused_or_told_and_left_out(
    tmp_path: Path, old: str, new: str, told: str
) -> None:
    text = (ROOT / "openapi.yaml").read_text()
    assert old in text
    changed = parse(text.replace(old, new), "openapi.yaml")
    overlays = [load(ROOT / "overlays" / f"{name}.yaml") for name in ("behaviour", "client")]
    document = apply(changed, overlays).document
    warnings = generate(document, tmp_path / "client")
    assert any(told in warning for warning in warnings), warnings
    assert all(re.match(r".*behaviour\.yaml:\d+: |[A-Z]+ /", warning) for warning in warnings)
    assert not any("\n" in warning for warning in warnings)
    made = (tmp_path / "client" / "resources" / "generations.py").read_text()
    compile(made, "it", "exec")
    assert "def create_and_wait(" in made or "getRun" in told
    with pytest.raises(InputError, match=re.escape(warnings[0])):
        generate(document, tmp_path / "strict", complete=True)


@pytest.mark.parametrize(
    ("change", "problem"),
    [({"id": None}, "id"), ({"items": "films"}, "its answer has no films")],
)
def test_files_that_an_answer_lacks_are_refused_in_one_line(
    tmp_path: Path, change: dict[str, str | None], problem: str
) -> None:
    document = contract("behaviour", "client")
    hint = document.tree["paths"]["/runs/{runId}"]["get"]["x-files"]
    hint.update(change)
    if hint["id"] is None:
        del hint["id"]
    with pytest.raises(InputError, match=rf"client\.yaml:\d+: x-files: .*{problem}"):
        generate(document, tmp_path / "client")


def test_values_of_enums_have_names_whose_words_stand_apart() -> None:
    assert 'IMAGE_URL = "imageUrl"' in (GENERATED / "models.py").read_text()
    assert max(len(line) for line in (GENERATED / "models.py").read_text().splitlines()) <= 100


def test_every_value_that_the_contract_names_is_a_member() -> None:
    schemas = contract().tree["components"]["schemas"]
    enums = {name: schema["enum"] for name, schema in schemas.items() if "enum" in schema}
    shown = {name: getattr(flora_client, name) for name in enums if hasattr(flora_client, name)}
    assert len(shown) > 3
    for name, members in shown.items():
        assert [member.value for member in members] == enums[name]


def test_docstrings_name_every_option_and_errors_that_there_are() -> None:
    seen = 0
    for path in sorted((GENERATED / "resources").glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            kwarg = node.args.kwarg if isinstance(node, ast.FunctionDef) else None
            if kwarg is None or "Request" in ast.unparse(kwarg):  # what waits refers to what starts
                continue
            text = ast.get_docstring(node) or ""
            keyed = "Keyed" in ast.unparse(kwarg)
            options = KeyedCallOptions if keyed else CallOptions
            assert all(f"`{name}`" in text for name in options.__annotations__), node.name
            raised = re.findall(r"\w+", text.partition("Raises: ")[2])
            assert "BadRequestError" in raised
            assert all(issubclass(getattr(errors, name), errors.FloraError) for name in raised)
            assert ("RunOutcomeUnknownError" in raised) == keyed
            seen += 1
    assert seen > 5
