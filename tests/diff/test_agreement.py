"""How far the answers agree with those that oasdiff gives on its own test documents."""

from __future__ import annotations

import collections
import datetime as dt
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from flora_contract.diff.judging.settings import Settings
from flora_contract.diff.operations.lifecycle import Policy
from flora_contract.diff.reading.sources import open_contract
from flora_contract.diff.release.comparison import compare
from flora_contract.diff.rules import rules

ROOT = Path(__file__).parents[2]
DATA = ROOT.parent / "shared" / "data" / "specdiff"
LEVELS = {"breaking": "error", "risky": "warning", "safe": "info"}
NOT_OURS = {"match_path", "unmatch_path", "strip_prefix_base"}  # filters that this tool has not

Finding = tuple[str, str]


@dataclass(frozen=True)
class Agreement:
    """Findings of both, of oasdiff alone and of ours alone, in ids that both have."""

    both: int
    missed: collections.Counter[str]
    extra: collections.Counter[str]

    @property
    def recall(self) -> float:
        return self.both / (self.both + self.missed.total())

    @property
    def precision(self) -> float:
        return self.both / (self.both + self.extra.total())


def ours(case: dict[str, Any], *, by_keyword: bool) -> collections.Counter[Finding]:
    options = case.get("options") or {}
    grace = {
        name.removeprefix("deprecation_days_"): days
        for name, days in options.items()
        if name.startswith("deprecation_days_")
    }
    today = dt.date.fromisoformat(case.get("as_of", "2026-11-21"))
    contracts = (open_contract(str(DATA / case[side])) for side in ("base", "revision"))
    settings = Settings(policy=Policy(grace, today), by_keyword=by_keyword)
    comparison = compare(*contracts, settings, expand=True)
    return collections.Counter(
        (change.id, LEVELS[change.level])
        for change in comparison.changes
        # oasdiff has no word for our own rules, and says nothing about callbacks.
        if rules()[change.id].shared and change.section not in {"callbacks", "webhooks"}
    )


def measured(*, by_keyword: bool) -> Agreement:
    missed: collections.Counter[str] = collections.Counter()
    extra: collections.Counter[str] = collections.Counter()
    both = 0
    for line in (DATA / "cases.jsonl").read_text(encoding="utf-8").splitlines():
        case = json.loads(line)
        if NOT_OURS & (case.get("options") or {}).keys():
            continue
        found = ours(case, by_keyword=by_keyword)
        wanted = collections.Counter((one["id"], one["level"]) for one in case["expected"])
        both += (found & wanted).total()
        missed.update(name for name, _ in (wanted - found).elements())
        extra.update(name for name, _ in (found - wanted).elements())
    return Agreement(both, missed, extra)


def section(title: str) -> str:
    text = (ROOT / "docs" / "diff.md").read_text(encoding="utf-8")
    return text.split(f"## {title}\n")[1].split("\n## ")[0]


needs_answers = pytest.mark.skipif(
    not DATA.exists(), reason="the stored answers of oasdiff are not here"
)


@needs_answers
def test_ids_and_levels_agree_with_oasdiff() -> None:
    """Both judge each keyword by itself."""
    agreement = measured(by_keyword=True)
    assert agreement.recall >= 0.97
    assert agreement.precision >= 0.95
    told = section("Where oasdiff says otherwise")
    for rule_id in {*agreement.missed, *agreement.extra}:
        assert f"| `{rule_id}` |" in told, rule_id


@needs_answers
def test_what_is_proved_harmless_beyond_oasdiff_is_told() -> None:
    by_keyword, as_set = measured(by_keyword=True), measured(by_keyword=False)
    assert as_set.recall >= 0.93
    assert as_set.precision >= 0.95
    assert (as_set.extra - by_keyword.extra).keys() <= {"api-version-not-bumped"}
    told = section("What oasdiff fears and this proves harmless")
    for rule_id, count in (as_set.missed - by_keyword.missed).items():
        assert f"`{rule_id}` {count}" in told, rule_id
