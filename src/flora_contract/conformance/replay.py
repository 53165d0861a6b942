"""The shortest sequence of requests that shows a finding, as a script for bash anybody can run.

Keys are variables of the environment. What an answer gave and a later request used (a run's id,
a cursor) is taken from the answer again, and an Idempotency-Key is made anew, since an old one
counts as used for two hours.
"""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from flora_contract.conformance.contract import CREATE, LIST

if TYPE_CHECKING:
    from flora_contract.conformance.exchange import Exchange
    from flora_contract.conformance.ledger import Ledger, Page

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
    found = []
    run = ledger.runs.get(exchange.path_parameters.get("runId", ""))
    if run is not None and run.creation is not None:
        found.append(run.creation.exchange)
    key = exchange.request.header("Idempotency-Key")
    found += [c for c in ledger.creations if key and c.request.header("Idempotency-Key") == key]
    page = _giver_of_cursor(exchange, ledger.pages)
    if page is not None:
        found.append(page)
    return [giver for giver in found if giver.number < exchange.number]


def _giver_of_cursor(exchange: Exchange, pages: list[Page]) -> Exchange | None:
    """The page that gave the cursor of a request. Pages of other questions may give the same."""
    cursor = exchange.request.query.get("cursor")
    if exchange.operation != LIST or cursor is None:
        return None
    gave = [
        p.exchange
        for p in pages
        if p.exchange.number < exchange.number and p.next_cursor == cursor[0]
    ]
    same = [
        e
        for e in gave
        if e.credential == exchange.credential and e.request.question == exchange.request.question
    ]
    return next(reversed(same or gave), None)


def script(evidence: tuple[Exchange, ...], ledger: Ledger) -> str:
    """A shell script of curl commands; `jq` takes values out of answers where one is needed."""
    exchanges = sequence(evidence, ledger)
    givers = _givers_of_values(exchanges, [p for p in ledger.pages if p.exchange in exchanges])
    given = {giver: place for (_, place), giver in givers.items()}
    names: dict[int | str, str] = {}
    lines: list[str] = []
    for position, exchange in enumerate(exchanges):
        following = exchanges[position + 1] if position + 1 < len(exchanges) else None
        beside = following is not None and following.started < exchange.ended
        places = {p: names[g] for (user, p), g in givers.items() if user == exchange.number}
        key = exchange.request.header("Idempotency-Key")
        if key is not None:
            if key not in names:
                names[key] = _new_name("KEY", names)
                lines.append(f'{names[key]}="replay-$(date +%s)-$$-{len(names)}"')
            places["Idempotency-Key"] = names[key]
        command = curl(exchange, places)
        if exchange.number in given:
            kind, path = _GIVES[given[exchange.number]]
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


_GIVES = {"runId": ("RUN", ".run_id"), "cursor": ("CURSOR", "'.meta.next_cursor|@uri'")}


def _new_name(kind: str, names: dict[int | str, str]) -> str:
    return f"{kind}_{sum(name.startswith(kind) for name in names.values()) + 1}"


def _givers_of_values(exchanges: list[Exchange], pages: list[Page]) -> dict[tuple[int, str], int]:
    """By number of a request and place of a value in it: the exchange whose answer gave it."""
    givers: dict[tuple[int, str], int] = {}
    for exchange in exchanges:
        run_id = exchange.path_parameters.get("runId")
        started = [e for e in exchanges if e.operation in CREATE and e.number < exchange.number]
        run = next((e for e in started if run_id and e.answer_object.get("run_id") == run_id), None)
        if run is not None:
            givers[exchange.number, "runId"] = run.number
        page = _giver_of_cursor(exchange, pages)
        if page is not None:
            givers[exchange.number, "cursor"] = page.number
    return givers


def curl(exchange: Exchange, places: dict[str, str] | None = None) -> str:
    """One exchange as a curl command. `places` (runId, cursor, Idempotency-Key) hold the values of
    shell variables."""
    request, places = exchange.request, places or {}
    parts = ["curl -sS"]
    if request.method != "GET":
        parts.append(f"-X {request.method}")
    parts.append(_url(request.url, places))
    if exchange.credential.header is not None:
        parts.append(f'-H "Authorization: {exchange.credential.header}"')
    for name, value in request.headers:
        title = "-".join(part.capitalize() for part in name.split("-"))
        parts.append("-H " + _word(f"{title}: ", places.get(title), value))
    if request.body:
        parts.append("--data-binary " + _body(request.body))
    return " ".join(parts)


def _url(url: str, places: dict[str, str]) -> str:
    """The address as a shell word."""
    path, mark, query = url.partition("?")
    if "runId" in places:
        run_id = path.rstrip("/").rpartition("/")[2]
        before, _, after = path.rpartition(run_id)
        return _word(before, places["runId"], run_id, after + mark + query)
    if "cursor" in places:
        pairs = query.split("&")
        at = next(i for i, pair in enumerate(pairs) if pair.startswith("cursor="))
        before = "&".join([*pairs[:at], "cursor="])
        after = "".join(f"&{pair}" for pair in pairs[at + 1 :])
        return _word(path + mark + before, places["cursor"], pairs[at], after)
    return _word("", None, url)


def _word(before: str, variable: str | None, value: str, after: str = "") -> str:
    """A shell word around a value, or around the variable that holds it."""
    if variable is None:
        return shlex.quote(before + value + after)
    if not set(before + after) & set('"$`\\!'):
        return f'"{before}${{{variable}}}{after}"'
    return f'{shlex.quote(before)}"${{{variable}}}"{shlex.quote(after)}'


def _body(body: bytes) -> str:
    try:
        text = body.decode()
    except UnicodeDecodeError:
        text = ""
    if text and (text.isprintable() or "\n" in text):
        return shlex.quote(text)
    return "$'" + "".join(f"\\x{byte:02x}" for byte in body) + "'"
