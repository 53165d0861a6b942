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
    from flora_contract.conformance.ledger import Ledger

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
    cursor = exchange.request.query.get("cursor", [None])[0]
    if exchange.operation == LIST and cursor is not None:
        page = next((p for p in ledger.pages if p.next_cursor == cursor), None)
        if page is not None:
            found.append(page.exchange)
    return [giver for giver in found if giver.number < exchange.number]


def script(evidence: tuple[Exchange, ...], ledger: Ledger) -> str:
    """A shell script of curl commands; `jq` takes values out of answers where one is needed."""
    exchanges = sequence(evidence, ledger)
    used_later = _values_used_later(exchanges)
    variables: dict[str, str] = {}
    lines: list[str] = []
    for position, exchange in enumerate(exchanges):
        following = exchanges[position + 1] if position + 1 < len(exchanges) else None
        beside = following is not None and following.started < exchange.ended
        key = exchange.request.header("Idempotency-Key")
        if key is not None and key not in variables:
            name = _new_name("KEY", variables)
            lines.append(f'{name}="replay-$(date +%s)-$$-{len(variables)}"')
            variables[key] = name
        command = curl(exchange, variables)
        value = used_later.get(exchange.number)
        if value is not None:
            kind, path = _GIVES[exchange.operation in CREATE]
            name = _new_name(kind, variables)
            variables[value] = name
            command = f"{name}=$({command} | jq -r {path})"
        else:
            command = command.replace("curl -sS", r"curl -sSiw '\n'", 1) + (" &" if beside else "")
        lines.append(f"{command}  # {exchange.status or exchange.failure}")
        if following is not None and (pause := following.started - exchange.ended) >= PAUSE:
            lines.append(f"sleep {pause:.1f}")
    if any(" &  # " in line for line in lines):
        lines.append("wait")
    return "\n".join(lines) + "\n"


_GIVES = {True: ("RUN", ".run_id"), False: ("CURSOR", ".meta.next_cursor")}


def _new_name(kind: str, variables: dict[str, str]) -> str:
    return f"{kind}_{sum(name.startswith(kind) for name in variables.values()) + 1}"


def _values_used_later(exchanges: list[Exchange]) -> dict[int, str]:
    used = {e.path_parameters["runId"] for e in exchanges if "runId" in e.path_parameters}
    used |= {c for e in exchanges for c in e.request.query.get("cursor", ())}
    given: dict[int, str] = {}
    for exchange in exchanges:
        body = exchange.answer_object
        meta = body.get("meta")
        cursor = meta.get("next_cursor") if isinstance(meta, dict) else None
        value = body.get("run_id") if exchange.operation in CREATE else cursor
        if value in used and value not in given.values():
            given[exchange.number] = str(value)
    return given


def curl(exchange: Exchange, variables: dict[str, str] | None = None) -> str:
    """One exchange as a curl command. `variables` maps values to names of shell variables."""
    request = exchange.request
    parts = ["curl -sS"]
    if request.method != "GET":
        parts.append(f"-X {request.method}")
    parts.append(_quoted(_url(exchange, variables or {}), variables or {}))
    if exchange.credential.header is not None:
        parts.append(f'-H "Authorization: {exchange.credential.header}"')
    for name, value in request.headers:
        parts.append("-H " + _quoted(f"{_title(name)}: {value}", variables or {}))
    if request.body:
        parts.append("--data-binary " + _body(request.body))
    return " ".join(parts)


def _title(name: str) -> str:
    return "-".join(part.capitalize() for part in name.split("-"))


def _url(exchange: Exchange, variables: dict[str, str]) -> str:
    url = exchange.request.url
    for values in exchange.request.query.values():
        for value in values:
            if value in variables:
                # The cursor as it stands in the URL may be percent-encoded: take it by position.
                head, _, tail = url.partition("cursor=")
                _, _, rest = tail.partition("&")
                url = f"{head}cursor={value}" + (f"&{rest}" if rest else "")
    return url


def _quoted(text: str, variables: dict[str, str]) -> str:
    """A shell word in which a known value is a variable."""
    for value, name in variables.items():
        if value in text:
            before, _, after = text.partition(value)
            if not set(before + after) & set('"$`\\!'):
                return f'"{before}${{{name}}}{after}"'
            return f'{shlex.quote(before)}"${name}"{shlex.quote(after)}'
    return shlex.quote(text)


def _body(body: bytes) -> str:
    try:
        text = body.decode()
    except UnicodeDecodeError:
        text = ""
    if text and (text.isprintable() or "\n" in text):
        return shlex.quote(text)
    return "$'" + "".join(f"\\x{byte:02x}" for byte in body) + "'"
