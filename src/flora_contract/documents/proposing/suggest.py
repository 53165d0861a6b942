"""What follows for the contract from sources that changed: edits, and questions for a person.

The faults of the check are mended in rounds, until a round mends nothing. What is left is asked.
"""

from __future__ import annotations

import copy
import json
from dataclasses import dataclass, field
from difflib import unified_diff
from typing import TYPE_CHECKING, Any, Final

from flora_contract.documents.checking.check import check
from flora_contract.documents.checking.claims import claims
from flora_contract.documents.checking.evidence import evidence
from flora_contract.documents.proposing.behaviour import behaviour_edits
from flora_contract.documents.proposing.mending import Mending, touched
from flora_contract.documents.proposing.operation import NewOperations
from flora_contract.errors import InputError
from flora_contract.openapi import Document, Edit, parse, written

if TYPE_CHECKING:
    from collections.abc import Iterable

    from flora_contract.documents.checking.conflicts import Conflicts
    from flora_contract.documents.checking.result import Judgement
    from flora_contract.documents.facts.fact import SourcePage

_ROUNDS: Final = 12
_MOST_TIMES: Final = 3
"""How often one node is set: what is added later may have other sources."""


@dataclass(frozen=True)
class Question:
    """What a person has to decide: what it is about, where, and what can be chosen."""

    what: str
    where: tuple[str, ...] = ()
    choices: tuple[str, ...] = ()


@dataclass
class Suggestion:
    """Edits of the contract and of the statements of behaviour, and what is left to a person."""

    document: Document
    edits: list[Edit] = field(default_factory=list)
    behaviour: Document | None = None
    behaviour_edits: list[Edit] = field(default_factory=list)
    questions: list[Question] = field(default_factory=list)

    @property
    def edited(self) -> Document:
        """The contract as it would be."""
        return parse(written(self.document, self.edits, None), self.document.file)

    @property
    def edited_behaviour(self) -> Document | None:
        """The statements of behaviour as they would be."""
        if self.behaviour is None or not self.behaviour_edits:
            return self.behaviour
        text = written(self.behaviour, self.behaviour_edits, None)
        return parse(text, self.behaviour.file)


def suggest(
    document: Document,
    pages: list[SourcePage],
    conflicts: Conflicts,
    behaviour: Document | None = None,
    operations: Iterable[str] = (),
) -> Suggestion:
    """What would hold a contract to its sources again, and describe operations it leaves out.

    Raises InputError for a contract written in JSON.
    """
    if document.is_json:
        raise InputError(f"{document.file}: suggestions are edits of YAML, this is JSON")
    made = Suggestion(document, behaviour=behaviour)
    current = document
    times: dict[str, int] = {}
    added: list[str] = []
    for number in range(_ROUNDS):
        faults = check(current, pages, conflicts).faults
        wanted = [*(operations if number == 0 else ()), *_absent(faults)]
        new = [name for name in dict.fromkeys(wanted) if name not in added]
        edits = _round(current, pages, faults, times)
        if new:
            added += new
            drafted, asked = _operations(current, pages, new)
            edits = [*edits, *drafted]
            made.questions += [Question(what) for what in asked]
        if not edits:
            break
        made.edits += edits
        current = _applied(current, edits)
    made.questions += [_question(current, fault) for fault in faults]
    if behaviour is not None:
        made.behaviour_edits, asked = behaviour_edits(document, made.edited, behaviour)
        made.questions += [Question(what) for what in asked]
    return made


def _absent(faults: list[Judgement]) -> list[str]:
    """Operations that a source states and the contract neither describes nor leaves out."""
    return [
        fault.fact.place.operation
        for fault in faults
        if fault.fact is not None and fault.fact.aspect == "is" and fault.fact.value == "operation"
    ]


def _operations(
    document: Document, pages: list[SourcePage], names: list[str]
) -> tuple[list[Edit], list[str]]:
    made = claims(document)
    described = [c.place.operation for c in made.claims if c.value == "operation"]
    stated = evidence(tuple(pages), (*described, *made.undescribed, *names))
    return NewOperations(document, made, stated).edits(names)


def _round(
    document: Document, pages: list[SourcePage], faults: list[Judgement], times: dict[str, int]
) -> list[Edit]:
    """Edits that end faults and do not meet each other; none that was made before."""
    made = claims(document)
    described = [c.place.operation for c in made.claims if c.value == "operation"]
    stated = evidence(tuple(pages), (*described, *made.undescribed))
    mending = Mending(document, made, stated)
    batch: list[Edit] = []
    met: set[tuple[str | int, ...]] = set()
    for fault in faults:
        edits = mending.edits(fault)
        keys = [_key(document, edit) for edit in edits]
        often = any(
            times.get(key, 0) >= (_MOST_TIMES if edit.kind == "set" else 1)
            for key, edit in zip(keys, edits, strict=True)
        )
        inside = any(edit.pointer[: len(there)] == there for edit in edits for there in met)
        around = any(there[: len(edit.pointer)] == edit.pointer for edit in edits for there in met)
        if not edits or often or inside or around:
            continue
        met |= touched(edits)
        batch += edits
        for key in keys:
            times[key] = times.get(key, 0) + 1
    return batch


def _key(document: Document, edit: Edit) -> str:
    """What an edit does, wherever in its list."""
    pointer, value = edit.pointer, None
    if edit.kind == "append":
        value = edit.value
    elif edit.kind == "delete" and isinstance(pointer[-1], int):
        value, pointer = document.at(pointer), pointer[:-1]
    return json.dumps([edit.kind, pointer, value], default=str)


def _applied(document: Document, edits: list[Edit]) -> Document:
    """A contract after edits, as data."""
    tree = copy.deepcopy(document.tree)
    after = Document(tree, document.file, lambda: document.place)
    for edit in edits:
        value = copy.deepcopy(edit.value)
        if edit.kind == "append":
            after.at(edit.pointer).append(value)
            continue
        parent, key = after.at(edit.pointer[:-1]), edit.pointer[-1]
        if edit.kind == "delete":
            del parent[key]
        else:
            parent[key] = value
    return after


def _question(document: Document, fault: Judgement) -> Question:
    where = [fault.page] if fault.page else []
    if fault.pointer:
        where.append(str(document.locate(fault.pointer)))
    choices: tuple[str, ...] = ()
    if fault.row is not None:
        others = ", ".join(fault.against)
        choices = (
            f"keep what {others} says, and add to docs/conflicts.md: {fault.row}",
            f"follow {fault.page}, and name what {others} says in that row instead",
        )
    elif fault.verdict == "missing":
        choices = ("write it into the contract", "name the fact in a row of docs/conflicts.md")
    elif fault.verdict == "invented":
        choices = ("take it out of the contract", "name a source that states it")
    return Question(f"{fault.verdict}: {fault.what}", tuple(where), choices)


def patch(before: Document, after: Document, name: str) -> str:
    """A unified diff for `git apply` or `patch -p1`; empty when nothing changed."""
    lines = unified_diff(
        before.text.splitlines(keepends=True),
        after.text.splitlines(keepends=True),
        f"a/{name}",
        f"b/{name}",
    )
    return "".join(lines)


def closest(page: SourcePage, stored: list[SourcePage]) -> SourcePage | None:
    """The source of which `page` is another version: the one of its kind with most in common.

    A name decides nothing. None where none has anything in common.
    """
    facts = {fact.key for fact in page.facts if fact.aspect != "wording"}
    alike = [
        (len(facts & {fact.key for fact in other.facts}), -len(other.facts), other.label)
        for other in stored
        if other.form == page.form
    ]
    if not alike or max(alike)[0] == 0:
        return None
    best = max(alike)[2]
    return next(other for other in stored if other.label == best)


def replaced(stored: list[SourcePage], new: Iterable[Any]) -> list[SourcePage]:
    """Sources, those of the same label replaced by what is new."""
    return list({page.label: page for page in (*stored, *new)}.values())
