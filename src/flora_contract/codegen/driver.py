"""Makes a client package: read, print, format, then swap it for the one before."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import subprocess
import tempfile
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from openapi_python_client.strings import safe_for_docstring
from ruff import find_ruff_bin  # type: ignore[import-untyped]  # it ships no types

import flora_runtime
from flora_contract.codegen.bundling import bundled
from flora_contract.codegen.fitting import fitting
from flora_contract.codegen.naming import ERROR_NAMES
from flora_contract.codegen.printing import code
from flora_contract.codegen.reading import read
from flora_contract.errors import InputError
from flora_contract.openapi import walk
from flora_contract.openapi.behaviour import Behaviour
from flora_contract.openapi.contract import Contract
from flora_runtime import errors
from flora_runtime.operation import CallOptions, KeyedCallOptions

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flora_contract.codegen.views import ClientView
    from flora_contract.openapi import Document

_LINE_LENGTH = "100"
_RULES = "E4,E7,E9,F,I,UP"


def generate(
    document: Document, target: Path, *, complete: bool = False, vendored: bool = False
) -> list[str]:
    """Make the client package of a document in a folder of its own.

    Any OpenAPI document will do; statements of behaviour make the client better. What was in the
    folder is replaced whole, or left as it was where generation fails. Returns what of the
    document has no counterpart in the client, which is an error with `complete`, and what the
    client does less than it could. `vendored`: the runtime is put into the package. Raises
    InputError.
    """
    document = bundled(document)
    if complete:  # the generator tells a reference to nothing without its line
        for _, node in walk(document.tree):
            if isinstance(node, dict) and isinstance(node.get("$ref"), str):
                document.find(node["$ref"])
    behaviour, misfits = (Behaviour(Contract(document)), []) if complete else fitting(document)
    reading = read(behaviour, target.name)
    losses = misfits + reading.losses
    if losses and complete:
        raise InputError(f"{document.file}: the client would lack something: {'; '.join(losses)}")
    with _made_elsewhere(target) as folder:
        for name, text in _modules(reading.client, target.name).items():
            path = folder / name
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8")
        if vendored:
            _vendor(folder, target.name)
        _format(folder)
    return losses + reading.notes


@contextlib.contextmanager
def _made_elsewhere(target: Path) -> Iterator[Path]:
    """A new folder beside the target that takes its place once it is complete.

    A link to a folder stays a link.
    """
    target = Path(os.path.realpath(target))
    if target.exists() and not target.is_dir():
        raise InputError(f"{target}: is not a folder, which the client has to be")
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{target.name}-", dir=target.parent) as workplace:
        made, old = Path(workplace, "new"), Path(workplace, "old")
        made.mkdir()
        yield made
        if target.exists():
            target.rename(old)
        try:
            made.rename(target)
        except OSError:
            if old.exists():
                old.rename(target)
            raise


def _modules(view: ClientView, package: str) -> dict[str, str]:
    environment = Environment(
        loader=PackageLoader("flora_contract.codegen"),
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        undefined=StrictUndefined,
        autoescape=False,  # noqa: S701  Python is printed; strings pass through `code` and `doc`
    )
    environment.filters["code"] = code
    environment.filters["doc"] = _doc
    environment.filters["kind"] = lambda value: type(value).__name__
    environment.globals["error_names"] = ERROR_NAMES
    environment.globals["option_docs"] = {
        options.__name__: ", ".join(f"`{name}`" for name in sorted(options.__annotations__)) + "."
        for options in (CallOptions, KeyedCallOptions)
    }
    environment.globals["run_error_names"] = _run_error_names()
    environment.globals["by_id"] = {m.operation_id: m for m in view.methods}

    def render(template: str, **values: Any) -> str:
        return environment.get_template(f"{template}.py.jinja").render(
            client=view, package=package, **values
        )

    modules = {f"{name}.py": render(name) for name in ("__init__", "client", "models")}
    modules |= {f"{name}.py": render(name) for name in ("errors", "operations", "types")}
    modules["resources/__init__.py"] = render("resources")
    for resource in view.resources:
        modules[f"resources/{resource.module}.py"] = render("resource", resource=resource)
    modules["py.typed"] = ""
    return modules


def _run_error_names() -> list[str]:
    """The errors that hold a run, the base of the others first."""
    classes = {name: getattr(errors, name) for name in ERROR_NAMES}
    held = [name for name, each in classes.items() if issubclass(each, errors.RunError)]
    return sorted(held, key=lambda name: len(classes[name].__mro__))


def _vendor(folder: Path, package: str) -> None:
    """Put the runtime into a package, and let its modules import it from there."""
    runtime = Path(flora_runtime.__file__).parent
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(runtime, folder / "_runtime", ignore=ignored)
    for module in folder.rglob("*.py"):
        text = module.read_text(encoding="utf-8")
        text = _IMPORT.sub(rf"\1{package}._runtime", text)
        module.write_text(text, encoding="utf-8")


_IMPORT = re.compile(r"^(\s*(?:from|import) )flora_runtime\b", re.MULTILINE)


def _doc(text: str, indent: int = 0) -> str:
    """Text for inside a docstring: on lines that fit, and without an end before its time."""
    paragraphs = str(safe_for_docstring(text)).strip().split("\n\n")
    width = int(_LINE_LENGTH) - indent - 4
    wrapped = ["\n".join(textwrap.wrap(" ".join(p.split()), width)) for p in paragraphs]
    return (
        textwrap.indent("\n\n".join(wrapped), " " * indent).strip().removesuffix("\\").rstrip('"')
    )


def _format(folder: Path) -> None:
    """By the ruff of this environment and no configuration but this, so that bytes are the same
    wherever it runs."""
    ruff = find_ruff_bin()
    common = ["--isolated", "--no-cache", f"--line-length={_LINE_LENGTH}"]
    common += ["--target-version=py311"]
    steps = [
        [ruff, "check", *common, f"--select={_RULES}", "--fix-only", "--exit-zero", "."],
        [ruff, "format", *common, "."],
    ]
    for step in steps:
        done = subprocess.run(step, cwd=folder, capture_output=True, text=True, check=False)  # noqa: S603
        if done.returncode != 0:
            problem = " ".join((done.stderr or done.stdout).split())[:500]
            raise InputError(f"the generated client is not Python that ruff can format: {problem}")
