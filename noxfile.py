"""Every recurring job of this project, by name. `nox --list` shows them."""

from __future__ import annotations

from datetime import date

import nox

nox.needs_version = ">=2025.2.9"
nox.options.default_venv_backend = "uv|virtualenv"
nox.options.reuse_venv = "yes"
nox.options.sessions = ["lint", "diff", "contract", "tests"]

PROJECT = nox.project.load_toml("pyproject.toml")
SPREAD = ("-n", "auto", "--dist", "loadfile")


def install(session: nox.Session, *groups: str) -> None:
    """The project as it lies here, with all its rooms, and groups of pyproject.toml."""
    session.install("-e", ".[contract]", *nox.project.dependency_groups(PROJECT, *groups))


@nox.session
def contract(session: nox.Session) -> None:
    """Build the contract, check what is made from it, run the suite on the mock, report."""
    install(session)
    session.run("flora-contract", "lint")
    session.run("flora-contract", "documents", "check")
    session.run("python", "scripts/make.py", "--check")
    session.run("pytest", "contract_tests", "--report-dir=build/contract", *session.posargs)


@nox.session
def tests(session: nox.Session) -> None:
    """The project's own tests, as many files at a time as there are processors."""
    install(session, "test", "lint")
    session.run("pytest", *SPREAD, *session.posargs)


@nox.session
def nightly(session: nox.Session) -> None:
    """The project's own tests with other random examples each time, kept where they fail."""
    install(session, "test", "lint")
    session.run("pytest", *SPREAD, "--hypothesis-profile=random", *session.posargs)
    seed = str(date.today().toordinal())  # noqa: DTZ011 - another one each night
    session.run("python", "scripts/bench_check.py", "drawn", "clean", "--seed", seed)
    session.run("python", "scripts/bench_documents.py", "sources", "--seed", seed)
    session.run("python", "scripts/bench_documents.py", "contract", "--seed", seed)


@nox.session
def lint(session: nox.Session) -> None:
    """Style, types, the rules of import, and the contract itself."""
    install(session, "test", "lint")
    session.run("ruff", "check")
    session.run("ruff", "format", "--check")
    session.run("mypy")
    session.run("lint-imports")
    session.run("openapi-spec-validator", "openapi.yaml")
    session.run("flora-contract", "lint")


@nox.session
def diff(session: nox.Session) -> None:
    """Hold info.version to what has changed in the contract since the last tag."""
    install(session)
    session.run("python", "scripts/check_version.py")


@nox.session
def make(session: nox.Session) -> None:
    """Make all that is generated: generated/ and pages of docs/. With `-- --check`: is it so?"""
    install(session)
    session.run("python", "scripts/make.py", *session.posargs)


@nox.session
def mock(session: nox.Session) -> None:
    """Run the mock; options after `--` are handed on."""
    install(session)
    session.run("flora-contract", "mock", *session.posargs)


@nox.session
def bench(session: nox.Session) -> None:
    """Measure one of mock, client, check, diff and generate: `nox -s bench -- mock`."""
    install(session, "test")
    name, *options = session.posargs or ["mock"]
    session.run("python", f"scripts/bench_{name}.py", *options)
