"""The shortest sequence of requests that shows a finding, as a shell script anybody can run.

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
    """The evidence, and before it whatever gave the ids and cursors that it uses."""
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
    previous: Exchange | None = None
    for exchange in exchanges:
        if previous is not None:
            pause = exchange.started - previous.ended
            beside = exchange.started < previous.ended
            if pause >= PAUSE:
                lines.append(f"sleep {pause:.1f}")
            elif beside:
                lines[-1] += " &"
        key = exchange.request.header("Idempotency-Key")
        if key is not None and key not in variables:
            variables[key] = f"KEY_{sum(v.startswith('KEY') for v in variables.values()) + 1}"
            lines.append(f'{variables[key]}="replay-$(date +%s)-$$-{len(variables)}"')
        command = curl(exchange, variables)
        value = used_later.get(exchange.number)
        if value is None:
            lines.append(f"{command}  # {exchange.status or exchange.failure}")
        else:
            name, path = ("RUN", ".run_id") if exchange.operation in CREATE else (
                "CURSOR", ".meta.next_cursor")  # fmt: skip
            name += f"_{sum(v.startswith(name) for v in variables.values()) + 1}"
            variables[value] = name
            lines.append(f"{name}=$({command} | jq -r {path})  # {exchange.status}")
        previous = exchange
    return "\n".join(lines) + "\n"


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
    """A shell word in which known values are variables."""
    for value, name in variables.items():
        if value in text:
            before, _, after = text.partition(value)
            return "".join(
                [
                    shlex.quote(before) if before else "",
                    f'"${name}"',
                    shlex.quote(after) if after else "",
                ]
            )
    return shlex.quote(text)


def _body(body: bytes) -> str:
    try:
        text = body.decode()
    except UnicodeDecodeError:
        text = ""
    if text and (text.isprintable() or "\n" in text):
        return shlex.quote(text)
    return "$'" + "".join(f"\\x{byte:02x}" for byte in body) + "'"
