"""The HTTP reference page: one operation with its fields and samples, or a resource with models.

The page is the text of a rendered page and has no indentation: how many of the lines below belong
to an object follows from its heading, `outputs: optional array of object { output_id, type, url }`.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

from flora_contract.documents.facts.fact import CONSTRAINTS, Place
from flora_contract.documents.sources.kinds import MODELS
from flora_contract.documents.sources.lines import Sheet
from flora_contract.documents.sources.notation import (
    Shape,
    ShapeError,
    facts_of_shape,
    http_shape,
    innermost,
)
from flora_contract.documents.sources.prose import SENTENCE, facts_of_sentence
from flora_contract.documents.sources.samples import (
    SampleError,
    curl_length,
    facts_of_curl,
    facts_of_json,
    is_error,
    json_length,
)

OPERATION = re.compile(r"(GET|POST|PUT|PATCH|DELETE)(/\S*)")
_SECTIONS = {
    "Body ParametersJSONExpand Collapse": "body",
    "Query ParametersExpand Collapse": "query",
    "Path ParametersExpand Collapse": "path",
    "Header ParametersExpand Collapse": "header",
    "ReturnsExpand Collapse": "answer",
}
MODELS_HEADING = "ModelsExpand Collapse"
CHROME = {"Skip to content", "FLORA DocsGo to app", "Returns Examples", MODELS_HEADING}
_MODEL = re.compile(r"(\w+) (object \{ .+ \})")
_FIELD = re.compile(r"([A-Za-z_][\w-]*): (optional )?(.+)")
_VALUE = re.compile(r'"([^"]*)"')
_CONSTRAINT = re.compile(rf"({'|'.join(sorted(CONSTRAINTS, key=len, reverse=True))})(\S.*)")


@dataclass
class _Object:
    """An object whose fields are being read."""

    place: Place
    shape: Shape | None  # None where no heading counts the fields
    line: int
    read: int = 0

    @property
    def full(self) -> bool:
        return self.shape is not None and self.read >= self.shape.count


class _HttpReading:
    """Where the reading stands: the operation, the objects around, the field before."""

    def __init__(self, sheet: Sheet) -> None:
        self.sheet = sheet
        self.operation = Place("API")
        self.described = Place("API")  # what a sentence would be about
        self.objects: list[_Object] = []
        self.values: tuple[Place, Shape, int] | None = None  # the enum being listed
        self.samples: set[tuple[Place, str]] = set()
        self.titles: set[str] = set()

    def close(self, keep: int = 0) -> None:
        """End the enum and the objects being read, but for the first `keep` of them."""
        if self.values is not None:
            place, shape, line = self.values
            self.sheet.listed(shape, place, line)
            self.values = None
        for ended in reversed(self.objects[keep:]):
            if ended.shape is not None and ended.read != ended.shape.count:
                self.sheet.doubt(
                    f"the heading counts {ended.shape.count} fields, {ended.read} follow",
                    ended.line,
                )
        del self.objects[keep:]


def read(text: str) -> Sheet:
    """The facts of an HTTP reference page."""
    sheet = Sheet(text)
    reading = _HttpReading(sheet)
    sheet.read(reading, _RULES)
    reading.close()
    sheet.finish()
    return sheet


def _chrome(reading: _HttpReading, line: str) -> bool:
    if line == MODELS_HEADING:
        reading.close()
    return line in CHROME


def _operation(reading: _HttpReading, line: str) -> bool:
    found = OPERATION.fullmatch(line)
    if found is None:
        return False
    reading.close()
    reading.operation = reading.described = Place(f"{found[1]} {found[2]}")
    reading.sheet.state(reading.operation, "is", "operation")
    for name in re.findall(r"\{(\w+)\}", found[2]):
        path = Place(reading.operation.operation, "path", name)
        reading.sheet.state(path, "is", "parameter")
    return True


def _title(reading: _HttpReading, line: str) -> bool:
    """The name of the page; the name of an operation, above it and again above its samples."""
    following = next((rest for rest in reading.sheet.lines[reading.sheet.number :] if rest), "")
    names_next = OPERATION.fullmatch(following) is not None
    first = reading.operation == Place("API") and not reading.titles
    if line in reading.titles or ((names_next or first) and _words(line)):
        reading.titles.add(line)
        return True
    return False


def _section(reading: _HttpReading, line: str) -> bool:
    part = _SECTIONS.get(line)
    if part is None:
        return False
    reading.close()
    place = Place(reading.operation.operation, part)
    if part in {"body", "answer"}:
        reading.sheet.state(place, "type", "object")
    if "JSON" in line:
        reading.sheet.state(place, "media", "application/json")
    reading.objects = [_Object(place, None, reading.sheet.number)]
    return True


def _model(reading: _HttpReading, line: str) -> bool:
    found = _MODEL.fullmatch(line)
    if found is None:
        return False
    reading.close()
    place = MODELS.get(found[1], Place(f"model {found[1]}"))
    reading.sheet.state(place, "type", "object")
    reading.objects = [_Object(place, http_shape(found[2]), reading.sheet.number)]
    return True


def _field(reading: _HttpReading, line: str) -> bool:
    found = _FIELD.fullmatch(line)
    if found is None or not reading.objects:
        return False
    try:
        shape = http_shape(found[3])
    except ShapeError:
        return False
    keep = len(reading.objects)
    while keep > 1 and reading.objects[keep - 1].full:
        keep -= 1
    reading.close(keep)
    _enter(reading, found[1], shape, required=found[2] is None)
    return True


def _enter(reading: _HttpReading, name: str, shape: Shape, *, required: bool) -> None:
    sheet, around = reading.sheet, reading.objects[-1]
    if around.shape is not None and around.read < len(around.shape.fields):
        listed = around.shape.fields[around.read]
        if listed != name:
            sheet.doubt(f"the heading on line {around.line} names {listed} here")
    around.read += 1
    place = reading.described = around.place.child(name)
    sheet.keep(facts_of_shape(shape, place, sheet.number))
    sheet.state(place, "required", required)
    place, shape = innermost(place, shape)
    if shape.values:
        reading.values = (place, shape, sheet.number)
    if shape.fields:
        reading.objects.append(_Object(place, shape, sheet.number))


def _value(reading: _HttpReading, line: str) -> bool:
    if reading.values is None:
        return False
    found = _VALUE.fullmatch(line)
    if found is not None:
        reading.sheet.state(reading.values[0], "value", found[1])
    return found is not None or line == "One of the following:"


def _constraint(reading: _HttpReading, line: str) -> bool:
    found = _CONSTRAINT.fullmatch(line)
    if found is None or not reading.described.field:
        return False
    try:
        value = found[2] if found[1] in {"format", "pattern"} else json.loads(found[2])
    except json.JSONDecodeError:
        if found[1] != "default":
            return False
        value = found[2]
    reading.sheet.state(reading.described, found[1], value)
    return True


def _curl(reading: _HttpReading, line: str) -> bool:
    if not line.startswith("curl "):
        return False
    reading.close()
    sheet, start = reading.sheet, reading.sheet.number
    try:
        operation, facts = facts_of_curl(sheet.take(curl_length(sheet.rest())), start)
    except SampleError as error:
        sheet.doubt(f"the sample cannot be read: {error}", start)
        return True
    if operation != reading.operation:
        sheet.doubt(f"the sample calls {operation}, the page describes {reading.operation}", start)
    sheet.keep(fact for fact in facts if fact.aspect != "is")
    return True


def _json(reading: _HttpReading, line: str) -> bool:
    if line != "{":
        return False
    reading.close()
    sheet, start = reading.sheet, reading.sheet.number
    try:
        text = sheet.take(json_length(sheet.rest()))
    except SampleError as error:
        sheet.doubt(f"the sample cannot be read: {error}", start)
        sheet.number = len(sheet.lines)
        return True
    body = json.loads(text)
    place = Place(reading.operation.operation, "error" if is_error(body) else "answer")
    if (place, json.dumps(body)) not in reading.samples:  # the page ends by repeating them all
        reading.samples.add((place, json.dumps(body)))
        sheet.keep(facts_of_json(text, place, start))
    return True


def _sentence(reading: _HttpReading, line: str) -> bool:
    """A description: a paragraph of one line below an operation or a field."""
    sheet = reading.sheet
    if not SENTENCE.fullmatch(line) and not _words(line):
        return False
    if reading.described == Place("API") or sheet.lines[sheet.number - 2]:
        return False
    sheet.keep(facts_of_sentence(line, reading.described, sheet.number))
    return True


def _words(line: str) -> bool:
    """A label of few words, such as `Run identifier`."""
    return re.fullmatch(r"[A-Z]\w*([ -][\w/-]+)*", line) is not None


_RULES = (
    _chrome,
    _operation,
    _section,
    _model,
    _field,
    _value,
    _constraint,
    _curl,
    _json,
    _title,
    _sentence,
)
