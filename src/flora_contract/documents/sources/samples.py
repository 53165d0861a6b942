"""Facts that samples state: JSON bodies and curl commands."""

from __future__ import annotations

import json
import re
import shlex
from typing import TYPE_CHECKING, Any

import yaml

from flora_contract.documents.facts.fact import PageFact, Place

if TYPE_CHECKING:
    from collections.abc import Iterator

_ID = re.compile(r"([a-z]+)_(?=\w*\d)\w+")
_URL = re.compile(r"(https?://[^/\s]+/api/v\d+)(/[^?\s]*)")


class SampleError(ValueError):
    """A sample that cannot be read; the message says why."""


def json_length(lines: list[str]) -> int:
    """How many of the lines the JSON value takes that begins with the first of them.

    Raises SampleError when it is not JSON, or does not end at the end of a line.
    """
    text = "\n".join(lines)
    try:
        _, end = json.JSONDecoder().raw_decode(text)
    except json.JSONDecodeError as error:
        cut = error.pos >= len(text.rstrip()) or error.msg.startswith("Unterminated")
        raise SampleError("it does not end" if cut else f"not JSON: {error.msg}") from None
    rest = text[end:].split("\n", 1)[0]
    if rest.strip():
        raise SampleError(f"after the JSON stands {rest.strip()!r}")
    return text.count("\n", 0, end) + 1


def facts_of_json(text: str, place: Place, line: int) -> Iterator[PageFact]:
    """A JSON text whose first line is `line`: the sample, and what it shows at each field."""
    yield PageFact(place, "sample", json.dumps(json.loads(text)), line)
    # JSON is YAML, and the YAML reader tells lines.
    root = yaml.compose(text, Loader=yaml.CSafeLoader)
    assert root is not None
    yield from _shown(root, place, line)


def _shown(node: yaml.Node, place: Place, line: int) -> Iterator[PageFact]:
    at = line + node.start_mark.line
    if isinstance(node, yaml.MappingNode):
        yield PageFact(place, "shows", "{}", at)
        for key, value in node.value:
            yield from _shown(value, place.child(key.value), line)
    elif isinstance(node, yaml.SequenceNode):
        yield PageFact(place, "shows", "[]", at)
        for item in node.value:
            yield from _shown(item, place.items(), line)
    elif isinstance(node, yaml.ScalarNode):
        text = json.dumps(node.value) if node.style == '"' else node.value
        yield PageFact(place, "shows", json.loads(text), at)


def curl_length(lines: list[str]) -> int:
    """How many of the lines the command takes. Raises SampleError when its end is missing."""
    for count in range(1, len(lines) + 1):
        if lines[count - 1].endswith("\\"):
            continue
        try:
            shlex.split("\n".join(lines[:count]))
        except ValueError:
            continue
        return count
    raise SampleError("the command does not end")


def facts_of_curl(text: str, line: int) -> tuple[Place, list[PageFact]]:
    """The operation that a curl command calls, and what it states.

    Raises SampleError when the command cannot be read.
    """
    words = shlex.split(text.replace("\\\n", " "))
    method, url, body, headers = _arguments(words[1:])
    found = _URL.fullmatch(url)
    if found is None:
        raise SampleError(f"the URL {url!r} has no /api/vN in it")
    path = "/".join(_segment(part) for part in found[2].split("/"))
    operation = Place(f"{method or ('GET' if body is None else 'POST')} {path}")
    facts = [
        PageFact(operation, "is", "operation", line),
        PageFact(Place("API", "server"), "url", found[1], line),
    ]
    for name, value in headers:
        facts += _header(operation, name, value, line)
    if body is not None:
        at = line + text[: text.index(body)].count("\n")
        try:
            facts += facts_of_json(body, Place(operation.operation, "body"), at)
        except json.JSONDecodeError as error:
            raise SampleError(f"its body is not JSON: {error.msg}") from None
    return operation, facts


def _arguments(words: list[str]) -> tuple[str, str, str | None, list[tuple[str, str]]]:
    method, url, body = "", "", None
    headers: list[tuple[str, str]] = []
    rest = iter(words)
    for word in rest:
        if word == "-X":
            method = next(rest, "")
        elif word == "-H":
            name, _, value = next(rest, "").partition(": ")
            headers.append((name, value))
        elif word in {"-d", "--data"}:
            body = next(rest, "")
        elif word.startswith("-"):
            raise SampleError(f"the option {word} of curl is not known here")
        else:
            url = word
    return method, url, body, headers


def _segment(part: str) -> str:
    """A part of a path as a template has it: `run_abc123` is an id, and stands for `{runId}`."""
    found = _ID.fullmatch(part)
    return f"{{{found[1]}Id}}" if found is not None else part


def _header(operation: Place, name: str, value: str, line: int) -> list[PageFact]:
    if name == "Authorization" and value.startswith("Bearer "):
        return [PageFact(Place("API", "security"), "scheme", "bearer", line)]
    if name == "Content-Type":
        return [PageFact(Place(operation.operation, "body"), "media", value, line)]
    return [PageFact(Place(operation.operation, "header", name), "is", "parameter", line)]


def is_error(body: Any) -> bool:
    """Whether a sample is an error answer: they have one key, `error`."""
    return isinstance(body, dict) and list(body) == ["error"]
