"""Correct servers that take another choice wherever the statements leave one.

A trait is one such choice. A variant has one trait, or several that are drawn together.
"""

from __future__ import annotations

import gzip
import json
import random
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from world import MISSING, Answer, Request, World, drop, put, take

from flora_contract.openapi.schemas import types

if TYPE_CHECKING:
    from collections.abc import Callable

    from world import Case

    from flora_contract.openapi.behaviour import Behaviour


@dataclass(frozen=True)
class Trait:
    """What is decided otherwise at some points, or done around every request."""

    points: tuple[tuple[str, Callable[[str, Any, Case], Any]], ...] = ()
    around: Callable[[World, Request, Callable[[Request], Answer]], Answer] | None = None
    run_seconds: float | None = None


@dataclass(frozen=True)
class Variant:
    """A name, and its traits."""

    name: str
    traits: tuple[Trait, ...]

    def __call__(self, point: str, subject: str, value: Any, case: Case) -> Any:
        """What a server with these traits decides."""
        for trait in self.traits:
            for where, change in trait.points:
                if where == point:
                    value = change(subject, value, case)
        return value

    def handling(self, world: World) -> Callable[[Request], Answer]:
        """How the server answers."""
        handle: Callable[[Request], Answer] = world.handle
        for trait in self.traits:
            if trait.around is not None:
                handle = _around(trait.around, world, handle)
        return handle

    @property
    def options(self) -> dict[str, Any]:
        """What the server is made with."""
        given = [t.run_seconds for t in self.traits if t.run_seconds is not None]
        return {"run_seconds": given[-1]} if given else {}


def _around(around: Any, world: World, handle: Any) -> Callable[[Request], Answer]:
    return lambda request: around(world, request, handle)


def variant(behaviour: Behaviour, name: str) -> Variant:
    """The one with the traits that a name joins by `+`; `sound` has none."""
    known = traits(behaviour)
    return Variant(name, tuple(known[one] for one in name.split("+") if name != "sound"))


def variant_names(behaviour: Behaviour, seed: int = 0, drawn: int = 15) -> list[str]:
    """Each trait alone, and some of three together."""
    known = sorted(traits(behaviour))
    chance = random.Random(seed)
    together = ["+".join(sorted(chance.sample(known, 3))) for _ in range(drawn)]
    return [*known, *together]


def traits(behaviour: Behaviour) -> dict[str, Trait]:
    """Every choice that is left, by its name."""
    return {
        # What is shown
        "terse": Trait((("shows", _terse),)),
        "null-for-absent": Trait((("shows", _null_for_absent),)),
        "generous": Trait((("items", _generous), ("answers", _generous_answer))),
        "without-total": Trait((("counts", lambda _s, _v, _c: 0),), _without_total),
        "failures-are-free": Trait((("shows", _free_failure),)),
        "links-elsewhere": Trait((("shows", _link_elsewhere),)),
        "growth-in-parts": Trait((("shows", _in_parts),)),
        "growth-in-two-steps": Trait((("shows", _in_two_steps),)),
        "seconds": Trait((("shows", _times(lambda ms: ms // 1000)),)),
        "fractions-of-seconds": Trait((("shows", _times(lambda ms: ms / 1000)),)),
        "clock-behind": Trait((("shows", _times(lambda ms: ms - 7 * 3_600_000)),)),
        "clock-ahead": Trait((("shows", _times(lambda ms: ms + 7 * 3_600_000)),)),
        "long-ids": Trait((("names", lambda _s, id_, _c: f"{id_}-01-{'a' * 40}_Z"),)),
        "short-ids": Trait((("names", lambda _s, id_, c: f"{c.kind.prefix}{c.world.number}"),)),
        # Lives
        "quick": Trait(run_seconds=0.001),
        "slow-runs": Trait(run_seconds=0.8),
        "begins-at-work": Trait((("ages", lambda _s, age, c: age + 0.4 * c.world.run_seconds),)),
        # Lists
        "smaller-pages": Trait((("sizes", lambda _s, size, _c: max(1, size // 2)),)),
        "pages-of-seven": Trait((("sizes", _default_size),)),
        "size-capped": Trait((("breach", _size_capped), ("sizes", lambda _s, v, _c: min(v, 50)))),
        "full-page-leads-on": Trait((("pages", _remembered), ("leads", _full_leads_on))),
        "empty-pages": Trait(around=_empty_pages),
        "empty-cursor": Trait((("leads", lambda _s, v, _c: v or ""),)),
        "other-order": Trait((("orders", _other_order),)),
        # Errors and refusals
        "other-status": Trait((("error", _other_status),)),
        "other-code": Trait((("error", _other_code),)),
        "other-words": Trait((("error", _other_words),)),
        "fields-with-place": Trait((("error", _fields_with_place),)),
        "prompt-refusals": Trait((("refuses", _refused_words),)),
        "short-keys": Trait((("refuses", _short_keys),)),
        "other-repetition": Trait((("repetition", _other_repetition),)),
        "rate-limited": Trait(around=_limited("1")),
        # Answers as such
        "members-reversed": Trait((("answers", _reversed),)),
        "spaced": Trait((("answers", _spaced),)),
        "charset": Trait(
            (("answers", _header("content-type", "application/json; charset=utf-8")),)
        ),
        "compressed": Trait(around=_compressed),
        "closing": Trait((("answers", _header("connection", "close")),)),
        "cookies": Trait((("answers", _header("set-cookie", "session=1; Path=/")),)),
        "cached-by-etag": Trait((("answers", _header("etag", 'W/"1"')),)),
        "slow": Trait((("answers", _slow),)),
        "slashes-redirect": Trait(around=_slashes_redirect),
    }


# What is shown


def _terse(subject: str, value: Any, case: Case) -> Any:
    """What may be left out, is."""
    path, kind = subject.partition(".")[2], case.kind
    needed = {kind.id, *kind.aliases, kind.created, *(s for s in kind.shows.values() if s)}
    if kind.life is not None:
        needed |= {p.member for p in kind.life.members.values() if p.required}
        needed |= {kind.life.state}
    if case.operation.listing is not None:
        needed |= {kind.link}
    outer = path.partition(".")[0].partition("[]")[0]
    plain = outer == path and not case.operation.items[path].required
    return MISSING if plain and path not in needed else value


def _null_for_absent(subject: str, value: Any, case: Case) -> Any:
    path = subject.partition(".")[2]
    if value is not MISSING or "." in path or "[]" in path:
        return value
    kinds = types(case.world.document, case.operation.items[path].schema)
    return None if "null" in kinds else value


def _generous(_: str, shown: Any, __: Case) -> Any:
    return {**shown, "trace": {"id": "t"}, "labels": ["new"]}


def _generous_answer(_: str, answer: Answer, __: Case) -> Answer:
    if isinstance(answer.body, dict):
        answer.body["request_id"] = "req_1"
    answer.headers |= {"vary": "Accept", "x-request-id": "req_1"}
    return answer


def _without_total(world: World, request: Request, handle: Any) -> Answer:
    answer: Answer = handle(request)
    for operation in world.behaviour.operations.values():
        listing = operation.listing
        if listing is not None and listing.total is not None:
            members = operation.endpoint.answer_members(operation.endpoint.success)
            if not members[listing.total].required:
                drop(answer.body, listing.total)
            elif take(answer.body, listing.total) == 0:
                put(answer.body, listing.total, 1000)
    return answer


def _free_failure(subject: str, value: Any, case: Case) -> Any:
    kind, thing = case.kind, case.thing
    if kind.life is None or thing is None or not subject.endswith(f".{kind.cost}"):
        return value
    return 0 if case.world.state(thing, case)[0] in kind.life.failed else value


def _link_elsewhere(subject: str, value: Any, case: Case) -> Any:
    if not subject.endswith(f".{case.kind.link}") or not isinstance(value, str):
        return value
    return value.replace(case.host, "localhost:1")


def _in_parts(subject: str, value: Any, case: Case) -> Any:
    life = case.kind.life
    grows = life is not None and subject.endswith(f".{life.grows}")
    return value / 100 if grows and isinstance(value, int) else value


def _in_two_steps(subject: str, value: Any, case: Case) -> Any:
    life = case.kind.life
    grows = life is not None and subject.endswith(f".{life.grows}")
    return value // 50 * 50 if grows and isinstance(value, int) else value


def _times(change: Callable[[int], float]) -> Callable[[str, Any, Case], Any]:
    def changed(subject: str, value: Any, case: Case) -> Any:
        kind = case.kind
        times = {kind.created, kind.updated, *(kind.life.times if kind.life is not None else ())}
        member = subject.partition(".")[2]
        if member not in times or not isinstance(value, int):
            return value
        allowed = types(case.world.document, case.operation.items[member].schema)
        made = change(value)
        return made if "number" in allowed else int(made)

    return changed


# Lists


def _default_size(_: str, size: int, case: Case) -> int:
    listing = case.operation.listing
    return size if listing is not None and listing.size in case.query else 7


def _size_capped(subject: str, value: bool, case: Case) -> bool:
    listing = case.operation.listing
    capped = listing is not None and subject.endswith(f".{listing.size}.maximum")
    return False if capped else value


def _remembered(_: str, shown: Any, case: Case) -> Any:
    case.world.memory["shown"] = shown
    return shown


def _full_leads_on(_: str, cursor: Any, case: Case) -> Any:
    """A server that does not look ahead: a full last page leads to an empty one."""
    listing, memory = case.operation.listing, case.world.memory
    assert listing is not None
    if cursor is None and listing.size in case.query and memory.get("shown"):
        size, shown = case.query[listing.size], memory["shown"]
        if size == len(shown) > 0:
            return case.world._cursor(case.operation.id, shown[-1].number)
    return cursor


def _empty_pages(world: World, request: Request, handle: Any) -> Answer:
    """Before each page but the first comes an empty one, with a cursor that leads to it."""
    from urllib.parse import parse_qsl, urlencode

    endpoint, _ = world.behaviour.contract.match(request.method, request.path)
    listing = world.behaviour.of(endpoint.id).listing if endpoint is not None else None
    asked = dict(parse_qsl(request.query, keep_blank_values=True))
    cursor = asked.get(listing.cursor) if listing is not None and listing.cursor else None
    if listing is None or cursor is None:
        return handle(request)  # type: ignore[no-any-return]
    through = cursor.startswith("on.")
    query = urlencode({**asked, str(listing.cursor): cursor.removeprefix("on.")})
    answer: Answer = handle(Request(**{**vars(request), "query": query}))
    if not through and answer.status < 300 and listing.next is not None:
        put(answer.body, listing.items, [])
        put(answer.body, listing.next, f"on.{cursor}")
    return answer


def _other_order(_: str, things: Any, case: Case) -> Any:
    listing = case.operation.listing
    unordered = listing is not None and listing.order is None and not listing.paged
    return things[::-1] if unordered else things


# Errors and refusals


def _other_status(subject: str, answer: Answer, case: Case) -> Answer:
    refusal = case.operation.refusals.get(subject.rpartition(".")[2])  # type: ignore[call-overload]
    if refusal is None or not refusal.also:
        return answer
    answer.status = refusal.also[0]
    stated = [r for r in case.operation.refusals.values() if r.status == answer.status]
    path = case.world.behaviour.errors.code
    if stated and stated[0].code is not None and path is not None:
        put(answer.body, path, stated[0].code)
    return answer


def _other_code(_: str, answer: Answer, case: Case) -> Answer:
    errors = case.world.behaviour.errors
    codes = errors.codes.get(answer.status, ())
    if answer.status == 401 and errors.code is not None and codes:
        put(answer.body, errors.code, codes[-1])
    return answer


def _other_words(_: str, answer: Answer, case: Case) -> Answer:
    errors = case.world.behaviour.errors
    if errors.message is not None:
        put(answer.body, errors.message, "Das ging nicht.")
    return answer


def _fields_with_place(_: str, answer: Answer, case: Case) -> Answer:
    errors = case.world.behaviour.errors
    fields = take(answer.body, errors.fields) if errors.fields is not None else None
    for field in fields if isinstance(fields, list) else ():
        field[errors.field_name] = f"body.{field[errors.field_name]}"
        field["code"] = "invalid"
    return answer


def _refused_words(subject: str, met: Any, case: Case) -> Any:
    """A server that does not take every text: none that is blank, or has odd characters."""
    invalid = case.operation.refusals.get("invalid")
    if met or not subject.endswith(".invalid") or invalid is None:
        return met
    for name, value in case.sent.items():
        if isinstance(value, str) and (not value.strip(" \t\n\0") or not value.isprintable()):
            return invalid, name
    return met


def _short_keys(subject: str, met: Any, case: Case) -> Any:
    invalid = case.operation.refusals.get("invalid")
    long = case.key is not None and len(case.key) > 100
    return (invalid,) if long and subject.endswith(".invalid") and invalid is not None else met


def _other_repetition(_: str, value: Any, case: Case) -> Any:
    rule = case.operation.idempotency
    return rule.tolerated[0] if rule is not None and rule.tolerated else value


def _limited(seconds: str) -> Callable[[World, Request, Any], Answer]:
    def around(world: World, request: Request, handle: Any) -> Answer:
        count = world.memory["count"] = world.memory.get("count", 0) + 1
        errors = world.behaviour.errors
        if count % 90 == 0:
            headers = {errors.retry_after or "Retry-After": seconds}
            headers["content-type"] = "application/json"
            return Answer(429, world.envelope("rate_limited", "Too many."), headers)
        return handle(request)  # type: ignore[no-any-return]

    return around


# Answers as such


def _header(name: str, value: str) -> Callable[[str, Answer, Case], Answer]:
    def changed(_: str, answer: Answer, __: Case) -> Answer:
        if answer.body is not None:
            answer.headers[name] = value
        return answer

    return changed


def _reversed(_: str, answer: Answer, __: Case) -> Answer:
    def turned(value: Any) -> Any:
        if isinstance(value, dict):
            return {k: turned(value[k]) for k in reversed(value)}
        return [turned(v) for v in value] if isinstance(value, list) else value

    answer.body = turned(answer.body)
    return answer


def _spaced(_: str, answer: Answer, __: Case) -> Answer:
    if answer.body is not None:
        answer.raw = json.dumps(answer.body, indent=4).encode() + b"\n"
    return answer


def _compressed(_: World, request: Request, handle: Any) -> Answer:
    answer: Answer = handle(request)
    if "gzip" in request.headers.get("accept-encoding", "") and answer.body is not None:
        answer.raw = gzip.compress(answer.content)
        answer.headers["content-encoding"] = "gzip"
    return answer


def _slow(_: str, answer: Answer, __: Case) -> Answer:
    answer.manner = "slow"
    return answer


def _slashes_redirect(_: World, request: Request, handle: Any) -> Answer:
    if request.path.endswith("/"):
        return Answer(308, None, {"location": request.path.rstrip("/")})
    return handle(request)  # type: ignore[no-any-return]
