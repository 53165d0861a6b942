"""The commands of flora-contract, and which extra brings what they import."""

from __future__ import annotations

from traceback import walk_tb
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

# name: (where its click command is, what it does)
COMMANDS = {
    "diff": (
        "flora_contract.diff.command:diff",
        "Compare two OpenAPI documents and report breaking changes.",
    ),
    "mock": ("flora_contract.mock.command:mock", "Run a stateful mock of the FLORA API."),
    "check": ("flora_contract.conformance.command:check", "Test a server against the contract."),
    "traffic": (
        "flora_contract.conformance.command:traffic",
        "Check recorded traffic against the contract.",
    ),
    "generate": (
        "flora_contract.codegen.command:generate",
        "Generate a Python client from an OpenAPI document.",
    ),
    "overlay": ("flora_contract.authoring:overlay", "Apply overlays to an OpenAPI document."),
    "lint": ("flora_contract.authoring:lint", "Check a contract and its statements of behaviour."),
    "documents": (
        "flora_contract.documents.commands:documents",
        "Compare the contract with the documents it was transcribed from.",
    ),
}

_EXTRAS = {"codegen": "generate", "conformance": "check", "mock": "mock"}
"""The extra of a room; the other rooms need `diff`, which all extras include."""


def extra_of(command: str) -> str:
    """The extra that brings what a command needs."""
    return _EXTRAS.get(COMMANDS[command][0].split(".")[1], "diff")


def not_installed(missing: ModuleNotFoundError, arguments: Sequence[str] = ()) -> str:
    """One line that names the extra to install. Raises the error again if the module is ours."""
    if missing.name == "flora_contract.documents":
        return (
            "documents is for those who maintain the contract, and not in the wheel:"
            " in a checkout of the project, pip install -e '.[all]' --group sources"
        )
    if missing.name in {"tree_sitter", "tree_sitter_typescript"}:
        return f"{missing.name} is not installed: pip install --group sources"
    if missing.name is None or missing.name.startswith("flora_"):
        raise missing
    importing = [frame.f_globals["__name__"] for frame, _ in walk_tb(missing.__traceback__)]
    rooms = [name.split(".")[1] for name in importing if name.startswith("flora_contract.")]
    extras = [
        "all",
        *(extra_of(name) for name in arguments[:1] if name in COMMANDS),
        *(_EXTRAS[room] for room in rooms if room in _EXTRAS),
    ]
    return f"{missing.name} is not installed: pip install 'flora-client[{extras[-1]}]'"
