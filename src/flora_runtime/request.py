"""Arguments to a request: refused where they cannot be right, then encoded."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, quote

from attrs import frozen

from flora_runtime.bodies import as_query, as_text, encoded
from flora_runtime.errors import InvalidArgumentError
from flora_runtime.model import plain
from flora_runtime.paths import is_object
from flora_runtime.unset import UNSET

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flora_runtime.operation import Operation, Parameter


@frozen
class Draft:
    """A request before the server, the key and the deadline are added."""

    name: str
    """Of what is done, for people."""
    method: str
    path: str
    """With its query. Begins with a slash, or is a whole URL on the same server."""
    headers: Mapping[str, str]
    body: bytes | None
    media: str = "application/json"
    """Of the body."""

    @property
    def fingerprint(self) -> str:
        """The same for requests that ask for the same."""
        import hashlib  # slow to load, and needed by creates only

        content = self.body or b""
        if "json" in self.media:
            content = json.dumps(json.loads(content or b"null"), sort_keys=True).encode()
        return hashlib.sha256(f"{self.method} {self.path} ".encode() + content).hexdigest()


def draft(
    operation: Operation[Any],
    arguments: Mapping[str, Any],
    headers: Mapping[str, str],
    usual: Mapping[str, Any],
    query: Mapping[str, Any],
    body: Mapping[str, Any],
    trusted: str | None = None,
) -> Draft:
    """The request of an operation. Raises InvalidArgumentError, unless for a trusted argument."""
    path = operation.path
    all_query: dict[str, Any] = {}
    all_headers = dict(headers)
    fields: dict[str, Any] = {}
    content: Any = UNSET
    for parameter in operation.parameters:
        value = arguments.get(parameter.name, UNSET)
        if value is UNSET and parameter.required and parameter.wire not in body:
            raise _refused(parameter, "is needed")
        if value is UNSET or (value is None and not parameter.nullable and not parameter.required):
            continue
        if parameter.name != trusted:
            _check(parameter, value)
        if parameter.place == "path":
            path = path.replace(f"{{{parameter.wire}}}", _segment(parameter.name, value))
        elif parameter.place == "query":
            all_query[parameter.wire] = value
        elif parameter.place == "header":
            all_headers[parameter.wire] = as_text(value)
        elif parameter.place == "field":
            fields[parameter.wire] = value
        else:
            content = value
    content = _whole(content, {**fields, **body})
    sent, media = (None, "") if content is UNSET else encoded(operation.media, content)
    return Draft(
        name=operation.name,
        method=operation.method,
        path=with_query(path, usual, {**all_query, **query}),
        headers=checked_headers(all_headers),
        body=sent,
        media=media,
    )


def _whole(content: Any, members: Mapping[str, Any]) -> Any:
    """A body that was given as one, with more members."""
    if content is UNSET or not members:
        return members or content
    content = plain(content)
    if not is_object(content):
        raise InvalidArgumentError("extra_body: the body of this call is not an object")
    return {**content, **members}


def _check(parameter: Parameter, value: Any) -> None:
    if value is None and not parameter.nullable:
        raise _refused(parameter, "is needed")
    if isinstance(value, str):
        if len(value) < parameter.min_length:
            raise _refused(parameter, "must not be empty" if not value else "is too short")
        if parameter.pattern and not re.search(parameter.pattern, value):
            raise _refused(parameter, _expectation(parameter.pattern))
        for refusal in parameter.refuses:
            if re.search(refusal.pattern, value):
                raise InvalidArgumentError(f"{parameter.name}: {refusal.remedy}")
    elif parameter.pattern or parameter.min_length:
        raise _refused(parameter, "must be a string")


def _expectation(pattern: str) -> str:
    prefix = re.fullmatch(r"\^([\w-]+)", pattern)
    return f"must start with {prefix[1]}" if prefix else f"must match {pattern}"


def _refused(parameter: Parameter, problem: str) -> InvalidArgumentError:
    remedy = f"; {parameter.remedy}" if parameter.remedy else ""
    return InvalidArgumentError(f"{parameter.name} {problem}{remedy}")


def _segment(name: str, value: Any) -> str:
    text = as_text(value)
    if text in {"", ".", ".."}:
        raise InvalidArgumentError(f"{name} cannot be {text!r}: it would name another path")
    return quote(text, safe="")


def with_query(path: str, usual: Mapping[str, Any], query: Mapping[str, Any]) -> str:
    """A path, which may have a query of its own, with more of it: each name counts once, what is
    usual the least. None is left out, a list repeats its name."""
    path, _, own = path.partition("?")
    whole = as_query({**usual, **parse_qs(own, keep_blank_values=True), **query})
    return f"{path}?{whole}" if whole else path


def checked_headers(headers: Mapping[str, Any]) -> dict[str, str]:
    """The same headers, their names in lower case. Raises InvalidArgumentError for one that could
    not be sent as it is."""
    for name, value in headers.items():
        if not re.fullmatch(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", name):
            raise InvalidArgumentError(
                "the name of a header contains a character that is not allowed"
            )
        if not isinstance(value, str) or not all(c == "\t" or " " <= c <= "~" for c in value):
            raise InvalidArgumentError(
                f"header {name}: the value must be a string of printable ASCII characters"
            )
    return {name.lower(): value for name, value in headers.items()}
