"""How bad each fact about a schema is: what the table says, and what containment makes of it.

The table judges one keyword at a time. Keywords that concern each other are asked about
together: is every value of the schema that was promised one of the schema that is kept? Where the
answer is no, or cannot be told, and the table had called the edit safe, a second rule fires. Where
it is yes, an edit that the table fears is safe after all.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from flora_contract.diff.containment.deciding import all_of
from flora_contract.diff.containment.values import texts_within
from flora_contract.diff.judging.rules_for_facts import Ruling, is_lossy, verdicts
from flora_contract.diff.rules import PLACES, Level, rules
from flora_contract.diff.schemas.keyword_groups import can_be_kept, is_settled, part

if TYPE_CHECKING:
    from collections.abc import Container, Iterator

    from flora_contract.diff.containment.deciding import Answer, Parts
    from flora_contract.diff.judging.affected import Occurrence
    from flora_contract.diff.operations.lifecycle import Policy
    from flora_contract.diff.schemas.facts import Fact
    from flora_contract.diff.schemas.pair import Pair
    from flora_contract.diff.schemas.pairs import Pairs
    from flora_contract.diff.schemas.usage import Usage

_BY_THE_TABLE = {"format", "contentEncoding", "contentMediaType"}
"""Parts that JSON Schema asserts nothing by; what a change of them means, only the table knows."""

_SAID = {
    ("request", None): "it could not be decided whether all that was allowed still is",
    ("request", False): "something that was allowed no longer is",
    ("request", True): "all that was allowed still is",
    ("response", None): "it could not be decided whether all that is now allowed was so before",
    ("response", False): "something is now allowed that was not",
    ("response", True): "nothing is allowed now that was not",
}
_OVERLAPS = "it could not be decided what the schemas beside this one make of the same values"


class Judged(NamedTuple):
    """A rule that a fact falls under. Those of one fact and `number` are the same news."""

    fact: Fact
    number: int
    verdict: Ruling


def judged(
    occurrence: Occurrence, pairs: Pairs, policy: Policy, *, by_keyword: bool = False
) -> Iterator[Judged]:
    """The rules that the facts of a pair fall under, where it occurs.

    `by_keyword`: what the table fears stays feared, though containment proves it harmless.
    """
    pair, usage = occurrence.pair, occurrence.usage
    found = [
        Judged(fact, number, verdict)
        for fact in pair.facts
        for number, verdict in enumerate(verdicts(fact, pair, occurrence.held, usage, policy))
    ]
    if usage.hidden:
        yield from (_unseen(one, usage) for one in found)
        return
    if usage.listed:
        yield from _as_lists(found, pairs.kept_as_list(pair), usage)
        return
    about = [one for one in found if part(one.fact) is not None and not _is_read_only(one)]
    answers: dict[int, Answer] = {}
    if about and not (usage.unseen and pair.revision.flag(usage.unseen)):
        parts = _parts(pair, usage, pairs)
        kept = [] if by_keyword else _all_kept(about, parts, pair, usage, pairs)
        found = [_kept(one, usage) if one in kept else one for one in found]
        about = [one for one in about if one not in kept]
        answers = _answers(about, parts, typed=usage.typed, by_keyword=by_keyword)
    breaks = any(_level(one) is Level.BREAKING for one in about)
    required = occurrence.held is not None and occurrence.held.required
    for one in found:
        if one in about:
            yield from _with_answer(one, answers.get(id(one.fact), True), usage, told=breaks)
        else:
            answer = _by_flag(one, usage, required=required)
            yield from _with_answer(one, answer, usage, told=False)


def _parts(pair: Pair, usage: Usage, pairs: Pairs) -> Parts:
    """What containment says of each part; values that are written alike in text are the same."""
    parts = pairs.contained(pair, usage)
    return {**parts, "values": True} if _is_written_alike(pair, usage) else parts


def _is_written_alike(pair: Pair, usage: Usage) -> bool:
    """Whether the values are listed, and all that was promised is still kept as it is written."""
    ends = (pair.base, pair.revision)[:: 1 if usage.side == "request" else -1]
    return not usage.typed and texts_within(*ends)


def _with_answer(one: Judged, answer: Answer, usage: Usage, *, told: bool) -> Iterator[Judged]:
    """A verdict of the table, with what containment says; `told`: that it breaks is known."""
    level = _level(one)
    if answer is None:
        one = _saying(one, _SAID[usage.side, None])
    if answer is True and usage.overlapping and level is Level.SAFE and part(one.fact):
        answer = None
        one = _saying(one, _OVERLAPS)
    yield one
    if is_lossy(one.fact, usage) and not told:
        answer = False
    if answer is None and level is Level.SAFE:
        yield _second(one, "schema-undecided", usage)
    elif answer is False and not told:
        kind = "schema-narrowed" if usage.side == "request" else "schema-widened"
        yield _second(_saying(one, _SAID[usage.side, False]), kind, usage)


def _as_lists(found: list[Judged], answer: Answer, usage: Usage) -> Iterator[Judged]:
    """The verdicts on a single value that became a list: the type tells all of it."""
    for one in found:
        if part(one.fact) is None or (one.fact.kind != "type" and _level(one) is Level.SAFE):
            yield one
        elif one.fact.kind == "type":
            yield from _with_answer(one, answer, usage, told=False)


def _saying(one: Judged, text: str) -> Judged:
    verdict = Ruling(one.verdict.rule_id, f"{one.verdict.message}; {text}")
    return one._replace(verdict=verdict)


def _second(one: Judged, kind: str, usage: Usage) -> Judged:
    return one._replace(verdict=Ruling(f"{PLACES[usage.place]}-{kind}", one.verdict.message))


# What the table fears, and is harmless


def _all_kept(
    about: list[Judged], parts: Parts, pair: Pair, usage: Usage, pairs: Pairs
) -> list[Judged]:
    """The facts that containment proves harmless; none if something is lost by all together."""
    if not all(_unaccounted(parts, {part(one.fact) for one in about}, typed=usage.typed)):
        return []
    retyped = not usage.typed and pair.base.types != pair.revision.types
    if retyped and not _is_written_alike(pair, usage):
        return []  # containment knows values, and not how they are written as text
    kept = [one for one in about if _is_kept(one, parts, usage)]
    if any(map(_is_of_branches, kept)) and not pairs.lists_all(pair, usage):
        return [one for one in kept if not _is_of_branches(one)]
    return kept


def _is_kept(one: Judged, parts: Parts, usage: Usage) -> bool:
    """Whether containment proves that an edit allows what was promised, whatever the table says."""
    if _level(one) is Level.SAFE or usage.overlapping or not can_be_kept(one.fact):
        return False
    if _is_of_branches(one):  # what a branch says may stand in any part elsewhere
        return all(parts.values())
    return parts.get(part(one.fact) or "", True) is True


def _is_of_branches(one: Judged) -> bool:
    return part(one.fact) == "unions"


def _kept(one: Judged, usage: Usage) -> Judged:
    return _second(_saying(one, _SAID[usage.side, True]), "schema-kept", usage)


def _unseen(one: Judged, usage: Usage) -> Judged:
    """A verdict on what is not sent that way, before or after."""
    if _level(one) is Level.SAFE:
        return one
    rule_id = "request-read-only-property-changed"
    if usage.side == "response":
        rule_id = "response-write-only-property-changed"
    return one._replace(verdict=Ruling(rule_id, one.verdict.message))


def _by_flag(one: Judged, usage: Usage, *, required: bool) -> Answer:
    """What it means that a property is sent by one side only, or no longer is."""
    if usage.area != "body":
        return True
    match usage.side, one.fact.kind:
        case "request", "became-not-read-only":
            return not required
        case "request", "became-read-only":
            return None
        case "response", "became-write-only":
            return False if required else None
    return True


def _answers(
    about: list[Judged], parts: Parts, *, typed: bool, by_keyword: bool
) -> dict[int, Answer]:
    """The answer for each fact that the table alone does not settle, by its identity.

    A part that no fact of its own accounts for is answered for by all facts of the schema.
    """
    concerned = {
        part(one.fact) for one in about if not is_settled(one.fact) or _level(one) is not Level.SAFE
    }
    rest = all_of(_unaccounted(parts, concerned, typed=typed))
    open_ones = [
        one.fact
        for one in about
        if not is_settled(one.fact) or (_is_feared_bound(one) and not by_keyword)
    ]
    answers: dict[int, Answer] = {}
    for fact in open_ones or [one.fact for one in about]:
        own = parts.get(part(fact) or "", True) if open_ones else True
        answers[id(fact)] = all_of((own, rest))
    return answers


def _is_feared_bound(one: Judged) -> bool:
    """Whether the table leaves open if a bound refuses anything, which containment knows."""
    return part(one.fact) == "bounds" and _level(one) is Level.RISKY


def _unaccounted(parts: Parts, told: Container[str | None], *, typed: bool) -> list[Answer]:
    """The answers for the parts that no fact tells of, but for those that only the table judges."""
    by_table = _BY_THE_TABLE if typed else {*_BY_THE_TABLE, "values"}
    return [answer for name, answer in parts.items() if name not in told and name not in by_table]


def _is_read_only(one: Judged) -> bool:
    return one.verdict.rule_id == "request-read-only-property-changed"


def _level(one: Judged) -> Level:
    return rules()[one.verdict.rule_id].level
