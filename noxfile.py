"""Every recurring job of this project, by name. `nox --list` shows them."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import nox

nox.needs_version = ">=2025.2.9"
nox.options.default_venv_backend = "uv"
nox.options.reuse_venv = "yes"
nox.options.sessions = ["lint", "diff", "contract", "tests"]

PROJECT = nox.project.load_toml("pyproject.toml")
SPREAD = ("-n", "auto", "--dist", "loadfile")


def install(session: nox.Session, *groups: str) -> None:
    """The project as it lies here and groups of pyproject.toml, in the versions of uv.lock."""
    wanted = [f"--group={group}" for group in groups]
    place = session.virtualenv.location
    session.run_install(
        "uv", "sync", "--locked", "--quiet", "--extra=all", "--no-default-groups", *wanted,
        f"--python={place}", env={"UV_PROJECT_ENVIRONMENT": place},
    )  # fmt: skip


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
    install(session, "test", "lint", "docs")
    session.run("pytest", *SPREAD, *session.posargs)


@nox.session(python=["3.11", "3.12", "3.13", "3.14"])
def pythons(session: nox.Session) -> None:
    """The client's tests on every Python that it is for and that this machine has."""
    install(session, "test")
    session.run("pytest", *SPREAD, "tests/runtime", "tests/client", *session.posargs)


@nox.session
@nox.parametrize("resolution", ["lowest-direct", "highest"], ids=["lowest", "newest"])
def dependencies(session: nox.Session, resolution: str) -> None:
    """The tests with the lowest and the newest versions that pyproject.toml allows."""
    session.install("--upgrade", f"--resolution={resolution}", "-e", ".[all]")
    session.install(*nox.project.dependency_groups(PROJECT, "test", "lint", "docs"))
    session.run("pytest", *SPREAD, *session.posargs)


@nox.session
def coverage(session: nox.Session) -> None:
    """The tests, with the lines of src that they run; fails below the floor."""
    install(session, "test", "lint", "docs")
    session.run("coverage", "erase")
    session.run("coverage", "run", "-m", "pytest", *SPREAD, *session.posargs)
    session.run("coverage", "combine", "--quiet")
    session.run("coverage", "report")


@nox.session
def mutations(session: nox.Session) -> None:
    """Change lines of src at random, and list the changes that no test notices."""
    install(session, "test", "lint", "docs")
    seed = str(date.today().toordinal())  # noqa: DTZ011 - another one each night
    session.run("python", "scripts/mutate.py", "--seed", seed, *session.posargs)


@nox.session
def nightly(session: nox.Session) -> None:
    """The tests with new random examples, kept where they fail, and faults drawn at random."""
    install(session, "test", "lint", "docs")
    session.run("pytest", *SPREAD, "--hypothesis-profile=random", *session.posargs)
    seed = str(date.today().toordinal())  # noqa: DTZ011 - another one each night
    session.run("python", "scripts/bench_check.py", "drawn", "clean", "--seed", seed)


@nox.session
def soak(session: nox.Session) -> None:
    """Thousands of creates through a bad network: none may be paid twice, none lost."""
    install(session, "test")
    seed = str(date.today().toordinal())  # noqa: DTZ011 - another one each night
    options = session.posargs or ["--creates=3000"]
    session.run("python", "scripts/bench_losses.py", "--seed", seed, *options)


@nox.session
def lint(session: nox.Session) -> None:
    """Style, types, the rules of import, and the contract itself."""
    install(session, "test", "lint")
    session.run("ruff", "check")
    session.run("ruff", "format", "--check")
    session.run("mypy")
    session.run("mypy", "--platform", "win32", "src/flora_runtime")
    session.run("lint-imports")
    session.run("openapi-spec-validator", "openapi.yaml")
    session.run("flora-contract", "lint")
    session.run("zizmor", "--offline", "--quiet", "--persona=pedantic", ".")


@nox.session
def docs(session: nox.Session) -> None:
    """Build the site into build/site; with `-- serve`, show it while you write."""
    install(session, "docs")
    session.run("zensical", *(session.posargs or ["build", "--strict", "--clean"]))


@nox.session
def build(session: nox.Session) -> None:
    """Build the wheel and the source distribution into dist/, and check them."""
    install(session, "build")
    session.run("uv", "build", "--quiet", "--clear", external=True)
    made = sorted(map(str, Path("dist").glob("flora_client-*")))
    session.run("twine", "check", "--strict", *made)
    session.run("check-wheel-contents", *(name for name in made if name.endswith(".whl")))
    session.run("pyroma", "--min=8", ".")  # an address to write to is not published
    bill = ["--format=cyclonedx1.5", "--all-extras", "--no-default-groups"]
    session.run("uv", "export", "--quiet", "--frozen", *bill, "--output-file=build/sbom.cdx.json")


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
    """Measure one of mock, client, check, traffic, diff and generate: `nox -s bench -- mock`."""
    install(session, "test")
    name, *options = session.posargs or ["mock"]
    session.run("python", f"scripts/bench_{name}.py", *options)
