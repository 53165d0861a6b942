"""The guide in Markdown: a request table, samples, an endpoint table, and rules in prose."""

from __future__ import annotations

import re
from itertools import zip_longest
from typing import TYPE_CHECKING

from flora_contract.documents.facts.fact import PageFact, Place
from flora_contract.documents.sources.lines import Sheet
from flora_contract.documents.sources.prose import SENTENCE, facts_of_sentence
from flora_contract.documents.sources.samples import (
    SampleError,
    curl_length,
    facts_of_curl,
    facts_of_json,
    json_length,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

FRONT_MATTER = "---"
_HEADING = re.compile(r"#{2,4} (.+)")
_STATUS = re.compile(r"Response \(`(\d{3}) [\w ]+`\):")
_ROW = re.compile(r"\| (.+) \|")
_REQUEST = ["Field", "Required", "Notes"]
_ENDPOINTS = ["Method", "Path", "Description"]
_VALIDATION = "Common validation issues"
_UNTIL = re.compile(r"until `(\w+)` is ((?:`\w+`(?:,? or )?)+)")


class _GuideReading:
    """Where the reading stands: the section, the operation last called, the table's columns."""

    def __init__(self, sheet: Sheet) -> None:
        self.sheet = sheet
        self.operation = Place("API")  # that was called last
        self.asked = Place("API")  # whose request a table describes
        self.section = ""
        self.begun = 0  # the line of the section's heading
        self.columns: list[str] = []
        self.calls = _calls(sheet.lines)

    @property
    def told(self) -> Place:
        """What a sentence is about: the call above it in its section, or the one that follows."""
        here = self.sheet.number
        above = [place for line, place in self.calls if self.begun < line < here]
        below = [place for line, place in self.calls if line > here]
        heading = (i for i, text in enumerate(self.sheet.lines[here:], here + 1) if text[:1] == "#")
        end = next(heading, len(self.sheet.lines))
        inside = [place for line, place in self.calls if here < line < end]
        first = inside or (below if self.operation == Place("API") else [])
        return above[-1] if above else first[0] if first else self.operation


def read(text: str) -> Sheet:
    """The facts of a guide."""
    sheet = Sheet(text)
    reading = _GuideReading(sheet)
    sheet.read(reading, _RULES)
    sheet.finish()
    return sheet


def _calls(lines: list[str]) -> list[tuple[int, Place]]:
    """The operations that commands call, each with its line."""
    found = []
    for number, line in enumerate(lines, 1):
        if line.startswith("curl "):
            try:
                text = "\n".join(lines[number - 1 :][: curl_length(lines[number - 1 :])])
                found.append((number, facts_of_curl(text, number)[0]))
            except SampleError:
                continue  # it is told where the command is read
    return found


def _front_matter(reading: _GuideReading, line: str) -> bool:
    sheet = reading.sheet
    if line != FRONT_MATTER or sheet.number != 1:
        return False
    lines = sheet.rest()[1:]
    if FRONT_MATTER not in lines:
        sheet.doubt("the front matter does not end")
        return True
    end = lines.index(FRONT_MATTER)
    for number, entry in enumerate(lines[:end], 2):
        if not re.fullmatch(r"(title|description): .+", entry):
            sheet.doubt(f"no rule reads {entry[:60]!r}", number)
    sheet.number += end + 1
    return True


def _heading(reading: _GuideReading, line: str) -> bool:
    found = _HEADING.fullmatch(line)
    if found is None:
        return False
    reading.section = found[1]
    reading.begun = reading.sheet.number
    reading.columns = []
    return True


def _sample(reading: _GuideReading, line: str) -> bool:
    sheet, start = reading.sheet, reading.sheet.number
    if line == "Terminal window":  # the caption of a rendered terminal
        return True
    if line != "```":
        return False
    lines = sheet.fenced()
    if lines is None:
        return True
    try:
        _body_or_command(reading, lines, start + 1)
    except SampleError as error:
        sheet.doubt(f"the sample cannot be read: {error}", start)
    return True


def _body_or_command(reading: _GuideReading, lines: list[str], start: int) -> None:
    text = "\n".join(lines)
    if text.startswith("curl "):
        if curl_length(lines) != len(lines):
            raise SampleError("lines follow the command")
        reading.operation, facts = facts_of_curl(text, start)
        reading.sheet.keep(facts)
        return
    if not lines or json_length(lines) != len(lines):
        raise SampleError("neither a command nor one JSON body")
    place = Place(reading.operation.operation, "answer")
    reading.sheet.keep(facts_of_json(text, place, start))


def _status(reading: _GuideReading, line: str) -> bool:
    found = _STATUS.fullmatch(line)
    if found is not None:
        status = Place(reading.operation.operation, "status", found[1])
        reading.sheet.state(status, "is", "response")
    return found is not None


def _table(reading: _GuideReading, line: str) -> bool:
    found = _ROW.fullmatch(line)
    if found is None:
        return False
    cells = [cell.strip() for cell in found[1].split(" | ")]
    if cells in (_REQUEST, _ENDPOINTS):
        reading.columns = cells
        if cells == _REQUEST:
            reading.asked = reading.operation
            reading.sheet.state(Place(reading.operation.operation, "body"), "type", "object")
        return True
    if len(cells) != len(reading.columns):
        return False
    if all(re.fullmatch("-+", cell) for cell in cells):
        return True
    row = _request_row if reading.columns == _REQUEST else _endpoint_row
    return row(reading, *cells)


def _request_row(reading: _GuideReading, name: str, required: str, notes: str) -> bool:
    sheet = reading.sheet
    if not re.fullmatch(r"`\w+`", name) or required not in {"Yes", "No"}:
        return False
    place = Place(reading.operation.operation, "body").child(name.strip("`"))
    sheet.state(place, "required", required == "Yes")
    if found := re.match(r"One of ((?:`\w+`,? ?)+)", notes):
        for value in _code(found[1]):
            sheet.state(place, "value", value)
    if found := re.search(r"for example `([^`]+)`", notes):
        sheet.state(place, "shows", found[1])
    sheet.keep(facts_of_sentence(notes, place, sheet.number))
    return True


def _endpoint_row(reading: _GuideReading, method: str, path: str, _description: str) -> bool:
    found = re.fullmatch(r"`/api/v\d+(/[\w/{}-]+)(?:\?\S*)?`", path)
    if found is None or not method.isupper():
        return False
    reading.sheet.state(Place(f"{method} {found[1]}"), "is", "mention")
    return True


def _validation(reading: _GuideReading, line: str) -> bool:
    """A bullet on what is refused: the fields it begins with, and what they must be."""
    found = re.fullmatch(r"- (`\w+`(?: and `\w+`)*) (must be|are required|is required)(.*)", line)
    if found is None or reading.section != _VALIDATION:
        return False
    sheet, body = reading.sheet, Place(reading.asked.operation, "body")
    places = [body.child(name) for name in _code(found[1])]
    for place in places:
        sheet.keep(_rules(place, found[2], found[3], sheet.number))
    prefixes = re.search(r"must use ((?:`\w+_`(?: / )?)+)", found[3])
    for place, prefix in zip_longest(places, _code(prefixes[1])) if prefixes else ():
        if place is None or prefix is None:
            return False
        sheet.state(place, "prefix", prefix)
    sheet.keep(facts_of_sentence(line[2:], body, sheet.number))
    return True


def _rules(place: Place, verb: str, rule: str, line: int) -> Iterator[PageFact]:
    yield PageFact(Place(place.operation, "error"), "refuses", place.field, line)
    if verb.endswith("required"):
        yield PageFact(place, "required", value=True, line=line)
    elif rule.startswith(" exactly "):
        for value in _code(rule):
            yield PageFact(place, "value", value, line)
    elif rule.startswith(" a string"):
        yield PageFact(place, "type", "string", line)


def _prose(reading: _GuideReading, line: str) -> bool:
    sheet = reading.sheet
    text = line.removeprefix("- ")
    if not SENTENCE.fullmatch(text) or reading.section == _VALIDATION:
        return False
    place = reading.told
    sheet.keep(facts_of_sentence(text, place, sheet.number))
    if found := _UNTIL.search(text):
        status = Place(place.operation, "answer", found[1])
        for value in _code(found[2]):
            sheet.state(status, "value", value)
    return True


def _code(text: str) -> list[str]:
    return re.findall(r"`([^`]+)`", text)


_RULES = (_front_matter, _heading, _sample, _status, _table, _validation, _prose)
