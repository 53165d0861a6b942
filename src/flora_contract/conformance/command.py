"""The commands `check` and `traffic`."""

from __future__ import annotations

import json
import sys
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from flora_contract.conformance.oracle import Severity
from flora_contract.conformance.renderings import FILES, FORMATS, render
from flora_contract.conformance.settings import PROFILES, CheckSettings, gather
from flora_contract.errors import OURS, InputError, UnreachableError, of_ours
from flora_contract.report import terminal
from flora_contract.report.output import deliver, write

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.console import Console
    from rich.status import Status

    from flora_contract.conformance.run import StepOutcome
    from flora_contract.conformance.summary import Summary
    from flora_contract.conformance.traffic import Traffic

INTERRUPTED = 130
"""Exit code after Ctrl-C, as shells have it."""

# name, type, what it says in --help
OPTIONS: tuple[tuple[str, Any, str], ...] = (
    ("--base-url", str, "The server, such as http://127.0.0.1:4010/api/v1."),
    ("--api-key", str, "Key of the account with credits; also FLORA_API_KEY."),
    ("--workspace", str, "Workspace of that account in which runs are started."),
    ("--project", str, "Project in that workspace."),
    ("--second-workspace", str, "A second workspace of that account."),
    ("--second-project", str, "Project in the second workspace."),
    ("--foreign-workspace", str, "Workspace of another account."),
    ("--foreign-project", str, "Project in that workspace."),
    ("--broke-api-key", str, "Key of an account without credits; also FLORA_BROKE_API_KEY."),
    ("--broke-workspace", str, "Workspace of that account, unless it shares --workspace."),
    ("--broke-project", str, "Project in that workspace."),
    ("--other-api-key", str, "Key of another account; also FLORA_OTHER_API_KEY."),
    ("--failing-model", str, "A model whose runs always fail."),
    (
        "--profile",
        click.Choice(PROFILES),
        (
            "full starts runs; free sends only what cannot be charged; read-only sends GETs only. "
            "Default: full on loopback, free elsewhere."
        ),
    ),
    ("--max-spend", float, "Stop starting runs at this many US dollars."),
    ("--poll-interval", float, "Seconds between polls of a run."),
    ("--max-wait", float, "Seconds to wait for a run. Default: 60 on loopback, 600 elsewhere."),
    ("--timeout", float, "Seconds to wait for a response. Default: 5 on loopback, 30 elsewhere."),
    ("--seed", int, "Seed of generated requests and their order."),
    ("--time-budget", float, "Stop sending after this many seconds."),
    (
        "--workers",
        int,
        "Concurrent requests. Default: 1, in the order of the seed, or 8 if answers take 50 ms.",
    ),
)


def _settings(function: Callable[..., None]) -> Callable[..., None]:
    for name, kind, text in reversed(OPTIONS):
        function = click.option(name, type=kind, help=text)(function)
    return function


def _shown(function: Callable[..., None]) -> Callable[..., None]:
    for option in (
        click.option(
            "--baseline", type=click.Path(path_type=Path), help="File of accepted findings."
        ),
        click.option(
            "--fail-on",
            type=click.Choice([s.value for s in Severity if s is not Severity.NOTE]),
            default=Severity.VIOLATION.value,
            help="Exit with 1 from this severity on. Default: violation.",
        ),
        click.option(
            "--report-dir",
            type=click.Path(path_type=Path),
            help="Write the report in every format to this folder.",
        ),
        click.option(
            "--output",
            type=click.Path(path_type=Path),
            help="Write to this file instead of stdout.",
        ),
        click.option("--format", "form", type=click.Choice(FORMATS), default="text"),
    ):
        function = option(function)
    return function


@click.command()
@_settings
@_shown
@click.option("--fail-fast", is_flag=True, default=None, help="Stop at the first violation.")
@click.option(
    "--thorough", is_flag=True, default=None, help="Allow 200 charged requests instead of 20."
)
@click.option(
    "--config",
    type=click.Path(path_type=Path),
    help="Read this file instead of ./flora-contract.toml.",
)
@click.option(
    "--write-baseline",
    type=click.Path(path_type=Path),
    help="Write the findings to this file, to accept them.",
)
@click.option("--list", "catalogue", is_flag=True, help="List the oracles and send nothing.")
def check(
    form: str,
    output: Path | None,
    report_dir: Path | None,
    baseline: Path | None,
    fail_on: str,
    write_baseline: Path | None,
    config: Path | None,
    catalogue: bool,
    **given: Any,
) -> None:
    """Test a server against the contract.

    On loopback, the accounts of `flora-contract mock` are used unless you name others. Options
    can also be set in the table [check] of flora-contract.toml.
    """
    if catalogue:
        from flora_contract.conformance.catalogue import listing

        deliver(listing(form), output)
        return
    from flora_contract.conformance.run import Check
    from flora_contract.conformance.summary import of_check

    settings = gather({k: v for k, v in given.items() if k in _NAMES}, config)
    accepted = read_baseline(baseline)
    console = terminal.progress()
    with Check(settings) as running, console.status("") as status:  # moves on a terminal only
        running.run(
            watch=_progress(console),
            begin=lambda s: status.update(f"{s.layer}: {s.name.replace('-', ' ')}"),
        )
    summary = of_check(running, accepted, Severity(fail_on))
    if (refusal := running.refusal) is not None:
        raise InputError(refusal)
    if summary.holds and not any(e.decided for e in running.ledger.exchanges):
        raise UnreachableError(f"{settings.base_url} answers nothing but 429: try again later")
    if write_baseline is not None:
        write(write_baseline, _accept(summary))
    _show(summary, form, output, report_dir)
    if running.interrupted:
        _end_interrupted()
    if running.unreachable is not None:
        raise UnreachableError(f"{running.unreachable}; the report holds what was seen until then")
    _end(summary, running.errors)


_NAMES = {f.name for f in fields(CheckSettings)}


@click.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--base-url",
    help="Base URL of the recorded server. Default: any URL that a path of the contract fits.",
)
@click.option("--follow", is_flag=True, help="Judge one file as it grows, until interrupted.")
@_shown
def traffic(
    files: tuple[Path, ...],
    base_url: str | None,
    follow: bool,
    form: str,
    output: Path | None,
    report_dir: Path | None,
    baseline: Path | None,
    fail_on: str,
) -> None:
    """Check recorded traffic against the contract. Sends nothing.

    FILES are HAR files, VCR cassettes, or exchanges one a line; `-` is stdin.
    """
    from flora_contract.conformance.summary import of_traffic
    from flora_contract.conformance.traffic import Traffic

    if follow and len(files) > 1:
        raise InputError("--follow takes one file")
    accepted = read_baseline(baseline)
    reading = Traffic(files, base_url, following=follow)
    console, interrupted, broken = terminal.progress(), False, None
    with console.status("") as status:  # moves on a terminal only
        try:
            reading.read(_watch(reading, accepted, console, status))
        except KeyboardInterrupt:
            interrupted = True
        except InputError as error:
            if not (follow and reading.judge.ledger.count):
                raise
            broken = error
    summary = of_traffic(reading.judge, accepted, Severity(fail_on))
    _show(summary, form, output, report_dir)
    if broken is not None:
        raise InputError(f"{broken}; the report holds what was seen until then")
    if interrupted and not follow:
        _end_interrupted()
    _end(summary, list(reading.judge.errors.values()))


def _watch(
    reading: Traffic, accepted: frozenset[str], console: Console, status: Status
) -> Callable[[], None]:
    """Tells how far the reading is; of a file that is followed, what is found, when it is."""
    told = set(accepted)

    def watch() -> None:
        findings = [f for f in reading.judge.findings() if f.fingerprint not in accepted]
        for finding in (f for f in findings if reading.following and f.fingerprint not in told):
            told.add(finding.fingerprint)
            console.print(
                f"{finding.severity.value}: {finding.title}: expected {finding.expected}, "
                f"seen {finding.seen}",
                markup=False,
            )
        status.update(
            f"{reading.bytes / 1e6:,.1f} MB, {reading.judge.ledger.count:,} exchanges, "
            f"{len(findings)} findings"
        )

    return watch


def _end_interrupted() -> NoReturn:
    print("flora-contract: interrupted; the report is of what was seen", file=sys.stderr)
    sys.exit(INTERRUPTED)


def _end(summary: Summary, errors: list[Exception]) -> NoReturn:
    """The exit code: that of our own errors, each told in a line, before that of the contract."""
    for error in errors:
        print(f"flora-contract: {of_ours(error)}", file=sys.stderr)
    sys.exit(OURS if errors else 0 if summary.holds else 1)


def _show(summary: Summary, form: str, output: Path | None, report_dir: Path | None) -> None:
    if report_dir is not None:
        write_all(summary, report_dir)
    if form == "text" and output is None:
        from flora_contract.conformance.renderings.text import show

        show(summary, terminal.answers())
    else:
        deliver(render(summary, form), output)


def write_all(summary: Summary, folder: Path) -> None:
    """Every form of the report, and the traffic as a HAR file."""
    from flora_contract.conformance.recorded import har

    for name, form in FILES.items():
        write(folder / name, render(summary, form))
    write(folder / "traffic.har", har(summary.ledger))


def _progress(console: Console) -> Callable[[StepOutcome], None]:
    marks = {"held": "ok", "broken": "BROKEN", "not tested": "-"}

    def watch(outcome: StepOutcome) -> None:
        console.print(
            f"{marks[outcome.result]:>6}  {outcome.step.layer:<11}{outcome.step.name:<40}"
            f"{outcome.exchanges:>4} requests {outcome.seconds:>6.2f} s"
        )

    return watch


def read_baseline(path: Path | None) -> frozenset[str]:
    """Fingerprints of a baseline file. Raises InputError when it is none."""
    if path is None:
        return frozenset()
    try:
        entries = json.loads(path.read_text(encoding="utf-8"))["accepted"]
        return frozenset(entry["fingerprint"] for entry in entries)
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from None
    except (ValueError, KeyError, TypeError):
        raise InputError(f"{path}: not a baseline; make one with --write-baseline") from None


def _accept(summary: Summary) -> str:
    entries = [
        {"fingerprint": f.fingerprint, "finding": f.title}
        for f in (*summary.findings, *summary.accepted)
    ]
    return json.dumps({"accepted": entries}, indent=2) + "\n"
