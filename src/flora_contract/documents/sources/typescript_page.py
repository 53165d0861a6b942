"""The TypeScript reference page in Markdown: signatures, nested lists of fields, samples."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

from flora_contract.documents.facts.fact import PageFact, Place
from flora_contract.documents.sources.kinds import MODELS
from flora_contract.documents.sources.lines import Sheet
from flora_contract.documents.sources.notation import (
    Shape,
    ShapeError,
    facts_of_shape,
    innermost,
    typescript_shape,
)
from flora_contract.documents.sources.prose import SENTENCE, facts_of_sentence
from flora_contract.documents.sources.samples import SampleError, facts_of_json, json_length

OPERATION = re.compile(r"\*\*(get|post|put|patch|delete)\*\* `(/\S*)`")
_HEADING = re.compile(r"(#{1,4}) (.+)")
_SIGNATURE = re.compile(r"`client(\.\w+)+\(.*\): (?:\w+Page<)?(\w+)>?`")
_BULLET = re.compile(r"( *)- `(.+)`")
_FIELD = re.compile(r"([A-Za-z_]\w*)(\?)?: (.+)")
_VALUE = re.compile(r'"([^"]*)"')
_SECTIONS = ("Parameters", "Returns", "Example", "Response")
_REPETITION = "Domain Types"

# Lines of a TypeScript sample that say nothing of the API: how the client is made and printed.
_BOILERPLATE = re.compile(
    r"import \w+ from '.+';|const client = new \w+\(\{|  apiKey: .+|\}\);|"
    r"const \w+ = await client.*|for await .+|  ?console\.log\(.+\);|console\.log\(.+\);|\}|//.*"
)
_CALL = re.compile(r"client(?:\.\w+)+\((\{|'[^']*')?")
_ARGUMENT = re.compile(r"  (\w+): '(.*)',")


@dataclass
class _Item:
    """A bullet that others may stand below."""

    indent: int
    place: Place
    shape: Shape | None
    line: int

    @property
    def inner(self) -> Place:
        """Where the bullets below it stand: within the innermost list that it is."""
        return self.place if self.shape is None else innermost(self.place, self.shape)[0]


class _TypeScriptReading:
    """Where the reading stands: the operation, its section, the bullets around."""

    def __init__(self, sheet: Sheet) -> None:
        self.sheet = sheet
        self.operation = Place("API")
        self.section = ""
        self.bullets: list[_Item] = []
        self.described = Place("API")
        self.repeats = False  # among the domain types, which repeat the models
        self.first: list[PageFact] = []  # what the operations stated before the repetition

    def close(self, indent: int = 0) -> None:
        """End the bullets that stand as deep as `indent`, or deeper."""
        while self.bullets and self.bullets[-1].indent >= indent:
            item = self.bullets.pop()
            if item.shape is None:
                continue
            place, shape = innermost(item.place, item.shape)
            if shape.values:
                self.sheet.listed(shape, place, item.line)


def read(text: str) -> Sheet:
    """The facts of a TypeScript reference page."""
    sheet = Sheet(text)
    reading = _TypeScriptReading(sheet)
    sheet.read(reading, _RULES)
    reading.close()
    if reading.repeats:
        _compare(reading)
    sheet.finish()
    return sheet


def _compare(reading: _TypeScriptReading) -> None:
    """Each model among the domain types must say what its operation said."""
    sheet = reading.sheet
    again, sheet.facts = sheet.facts, reading.first
    said = {f.key: f for f in reading.first}
    repeated = {f.key: f for f in again}
    roots = [f for f in again if f.aspect == "type" and f.place in MODELS.values()]
    for fact in repeated.values():
        if fact.key not in said:
            sheet.doubt(f"{fact}: only the repetition of the model says so", fact.line)
    for root in roots:
        for fact in said.values():
            inside = fact.place.within(root.place) and fact.aspect not in {"shows", "sample"}
            if inside and fact.key not in repeated:
                sheet.doubt(f"{fact} (line {fact.line}): the repetition lacks it", root.line)


def _heading(reading: _TypeScriptReading, line: str) -> bool:
    found = _HEADING.fullmatch(line)
    if found is None:
        return False
    reading.close()
    reading.section = found[2] if found[2] in _SECTIONS else ""
    reading.described = Place("API")
    if found[2] == _REPETITION:
        reading.repeats = True
        reading.first, reading.sheet.facts = reading.sheet.facts, []
    if reading.repeats and len(found[1]) == 3:
        reading.section = "Returns"
    return True


def _operation(reading: _TypeScriptReading, line: str) -> bool:
    if _SIGNATURE.fullmatch(line):
        return True
    found = OPERATION.fullmatch(line)
    if found is None:
        return False
    reading.operation = reading.described = Place(f"{found[1].upper()} {found[2]}")
    reading.sheet.state(reading.operation, "is", "operation")
    return True


def _bullet(reading: _TypeScriptReading, line: str) -> bool:
    found = _BULLET.fullmatch(line)
    if found is None or reading.section not in {"Parameters", "Returns"}:
        return False
    indent, text = len(found[1]), found[2]
    reading.close(indent)
    around = reading.bullets[-1] if reading.bullets else None
    if around is None:
        return _root(reading, text)
    if value := _VALUE.fullmatch(text):
        reading.sheet.state(around.inner, "value", value[1])
        return True
    return _field(reading, indent, text, around)


def _root(reading: _TypeScriptReading, text: str) -> bool:
    """The first bullet of a section: a model, the body, the query, or a parameter of the path."""
    sheet, operation = reading.sheet, reading.operation.operation
    if reading.section == "Returns" and re.fullmatch(r"[A-Z]\w*", text):
        place = MODELS.get(
            text, Place(f"model {text}") if reading.repeats else Place(operation, "answer")
        )
        sheet.state(place, "type", "object")
    elif found := re.fullmatch(r"(body|query)(\?)?: [A-Z]\w*", text):
        place = Place(operation, found[1])
        if found[1] == "body":
            sheet.state(place, "type", "object")
    else:
        return reading.section == "Parameters" and _path_parameter(reading, text)
    reading.bullets = [_Item(0, place, None, sheet.number)]
    return True


def _path_parameter(reading: _TypeScriptReading, text: str) -> bool:
    """An argument of its own; the SDK spells `{runId}` as `runID`."""
    found = _FIELD.fullmatch(text)
    if found is None:
        return False
    names = re.findall(r"\{(\w+)\}", reading.operation.operation)
    name = next((n for n in names if n.lower() == found[1].lower()), None)
    if name is None:
        return False
    root = _Item(-1, Place(reading.operation.operation, "path"), None, reading.sheet.number)
    return _field(reading, 0, text.replace(found[1], name, 1), root)


def _field(reading: _TypeScriptReading, indent: int, text: str, around: _Item) -> bool:
    found = _FIELD.fullmatch(text)
    if found is None:
        return False
    try:
        shape = typescript_shape(found[3])
    except ShapeError:
        return False
    place = reading.described = around.inner.child(found[1])
    reading.sheet.keep(facts_of_shape(shape, place, reading.sheet.number))
    reading.sheet.state(place, "required", found[2] is None)
    reading.bullets.append(_Item(indent, place, shape, reading.sheet.number))
    return True


def _sample(reading: _TypeScriptReading, line: str) -> bool:
    language = {"```typescript": "Example", "```json": "Response"}.get(line)
    if language is None or language != reading.section:
        return False
    sheet, start = reading.sheet, reading.sheet.number
    lines = sheet.fenced()
    if lines is None:
        return True
    if language == "Example":
        _call(reading, lines, start + 1)
        return True
    try:
        count = json_length(lines)
    except SampleError as error:
        sheet.doubt(f"the sample cannot be read: {error}", start)
        return True
    if count != len(lines):
        sheet.doubt("lines follow the JSON of the sample", start)
    place = Place(reading.operation.operation, "answer")
    sheet.keep(facts_of_json("\n".join(lines[:count]), place, start + 1))
    return True


def _call(reading: _TypeScriptReading, lines: list[str], start: int) -> None:
    """A TypeScript sample: the arguments of the call are a sample of the body, query or path."""
    sheet, operation = reading.sheet, reading.operation.operation
    arguments: list[tuple[int, str, str]] = []
    for number, line in enumerate(lines, start):
        if found := _ARGUMENT.fullmatch(line):
            arguments.append((number, found[1], found[2]))
        elif line and not _BOILERPLATE.fullmatch(line):
            sheet.doubt(f"no rule reads {line.strip()[:60]!r}", number)
        if (call := _CALL.search(line)) and (call[1] or "").startswith("'"):
            name = re.findall(r"\{(\w+)\}", operation)
            path = Place(operation, "path", name[0] if name else "")
            sheet.keep([PageFact(path, "shows", call[1].strip("'"), number)])
    if arguments:
        parts = {f.place.part for f in sheet.facts if f.place.operation == operation}
        place = Place(operation, "body" if "body" in parts else "query")
        first = arguments[0][0] - 1
        body = json.dumps({name: value for _, name, value in arguments})
        if place.part == "body":
            sheet.keep(
                [PageFact(place, "sample", body, first), PageFact(place, "shows", "{}", first)]
            )
        sheet.keep(PageFact(place.child(n), "shows", value, at) for at, n, value in arguments)


def _sentence(reading: _TypeScriptReading, line: str) -> bool:
    """A description: below an operation, or indented below a bullet."""
    indented = line.startswith(" ")
    text = line.strip()
    if not SENTENCE.fullmatch(text) and not re.fullmatch(r"[A-Z]\w*([ -][\w/-]+)*", text):
        return False
    if reading.described == Place("API") or indented != bool(reading.bullets):
        return False
    reading.sheet.keep(facts_of_sentence(text, reading.described, reading.sheet.number))
    return True


_RULES = (_heading, _operation, _bullet, _sample, _sentence)
