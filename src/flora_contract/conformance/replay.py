"""The shortest sequence of requests that shows a finding, as a script for bash anybody can run.

Keys of accounts are variables of the environment. What an answer gave and a later request used (an
id, a cursor) is taken from the answer again, and a key that names a request is made anew, since an
old one may still count as used.
"""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from flora_contract.conformance.exchange import at

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flora_contract.conformance.exchange import Exchange
    from flora_contract.conformance.ledger import Ledger, ListPage
    from flora_contract.openapi.behaviour import Resource

PAUSE = 0.2
"""Pauses shorter than this, in seconds, are left out."""


def sequence(evidence: tuple[Exchange, ...], ledger: Ledger) -> list[Exchange]:
    """The evidence, before it whatever gave the ids and cursors that it uses, or used its key."""
    needed = {e.number: e for e in evidence}
    open_ends = list(evidence)
    while open_ends:
        for giver in _givers(open_ends.pop(), ledger):
            if giver.number not in needed:
                needed[giver.number] = giver
                open_ends.append(giver)
    return [needed[number] for number in sorted(needed)]


def _givers(exchange: Exchange, ledger: Ledger) -> list[Exchange]:
    """What gave the values that a request uses: ids in its path, a cursor, a used key."""
    found = [maker for _, _, maker in _makers(exchange, ledger)]
    key = exchange.key
    found += [c for c in ledger.creations if key and c.key == key]
    page = _giver_of_cursor(exchange, ledger.pages)
    if page is not None:
        found.append(page)
    return [giver for giver in found if giver.number < exchange.number]


def _makers(exchange: Exchange, ledger: Ledger) -> Iterator[tuple[str, Resource, Exchange]]:
    """Path parameters whose value a recorded request has made: name, kind and that request."""
    kind = exchange.operation.resource if exchange.operation is not None else None
    for name, member in kind.path.items() if kind is not None else ():
        reference = kind.references.get(member) if kind is not None else None
        target = ledger.behaviour.kind(reference.to) if reference is not None else kind
        id_ = exchange.path_parameters.get(name)
        instance = ledger.instances.get((target.kind, id_)) if target and id_ else None
        if instance is not None and target is not None and instance.creation is not None:
            yield name, target, instance.creation.exchange


def _giver_of_cursor(exchange: Exchange, pages: list[ListPage]) -> Exchange | None:
    """The page that gave the cursor of a request. Pages of other questions may give the same."""
    own = next((p for p in pages if p.exchange is exchange), None)
    cursor = _cursor(exchange)
    value = exchange.request.query.get(cursor or "")
    if cursor is None or value is None:
        return None
    gave = [
        p
        for p in pages
        if p.operation is exchange.operation
        and p.exchange.number < exchange.number
        and p.next == value[0]
    ]
    same = [p for p in gave if own is not None and p.question == own.question]
    return next((p.exchange for p in reversed(same or gave)), None)


def _cursor(exchange: Exchange) -> str | None:
    """The parameter of a list that takes a cursor."""
    listing = exchange.operation.listing if exchange.operation is not None else None
    return listing.cursor if listing is not None else None


def script(evidence: tuple[Exchange, ...], ledger: Ledger) -> str:
    """A shell script of curl commands; `jq` takes values out of answers where one is needed."""
    exchanges = sequence(evidence, ledger)
    givers = _givers_of_values(exchanges, ledger)
    given = dict(givers.values())
    names: dict[int | str, str] = {}
    lines: list[str] = []
    for position, exchange in enumerate(exchanges):
        following = exchanges[position + 1] if position + 1 < len(exchanges) else None
        beside = following is not None and following.started < exchange.ended
        places = {p: names[g] for (user, p), (g, _) in givers.items() if user == exchange.number}
        key = exchange.key
        if key is not None:
            if key not in names:
                names[key] = _new_name("KEY", names)
                lines.append(f'{names[key]}="replay-$(date +%s)-$$-{len(names)}"')
            places[_KEY] = names[key]
        command = curl(exchange, places)
        if exchange.number in given:
            kind, path = given[exchange.number]
            name = names[exchange.number] = _new_name(kind, names)
            command = f"{name}=$({command} | tee /dev/stderr | jq -r {path})"
        else:
            command = command.replace("curl -sS", r"curl -sSiw '\n'", 1) + (" &" if beside else "")
        lines.append(f"{command}  # {exchange.status or exchange.failure}")
        if following is not None and (pause := following.started - exchange.ended) >= PAUSE:
            lines.append(f"sleep {pause:.1f}")
    if any(" &  # " in line for line in lines):
        lines.append("wait")
    return "\n".join(lines) + "\n"


_KEY, _CURSOR = "the key", "the cursor"


def _new_name(kind: str, names: dict[int | str, str]) -> str:
    return f"{kind}_{sum(name.startswith(kind) for name in names.values()) + 1}"


def _givers_of_values(
    exchanges: list[Exchange], ledger: Ledger
) -> dict[tuple[int, str], tuple[int, tuple[str, str]]]:
    """By number of a request and place of a value in it: the exchange whose answer gave it, and
    what a variable for it is called and where in the answer it stands."""
    givers: dict[tuple[int, str], tuple[int, tuple[str, str]]] = {}
    numbers = {e.number for e in exchanges}
    pages = [p for p in ledger.pages if p.exchange in exchanges]
    for exchange in exchanges:
        for name, kind, maker in _makers(exchange, ledger):
            made_before = maker.number in numbers and maker.number < exchange.number
            if made_before and at(maker.answer, kind.id) is not None:
                taken = kind.kind.upper(), f".{kind.id}"
                givers[exchange.number, name] = maker.number, taken
        page = _giver_of_cursor(exchange, pages)
        listing = exchange.operation.listing if exchange.operation is not None else None
        if page is not None and listing is not None:
            givers[exchange.number, _CURSOR] = page.number, ("CURSOR", f"'.{listing.next}|@uri'")
    return givers


def curl(exchange: Exchange, places: dict[str, str] | None = None) -> str:
    """One exchange as a curl command. `places` (path parameters, the cursor, the key) hold the
    names of shell variables for values of the request."""
    request, places = exchange.request, places or {}
    stated = exchange.operation.idempotency if exchange.operation is not None else None
    parts = ["curl -sS"]
    if request.method != "GET":
        parts.append(f"-X {request.method}")
    parts.append(_url(exchange, places))
    if exchange.credential.header is not None:
        parts.append(f'-H "Authorization: {exchange.credential.header}"')
    for name, value in request.headers:
        title = "-".join(part.capitalize() for part in name.split("-"))
        names_it = stated is not None and name.lower() == stated.header.lower()
        parts.append("-H " + _word(f"{title}: ", places.get(_KEY) if names_it else None, value))
    if request.body:
        parts.append("--data-binary " + _body(request.body))
    return " ".join(parts)


def _url(exchange: Exchange, places: dict[str, str]) -> str:
    """The address as a shell word."""
    path, mark, query = exchange.request.url.partition("?")
    cursor = _cursor(exchange)
    pieces: list[tuple[str, str | None]] = []
    if exchange.operation is not None and set(places) & set(exchange.path_parameters):
        template = exchange.operation.endpoint.path.strip("/").split("/")
        *base, own = path.rsplit("/", len(template))[:1], path.split("/")[-len(template) :]
        pieces.append(("".join(base[0]), None))
        for name, segment in zip(template, own, strict=True):
            pieces += [("/", None), (segment, places.get(name.strip("{}")))]
    else:
        pieces.append((path, None))
    pieces.append((mark, None))
    for number, pair in enumerate(query.split("&") if mark else ()):
        name, equals, value = pair.partition("=")
        variable = places.get(_CURSOR) if name == cursor else None
        pieces += [("&" if number else "", None), (name + equals, None), (value, variable)]
    return _words(pieces)


def _word(before: str, variable: str | None, value: str) -> str:
    """A shell word around a value, or around the variable that holds it."""
    return _words([(before, None), (value, variable)])


def _words(pieces: list[tuple[str, str | None]]) -> str:
    """One shell word of texts, and of variables in place of others."""
    if all(variable is None for _, variable in pieces):
        return shlex.quote("".join(text for text, _ in pieces))
    joined = ["" if variable else text for text, variable in pieces]
    if not set("".join(joined)) & set('"$`\\!'):
        return '"' + "".join(f"${{{v}}}" if v else t for t, v in pieces) + '"'
    return "".join(f'"${{{v}}}"' if v else shlex.quote(t) if t else "" for t, v in pieces)


def _body(body: bytes) -> str:
    try:
        text = body.decode()
    except UnicodeDecodeError:
        text = ""
    if text and (text.isprintable() or "\n" in text):
        return shlex.quote(text)
    return "$'" + "".join(f"\\x{byte:02x}" for byte in body) + "'"
