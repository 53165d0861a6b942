"""An answer to what a caller gets: a typed value, or the error that fits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flora_runtime.codec import parse_json
from flora_runtime.errors import (
    APIError,
    FieldError,
    class_of_status,
)
from flora_runtime.paths import at_path, is_array, is_object, one_line, text_at
from flora_runtime.retry import retry_after

if TYPE_CHECKING:
    from flora_runtime.exchange import Answer
    from flora_runtime.operation import Profile


_TOLD = {"true": True, "false": False}


def request_id(answer: Answer, profile: Profile) -> str | None:
    """What the API calls this exchange in its logs."""
    header = profile.request_id_header
    value = answer.headers.get(header) if header is not None else None
    return one_line(value, 100) if value is not None else None


def error_of(answer: Answer, profile: Profile) -> APIError:
    """The error that an answer without success is."""
    body = _body(answer)
    code = _line_at(body, profile.error_code)
    message = _line_at(body, profile.error_message) or _without_envelope(answer)
    kind = class_of_status(answer.status_code)
    special = profile.error_classes.get(code or "")
    if special is not None and issubclass(special, kind):
        kind = special
    return kind(
        status_code=answer.status_code,
        code=code,
        message=message,
        fields=_fields(at_path(body, profile.error_fields), profile),
        request_id=request_id(answer, profile),
        body=body,
        retry_after=retry_after(answer.headers),
        should_retry=_TOLD.get(answer.headers.get("x-should-retry", "").lower()),
    )


def data_of(answer: Answer) -> Any:
    """The data of an answer; None where it has no body. Raises ValueError where it is no JSON."""
    return parse_json(answer.body) if answer.body.strip() else None


def text_of(answer: Answer) -> str:
    """The body of an answer as text, whatever it is."""
    return answer.body.decode("utf-8", "replace")


def _line_at(body: Any, path: str | None) -> str | None:
    text = text_at(body, path)
    return (one_line(text) or None) if text is not None else None


def _body(answer: Answer) -> Any:
    try:
        return parse_json(answer.body)
    except ValueError:
        return text_of(answer)


def _without_envelope(answer: Answer) -> str:
    if 300 <= answer.status_code < 400:
        return "the API redirects, and a key does not follow: set base_url to where it leads"
    kind = answer.headers.get("content-type", "nothing").partition(";")[0]
    return f"the answer is not the API's own error ({one_line(kind, 50)})"


def _fields(listed: Any, profile: Profile) -> list[FieldError]:
    if not is_array(listed):
        return []
    name, message = profile.error_field
    return [
        FieldError(str(item.get(name, "")), str(item.get(message, "")))
        for item in listed
        if is_object(item)
    ]
