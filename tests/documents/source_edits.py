"""Random edits of sources, made in their text as a vendor would make them.

An edit is drawn from what a source was read to state: a kind, and a fact of it. Whatever shows the
same thing twice, such as the heading of an object and its samples, is edited along.
"""

from __future__ import annotations

import copy
import json
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from flora_contract.documents.facts.fact import CONSTRAINTS, Place

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Iterator

    from flora_contract.documents.facts.fact import PageFact, SourcePage

SCALARS = {"string": "number", "number": "string", "boolean": "string", "integer": "string"}


@dataclass(frozen=True)
class SourceEdit:
    """What was done to a source: its files after it, and how it has to be told."""

    kind: str
    page: SourcePage
    told: str
    place: Place
    files: dict[str, str]

    def __str__(self) -> str:
        return f"{self.kind} of {self.page.label} at {self.place}"


class Text:
    """The files of a source while they are edited. A page is one file, without a name."""

    def __init__(self, page: SourcePage, files: dict[str, str]) -> None:
        self.page = page
        self.files = {name: text.split("\n") for name, text in files.items()}

    def line(self, fact: PageFact) -> str:
        return self.files[fact.file][fact.line - 1]

    def put(self, fact: PageFact, *lines: str) -> None:
        """Put lines in place of the line of a fact."""
        self.files[fact.file][fact.line - 1] = "\n".join(lines)

    def replaced(self, fact: PageFact, pattern: str, new: str) -> bool:
        """Replace something in the line of a fact; whether it was there."""
        line, count = re.subn(pattern, new, self.line(fact), count=1)
        self.put(fact, line)
        return bool(count)

    def around(self, fact: PageFact, pattern: str, new: str, above: int = 12) -> bool:
        """Replace something in the comment above a line, nearest first, or in the line itself."""
        lines = self.files[fact.file]
        for number in range(fact.line - 1, max(fact.line - 1 - above, -1), -1):
            changed, count = re.subn(pattern, new, lines[number], count=1)
            if count:
                lines[number] = changed
                return True
        return False

    def samples(self, place: Place, edit: Callable[[Any], None]) -> None:
        """Edit each sample of the part of an operation that a place is in."""
        if self.page.form == "sdk":
            return
        root = Place(place.operation, place.part)
        bodies = [
            json.loads(str(f.value))
            for f in self.page.facts
            if f.aspect == "sample" and f.place == root
        ]
        text = "\n".join(self.files[""])
        for found in reversed(list(re.finditer(r"(?m)^(.*?)(\{)$", text))):
            start = found.start(2)
            try:
                body, length = json.JSONDecoder().raw_decode(text[start:])
            except json.JSONDecodeError:
                continue
            if body in bodies:
                changed = copy.deepcopy(body)
                edit(changed)
                text = text[:start] + json.dumps(changed, indent=2) + text[start + length :]
        self.files[""] = text.split("\n")

    @property
    def text(self) -> dict[str, str]:
        return {name: "\n".join(lines) for name, lines in self.files.items()}


def edits(
    pages: list[tuple[SourcePage, dict[str, str]]], random: random.Random
) -> Iterator[SourceEdit]:
    """Random edits without end: each kind as often as the others, where a source has one."""
    kinds = sorted(KINDS)
    while True:
        kind = random.choice(kinds)
        page, files = random.choice(pages)
        text = Text(page, files)
        found = KINDS[kind](text, random)
        if found is not None:
            told, place = found
            yield SourceEdit(kind, page, told, place, text.text)


Told = tuple[str, Place] | None


def _fields(page: SourcePage) -> list[PageFact]:
    """The lines that declare a member or a parameter."""
    first: dict[Place, PageFact] = {}
    for fact in page.facts:
        if fact.aspect == "required" and fact.place.field and fact.place.part != "header":
            first.setdefault(fact.place, fact)
    return [fact for place, fact in first.items() if _is_once(page, fact) and place.part != "path"]


def _is_once(page: SourcePage, fact: PageFact) -> bool:
    """Whether a line is about one place only: SDK types may be shared."""
    same = {
        f.place
        for f in page.facts
        if (f.file, f.line) == (fact.file, fact.line) and f.aspect == "required"
    }
    return len(same) == 1


def _leaves(page: SourcePage) -> list[PageFact]:
    inside = {f.place.holder() for f in page.facts}
    return [fact for fact in _fields(page) if fact.place not in inside]


def _at(page: SourcePage, place: Place, aspect: str) -> list[PageFact]:
    return [f for f in page.facts if f.place == place and f.aspect == aspect]


def _pick(random: random.Random, items: list[PageFact]) -> PageFact | None:
    return random.choice(items) if items else None


def _objects(body: Any, place: Place) -> list[dict[str, Any]]:
    """The objects of a sample that may have the member at a place."""
    found = [body]
    for step in re.findall(r"[\w-]+|\[\]", place.field.rpartition(".")[0]):
        inner: list[Any] = []
        for node in found:
            if step == "[]":
                inner += node if isinstance(node, list) else []
            elif isinstance(node, dict) and step in node:
                inner.append(node[step])
        found = inner
    return [node for node in found if isinstance(node, dict)]


def rename(text: Text, random: random.Random) -> Told:
    fact = _pick(random, [f for f in _fields(text.page) if not _declared_twice(text.page, f)])
    if fact is None:
        return None
    name = fact.place.name
    new = f"{name}_2"
    if not text.replaced(fact, rf"\b{re.escape(name)}\b", new):
        return None
    _in_heading(text, fact, lambda line: re.sub(rf"(?<=[{{,] ){name}(?=[ ,])", new, line, count=1))

    def renamed(body: Any) -> None:
        for node in _objects(body, fact.place):
            items = list(node.items())
            node.clear()
            node.update((new if key == name else key, value) for key, value in items)

    text.samples(fact.place, renamed)
    return "renamed", fact.place


def _declared_twice(page: SourcePage, fact: PageFact) -> bool:
    """Whether a guide tells of a field in more than its table."""
    return page.form == "guide" and any(
        f.aspect == "refuses" and f.value == fact.place.name for f in page.facts
    )


def _everywhere(text: Text, pattern: str, new: str) -> None:
    text.files[""] = [re.sub(pattern, new, line) for line in text.files[""]]


def _in_heading(text: Text, fact: PageFact, edit: Callable[[str], str]) -> None:
    """Edit the heading of the object that a field of an HTTP page is in, which lists its fields."""
    holder = fact.place.parent()
    if text.page.form != "http" or holder is None or not holder.field:
        return
    for declared in _at(text.page, holder, "type")[:1]:
        text.put(declared, edit(text.line(declared)))


def retype(text: Text, random: random.Random) -> Told:
    def plain(fact: PageFact) -> bool:
        said = {f.aspect for f in text.page.facts if f.place == fact.place}
        return not said & {*CONSTRAINTS, "value", "prefix"}

    fields = [f for f in _leaves(text.page) if plain(f)]
    typed = [t for f in fields for t in _at(text.page, f.place, "type") if t.value in SCALARS]
    fact = _pick(random, typed)
    if fact is None:
        return None
    if not text.replaced(fact, rf"\b{fact.value}\b(?=[^:]*$)", SCALARS[str(fact.value)]):
        return None
    return "changed", fact.place


def require(text: Text, random: random.Random) -> Told:
    fact = _pick(random, [f for f in _leaves(text.page) if not _declared_twice(text.page, f)])
    if fact is None:
        return None
    name = re.escape(fact.place.name)
    if text.page.form == "http":
        done = (
            text.replaced(fact, rf"{name}: ", f"{fact.place.name}: optional ")
            if fact.value
            else text.replaced(fact, "optional ", "")
        )
    elif text.page.form == "guide":
        word, other = ("Yes", "No ") if fact.value else ("No ", "Yes")
        done = text.replaced(fact, rf"\| {word}", f"| {other}")
    else:
        old, new = (":", "?:") if fact.value else (r"\?:", ":")
        done = text.replaced(fact, rf"({name}'?){old}", rf"\1{new}")
    return ("changed", fact.place) if done else None


def null(text: Text, random: random.Random) -> Told:
    if text.page.form not in {"sdk", "typescript"}:
        return None
    places = {f.place for f in _leaves(text.page)}
    facts = [f for f in text.page.facts if f.aspect == "nullable" and f.place in places]
    fact = _pick(random, facts)
    if fact is None:
        return None
    end = r"(;|`)$"
    done = (
        text.replaced(fact, rf" \| null{end}", r"\1")
        if fact.value
        else text.replaced(fact, end, r" | null\1")
    )
    return ("changed", fact.place) if done else None


def bound(text: Text, random: random.Random) -> Told:
    numbers = [f for f in text.page.facts if f.aspect in CONSTRAINTS and isinstance(f.value, int)]
    fact = _pick(random, [f for f in numbers if f.aspect != "default"])
    if fact is None or not text.replaced(fact, str(fact.value), str(int(str(fact.value)) + 2)):
        return None
    return "changed", fact.place


def default(text: Text, random: random.Random) -> Told:
    fact = _pick(random, [f for f in text.page.facts if f.aspect == "default"])
    if fact is None:
        return None
    done = text.around(fact, rf"(?i)(default\D*){fact.value}", rf"\g<1>{fact.value}1")
    return ("changed", fact.place) if done else None


def _enums(page: SourcePage) -> list[tuple[Place, list[PageFact]]]:
    found: dict[Place, list[PageFact]] = {}
    for fact in page.facts:
        if fact.aspect == "value" and fact.place.part not in {"error", "path"}:
            found.setdefault(fact.place, []).append(fact)
    return [(place, facts) for place, facts in found.items() if len(facts) > 2]


def _values(text: Text, place: Place, facts: list[PageFact], values: list[str]) -> bool:
    """Write the values of an enum anew, wherever a page lists them."""
    old = [str(f.value) for f in facts]
    page = text.page
    if page.form == "sdk":
        return text.replaced(
            facts[0],
            re.escape(" | ".join(f"'{value}'" for value in old)),
            " | ".join(f"'{value}'" for value in values),
        )
    if page.form == "guide":
        _everywhere(
            text,
            re.escape(", ".join(f"`{v}`" for v in old)),
            ", ".join(f"`{v}`" for v in values),
        )
        listed = f"{', '.join(f'`{v}`' for v in values[:-1])}, or `{values[-1]}`"
        before = f"{', '.join(f'`{v}`' for v in old[:-1])}, or `{old[-1]}`"
        _everywhere(text, re.escape(before), listed)
        return True
    sign = " or " if page.form == "http" else " | "
    declared = _at(page, place, "type")[0]
    head = sign.join(f'"{value}"' for value in old)
    if not text.replaced(declared, re.escape(head), sign.join(f'"{v}"' for v in values)):
        return False
    first = text.line(facts[0])
    lines = [first.replace(f'"{old[0]}"', f'"{value}"') for value in values]
    gap = [""] if page.form == "typescript" else []
    block = [line for value in lines for line in (*gap, value)][len(gap) :]
    start, end = facts[0].line, facts[-1].line
    text.files[""][start - 1 : end] = block
    return True


def _enum(text: Text, random: random.Random, how: str) -> Told:
    enums = [(place, facts) for place, facts in _enums(text.page) if _alone(text.page, facts[0])]
    if not enums:
        return None
    place, facts = random.choice(enums)
    values = [str(f.value) for f in facts]
    shown = {f.value for f in _at(text.page, place, "shows")}
    free = [value for value in values if value not in shown]
    if how == "added":
        values.insert(random.randrange(1, len(values) + 1), "extra")
    elif not free:
        return None
    elif how == "removed":
        values.remove(random.choice(free))
    else:
        values[values.index(random.choice(free))] = "other"
    return (how, place) if _values(text, place, facts, values) else None


def _alone(page: SourcePage, fact: PageFact) -> bool:
    places = {
        f.place
        for f in page.facts
        if (f.file, f.line) == (fact.file, fact.line) and f.aspect in {"value", "required"}
    }
    return len(places) == 1


def new(text: Text, random: random.Random) -> Told:
    fact = _pick(random, [f for f in _fields(text.page) if "." not in f.place.field])
    if fact is None:
        return None
    line = text.line(fact)
    indent = re.match(r" *", line)
    assert indent is not None
    if text.page.form == "http":
        text.put(fact, "added: optional string", line)
    elif text.page.form == "typescript":
        text.put(fact, f"{indent[0]}- `added?: string`", "", line)
    elif text.page.form == "guide":
        text.put(fact, line, "| `added` | No | Something more |")
    else:
        text.put(fact, line, f"{indent[0]}added?: string;")
        if not line.rstrip().endswith(";"):
            return None
    return "added", replace(fact.place, field="added")


def gone(text: Text, random: random.Random) -> Told:
    fact = _pick(random, [f for f in _leaves(text.page) if not _declared_twice(text.page, f)])
    if fact is None:
        return None
    lines = text.files[fact.file]
    start, end = _extent(text, fact)
    _in_heading(text, fact, lambda line: _unlisted(line, fact.place.name))
    del lines[start:end]

    def dropped(body: Any) -> None:
        for node in _objects(body, fact.place):
            node.pop(fact.place.name, None)

    text.samples(fact.place, dropped)
    return "removed", fact.place


def _unlisted(line: str, name: str) -> str:
    """The heading of an object without one of its fields."""
    return re.sub(rf"(?<=[{{,] ){name}, |, {name}(?= )|(?<=\{{ ){name}(?= )", "", line, count=1)


def _extent(text: Text, fact: PageFact) -> tuple[int, int]:
    """The lines that are about a field: its comment above, or what stands below it."""
    lines, at = text.files[fact.file], fact.line - 1
    if text.page.form == "guide":
        return at, at + 1
    if text.page.form == "sdk":
        start = at
        if lines[at - 1].strip() == "*/":
            while not lines[start].strip().startswith("/**"):
                start -= 1
        return start, at + 1
    others = {f.line - 1 for f in text.page.facts if f.aspect in {"required", "is"}}
    stop = ("Returns", "curl ", "{", "### ", "Rent a bike", "ModelsExpand")
    end = at + 1
    while end < len(lines) and end not in others and not lines[end].startswith(stop):
        end += 1
    return at, end


def operation(text: Text, random: random.Random) -> Told:
    """An operation more in the SDK."""
    if text.page.form != "sdk":
        return None
    fact = _pick(random, text.page.described)
    assert fact is not None
    script = fact.file.replace(".d.ts", ".mjs")
    if script not in text.files:
        return None
    declared = "    extra(body: ExtraParams, options?: RequestOptions): APIPromise<Extra>;"
    text.put(fact, text.line(fact), declared)
    text.files[fact.file] += [
        "export interface Extra { extra_id: string; size: number | null; }",
        "export interface ExtraParams { size?: number; sort: 'new' | 'old'; }",
    ]
    owner = next(n for n, line in enumerate(text.files[script]) if line.startswith("export class"))
    text.files[script].insert(
        owner + 1,
        "    extra(body, options) { return this._client.post('/extras', { body, ...options }); }",
    )
    return "added", Place("POST /extras")


def operation_gone(text: Text, random: random.Random) -> Told:
    if text.page.form != "sdk":
        return None
    fact = _pick(random, text.page.described)
    assert fact is not None
    lines = text.files[fact.file]
    start, end = _extent(text, fact)
    del lines[start:end]
    return "removed", fact.place


def duration(text: Text, random: random.Random) -> Told:
    fact = _pick(random, [f for f in text.page.facts if f.aspect == "duration"])
    if fact is None:
        return None
    hours = "hour" in str(fact.value)
    pattern = r"\b(one|two|three) hours?\b" if hours else r"\b10(?=\W20 seconds)"
    done = text.around(fact, pattern, "24 hours" if hours else "5")
    return ("changed", fact.place) if done else None


def example(text: Text, random: random.Random) -> Told:
    shown = [
        f
        for f in text.page.facts
        if f.aspect == "shows"
        and f.value not in ("{}", "[]", None)
        and f.place.part in {"body", "answer"}
        and not f.place.field.endswith("]")
        and not _at(text.page, f.place, "value")
        and len(_at(text.page, f.place, "shows")) == 1
    ]
    fact = _pick(random, shown)
    if fact is None:
        return None
    place, value = fact.place, _other(fact.value)

    def shown_anew(body: Any) -> None:
        for node in _objects(body, place):
            if place.name in node:
                node[place.name] = value

    text.samples(place, shown_anew)
    return "changed", place


def _other(value: Any) -> Any:
    """Another value of the same type."""
    if isinstance(value, bool):
        return not value
    return f"{value}9" if isinstance(value, str) else value + 9


def wording(text: Text, random: random.Random) -> Told:
    worded = [f for f in text.page.facts if f.aspect == "wording" and f.place.field]
    plain = [
        f
        for f in worded
        if not any(
            o.aspect in {"says", "duration", "default", "value", "prefix", "shows"}
            for o in text.page.facts
            if (o.file, o.line) == (f.file, f.line)
        )
    ]
    fact = _pick(random, [f for f in plain if text.page.form == "http" or f.place.part != "path"])
    if fact is None:
        return None
    if text.page.form == "sdk":
        done = text.around(fact, r"^(\s*\* )(.*?param: )?(\w+) ", r"\1\2\3 own ")
    else:
        done = text.replaced(fact, r"(\w+) (\w+)(?=[^|]*\|?$)", r"\1 own \2")
    return ("reworded", fact.place) if done else None


KINDS: dict[str, Callable[[Text, random.Random], Told]] = {
    "bound": bound,
    "default": default,
    "duration": duration,
    "enum value added": lambda text, random: _enum(text, random, "added"),
    "enum value changed": lambda text, random: _enum(text, random, "changed"),
    "enum value removed": lambda text, random: _enum(text, random, "removed"),
    "example": example,
    "gone": gone,
    "new": new,
    "null": null,
    "operation gone": operation_gone,
    "operation new": operation,
    "rename": rename,
    "require": require,
    "retype": retype,
    "wording": wording,
}
