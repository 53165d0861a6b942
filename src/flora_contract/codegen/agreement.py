"""Whether hints agree with the document: each names operations, arguments and members of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from attrs import evolve

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from flora_contract.codegen.views import ClientView, MethodView

_OF_ANSWER = {
    "starts": ("id", "cost", "estimate", "poll-url"),
    "polling": ("id", "status", "progress", "cost", "error-code", "error-message"),
    "files": ("items",),
}
"""Hints of an operation, and which of their words name members of its answer."""


def agreed(client: ClientView) -> tuple[ClientView, list[str]]:
    """The client without hints that lead to no operation, and what of all hints names nothing."""
    client, warnings = _without_dead_ends(client)
    warnings += [warning for method in client.methods for warning in _astray(client, method)]
    return client, warnings


def _without_dead_ends(client: ClientView) -> tuple[ClientView, list[str]]:
    methods = {method.operation_id: method for method in client.methods}
    warnings: list[str] = []

    def led(method: MethodView) -> MethodView:
        recovery, starts = method.recovery, method.starts
        if recovery and not _has(methods.get(recovery["history"]), "paging"):
            warnings.append(_told(method, "x-recovery", recovery["history"], "x-paging"))
            method = evolve(method, recovery=None)
        if starts and starts.get("poll") and not _has(methods.get(starts["poll"]), "polling"):
            warnings.append(_told(method, "x-starts", starts["poll"], "x-polling"))
            method = evolve(method, starts={**starts, "poll": None})
        return method

    resources = [evolve(r, methods=[led(m) for m in r.methods]) for r in client.resources]
    return evolve(client, resources=resources), warnings


def _has(method: MethodView | None, hint: str) -> bool:
    return method is not None and getattr(method, hint) is not None


def _told(method: MethodView, hint: str, operation: str, other: str) -> str:
    place = f"{method.http_method} {method.path}"
    return f"{place}: {hint} names {operation!r}, which is no operation with {other}"


def _astray(client: ClientView, method: MethodView) -> Iterator[str]:
    """Words of a method's hints that name no argument, and no member of an answer."""
    arguments = {argument.wire for argument in method.arguments}
    for attribute, words in _OF_ANSWER.items():
        hint = getattr(method, attribute) or {}
        named = [hint[word] for word in words if hint.get(word)]
        yield from _missing(method, f"x-{attribute}", named, client.members(method.result))
    for attribute in ("polling", "paging"):
        hint = getattr(method, attribute)
        if hint:
            yield from _missing(method, f"x-{attribute}", [hint["argument"]], arguments)
    if method.recovery:
        yield from _recovery_astray(client, method, method.recovery, arguments)


def _recovery_astray(
    client: ClientView, method: MethodView, recovery: dict[str, Any], arguments: set[str]
) -> Iterator[str]:
    history = next(m for m in client.methods if m.operation_id == recovery["history"])
    places = {**recovery["scope"], **recovery["match"]}
    yield from _missing(method, "x-recovery", places, arguments)
    yield from _missing(
        method, "x-recovery", recovery["scope"], {argument.wire for argument in history.arguments}
    )
    members = [recovery["id"], recovery["created"], *places.values()]
    heads = [str(member).partition(".")[0] for member in members]
    yield from _missing(method, "x-recovery", heads, client.members(history.result))


def _missing(
    method: MethodView, hint: str, named: Iterable[str], there: set[str] | None
) -> Iterator[str]:
    for name in dict.fromkeys(named):
        if there is not None and name not in there:
            yield f"{method.http_method} {method.path}: {hint} names {name!r}, which is not there"
