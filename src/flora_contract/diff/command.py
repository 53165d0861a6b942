"""The command `flora-contract diff`."""

from __future__ import annotations

import collections
import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from flora_contract.diff.judging.settings import Settings, read_settings
from flora_contract.diff.reading.sources import open_contract
from flora_contract.diff.release.accepting import accept, read_accepted, write_accepted
from flora_contract.diff.release.comparison import compare
from flora_contract.diff.rules import Level
from flora_contract.errors import CommandError, InputError
from flora_contract.report.output import deliver
from flora_contract.report.terminal import answers, plain, progress

if TYPE_CHECKING:
    from flora_contract.diff.judging.changes import Change
    from flora_contract.diff.release.comparison import Comparison
    from flora_contract.openapi.tree import Tree

_THRESHOLDS = {"breaking": Level.BREAKING, "risky": Level.RISKY, "any": Level.SAFE}


@dataclass(frozen=True)
class _Wanted:
    """What the user wants to see, and how."""

    form: str
    level: Level
    stats: bool
    output: Path | None


@click.command()
@click.argument("base")
@click.argument("revision")
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "markdown", "html", "json", "sarif", "github"]),
    default="text",
    show_default=True,
)
@click.option(
    "--level",
    type=click.Choice([level.value for level in Level]),
    default="safe",
    show_default=True,
    help="Show changes at least this bad.",
)
@click.option(
    "--fail-on",
    type=click.Choice(list(_THRESHOLDS)),
    default="breaking",
    show_default=True,
    help="Exit with 1 when a change is at least this bad.",
)
@click.option(
    "--side",
    type=click.Choice(["request", "response", "both"]),
    default="both",
    show_default=True,
    help="Look only at what callers send, or at what they receive.",
)
@click.option(
    "--levels",
    type=click.Path(path_type=Path),
    help="YAML file that sets the level of rules by id.",
)
@click.option("--accept", type=click.Path(path_type=Path), help="YAML file of accepted changes.")
@click.option("--accept-write", is_flag=True, help="Add failing changes to the file of --accept.")
@click.option("--expand", is_flag=True, help="Show each change once for every operation.")
@click.option("--client", is_flag=True, help="Show what changes in the generated Python client.")
@click.option("--stats", is_flag=True, help="Count the changes by rule.")
@click.option(
    "--output", type=click.Path(path_type=Path), help="Write to this file instead of stdout."
)
def diff(
    *,
    base: str,
    revision: str,
    form: str,
    level: str,
    fail_on: str,
    side: str,
    levels: Path | None,
    accept: Path | None,
    accept_write: bool,
    expand: bool,
    client: bool,
    stats: bool,
    output: Path | None,
) -> None:
    """Compare two OpenAPI documents and report what breaks.

    BASE and REVISION are files, - for standard input, or git revisions: main:openapi.yaml, or
    HEAD~3: for openapi.yaml there. Exit codes: 0 nothing as bad as --fail-on, 1 something,
    2 unreadable input.
    """
    if base == revision == "-":
        raise InputError("- names standard input, which can be only one of the two documents")
    if accept_write and accept is None:
        raise InputError("--accept-write adds to the file of --accept: name one")
    if accept_write and accept is not None and accept.exists() and not accept.is_file():
        raise InputError(f"{accept}: --accept-write reads what it adds to: name a regular file")
    settings = read_settings(levels) if levels is not None else Settings()
    trees = open_contract(base), open_contract(revision)
    comparison = compare(*trees, settings, names=(base, revision), expand=expand)
    if client:
        from flora_contract.diff.release.client import with_effects

        comparison = with_effects(comparison, *trees)
    if side != "both":
        comparison = comparison.seen_from(side)
    wanted = _Wanted(form, Level(level), stats, output)
    threshold = _THRESHOLDS[fail_on]
    if accept is not None:
        if not accept.exists() and not accept_write:
            raise InputError(f"{accept}: no such file; --accept-write makes it")
        comparison = _accepted(comparison, accept, settings)
    failing = comparison.reaching(threshold)
    if accept is not None and accept_write and failing:
        added = [change for change in failing if not change.is_about_version]
        write_accepted(accept, added, settings.policy.today)
        progress().print(f"{len(added)} changes added to {accept}", markup=False)
        comparison = _accepted(comparison, accept, settings)
        failing = []
    _show(comparison, trees, wanted)
    if failing:
        raise click.exceptions.Exit(CommandError.exit_code)


def _accepted(comparison: Comparison, path: Path, settings: Settings) -> Comparison:
    today = settings.policy.today
    entries = read_accepted(path) if path.exists() else []
    done = accept(comparison.changes, entries, today)
    for entry in done.expired:
        _warn(f"{path}:{entry.line}: expired on {entry.expires}: {entry.id} at {entry.place}")
    for entry in entries:
        if entry.is_unreasoned and entry not in (*done.expired, *done.unused):
            _warn(f"{path}:{entry.line}: has no reason yet: {entry.id} at {entry.place}")
    for entry in done.unused:
        _warn(f"{path}:{entry.line}: accepts nothing, remove it: {entry.id} at {entry.place}")
    return replace(comparison, changes=done.changes).with_version_judged()


def _warn(text: str) -> None:
    progress().print(text, markup=False, soft_wrap=True)


def _show(comparison: Comparison, trees: tuple[Tree, Tree], wanted: _Wanted) -> None:
    changes = [change for change in comparison.changes if change.level.reaches(wanted.level)]
    if wanted.form == "text" and wanted.output is None:
        from flora_contract.diff.render.text import print_comparison

        console = answers()
        print_comparison(comparison, changes, console)
        if wanted.stats:
            console.print(_stats_text(changes), markup=False)
        return
    deliver(_rendered(comparison, changes, trees, wanted), wanted.output)


def _rendered(
    comparison: Comparison, changes: list[Change], trees: tuple[Tree, Tree], wanted: _Wanted
) -> str:
    match wanted.form:
        case "json":
            from flora_contract.diff.render.machine import report

            data = report(comparison, changes)
            if wanted.stats:
                data["stats"] = _counts(changes)
            return json.dumps(data, indent=2, ensure_ascii=False) + "\n"
        case "sarif":
            from flora_contract.diff.render.machine import as_sarif

            return as_sarif(changes)
        case "github":
            from flora_contract.diff.render.machine import as_annotations

            return as_annotations(changes)
        case "markdown":
            from flora_contract.diff.render.markdown import as_markdown

            stats = _stats_text(changes, wanted=wanted.stats).lstrip("\n")
            return as_markdown(comparison, changes, stats)
        case "html":
            from flora_contract.diff.render.html import Text, as_html

            texts = [Text(tree.document.file, tree.document.text) for tree in trees]
            return as_html(comparison, changes, *texts)
    from flora_contract.diff.render.text import print_comparison

    console = plain()
    with console.capture() as captured:
        print_comparison(comparison, changes, console)
    return captured.get() + _stats_text(changes, wanted=wanted.stats)


def _counts(changes: list[Change]) -> dict[str, int]:
    return dict(collections.Counter(change.id for change in changes).most_common())


def _stats_text(changes: list[Change], *, wanted: bool = True) -> str:
    if not wanted:
        return ""
    return "\n" + "".join(f"{count:6}  {name}\n" for name, count in _counts(changes).items())
