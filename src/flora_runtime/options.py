"""What a call may be given beside its arguments."""

from __future__ import annotations

import os
from decimal import Decimal, InvalidOperation
from inspect import iscoroutinefunction
from typing import TYPE_CHECKING, Any, TypeGuard, cast

from attrs import evolve, field, frozen

from flora_runtime.errors import InvalidArgumentError
from flora_runtime.operation import OPTION_NAMES
from flora_runtime.paths import is_object
from flora_runtime.request import checked_headers

if TYPE_CHECKING:
    from collections.abc import Mapping


@frozen
class Options:
    """What a call may set beside its arguments; None stands for the client's own."""

    timeout: float | None = None
    max_retries: int | None = None
    idempotency_key: str | None = None
    expected_cost: Decimal | float | str | None = None
    extra_headers: Mapping[str, str] = field(factory=dict[str, str])
    extra_query: Mapping[str, Any] = field(factory=dict[str, Any])
    extra_body: Mapping[str, Any] = field(factory=dict[str, Any])
    deadline: float | None = None
    """Of the monotonic clock: nothing of the call goes on beyond it."""
    stream: bool = False
    """Whether the body of a success is read by whoever called."""


@frozen
class Limits:
    """How much a download may take."""

    timeout: float = 300.0
    """Seconds for each attempt at a file."""
    max_bytes: int = 2 * 1024**3
    """Of each file."""
    max_retries: int = 2
    max_concurrency: int = 4
    overwrite: bool = False
    """Whether a file that is there gives way."""

    def __attrs_post_init__(self) -> None:
        checked_seconds(self.timeout, "timeout")
        checked_count(self.max_bytes, "max_bytes")
        checked_count(self.max_retries, "max_retries")
        checked_count(self.max_concurrency, "max_concurrency", 1)
        checked_flag(self.overwrite, "overwrite")


_NONE = Options()


def options_of(key_header: str | None, given: Mapping[str, Any]) -> Options:
    """What a call was given. Raises InvalidArgumentError, and TypeError for an unknown name.

    An idempotency key that comes as a header is the key of the call, not a second one.
    """
    if not given:
        return _NONE
    unknown = sorted(given.keys() - OPTION_NAMES)
    if unknown:
        raise TypeError(f"no option {unknown[0]!r}; there are {', '.join(sorted(OPTION_NAMES))}")
    options = Options(**{name: value for name, value in given.items() if value is not None})
    _check(options)
    if key_header is not None:
        return _keyed(options, key_header)
    if options.idempotency_key is not None:
        raise TypeError("this call takes no idempotency_key")
    return options


def _keyed(options: Options, key_header: str) -> Options:
    key, rest = options.idempotency_key, {}
    for name, value in options.extra_headers.items():
        if name.lower() != key_header.lower():
            rest[name] = value
        elif key is None:
            key = value
    if key is not None:
        _check_key(key_header, key)
    return evolve(options, extra_headers=rest, idempotency_key=key)


def _check(options: Options) -> None:
    if options.timeout is not None:
        checked_seconds(options.timeout, "timeout")
    if options.max_retries is not None:
        checked_count(options.max_retries, "max_retries")
    if options.expected_cost is not None:
        amount(options.expected_cost, "expected_cost")
    for name in ("extra_headers", "extra_query", "extra_body"):
        checked_names(getattr(options, name), name)


def checked_names(given: Mapping[Any, Any], name: str) -> Mapping[str, Any]:
    """Values by their names. Raises InvalidArgumentError."""
    if not is_object(given) or not all(isinstance(key, str) for key in cast("Any", given)):
        raise InvalidArgumentError(f"{name} must be a dictionary whose keys are strings")
    return given


def _check_key(header: str, key: object) -> None:
    if not isinstance(key, str) or not key.strip():
        raise InvalidArgumentError("idempotency_key must be a string that is not empty")
    checked_headers({header: key})


def checked_seconds(given: object, name: str, *, above: float = 0.0) -> float:
    """Raises InvalidArgumentError."""
    if not is_number(given) or not above < given < float("inf"):
        raise InvalidArgumentError(f"{name} must be a number of seconds{' above 0' * (not above)}")
    return given


def checked_count(given: object, name: str, least: int = 0) -> int:
    """Raises InvalidArgumentError."""
    if not isinstance(given, int) or isinstance(given, bool) or given < least:
        raise InvalidArgumentError(f"{name} must be a whole number of {least} or more")
    return given


def checked_flag(given: object, name: str) -> bool:
    """Raises InvalidArgumentError."""
    if not isinstance(given, bool):
        raise InvalidArgumentError(f"{name} must be True or False")
    return given


def checked_path(given: object, name: str) -> str | os.PathLike[str]:
    """Raises InvalidArgumentError."""
    if not isinstance(given, str | os.PathLike):
        raise InvalidArgumentError(f"{name} must be a path")
    return cast("str | os.PathLike[str]", given)


def checked_function(given: object, name: str, *, blocking: bool) -> None:
    """Raises InvalidArgumentError, for an asynchronous one too where nothing awaits it."""
    if not callable(given):
        raise InvalidArgumentError(f"{name} must be a function")
    called = getattr(given, "__call__", None)  # noqa: B004  its code, not whether
    if blocking and (iscoroutinefunction(given) or iscoroutinefunction(called)):
        raise InvalidArgumentError(f"{name} is asynchronous, and nothing here awaits it")


def amount(given: object, name: str) -> Decimal:
    """An amount of money. Raises InvalidArgumentError."""
    try:
        number = Decimal(-1) if isinstance(given, bool) else Decimal(str(given))
    except InvalidOperation:
        number = Decimal(-1)
    if not number.is_finite() or number < 0:
        raise InvalidArgumentError(f"{name} must be a number of 0 or more")
    return number


def is_number(value: object) -> TypeGuard[int | float]:
    """Whether a value is one, and not only counts as one."""
    return isinstance(value, int | float) and not isinstance(value, bool)
