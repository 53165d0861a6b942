"""The command `flora-contract mock`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import click

from flora_contract.errors import InputError

if TYPE_CHECKING:
    from flora_contract.mock.application import JudgeOf


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=4010,
    show_default=True,
    help="Port; 0 takes a free one.",
)
@click.option(
    "--state", metavar="FILE", help="SQLite file or postgresql:// address to keep state in."
)
@click.option("--seed", default=0, show_default=True, help="Seed of run ids and pictures.")
@click.option("--run-seconds", default=2.0, show_default=True, help="How long a run takes.")
@click.option(
    "--accounts",
    type=click.Path(path_type=Path),
    help="YAML or JSON file of accounts: {KEY: {credits, workspaces: {ws_…: [prj_…]}}}.",
)
@click.option(
    "--scenario",
    type=click.Path(path_type=Path),
    help="YAML file of accounts, entities and faults to begin with.",
)
@click.option("--record", type=click.Path(path_type=Path), help="Write what is said to a HAR file.")
@click.option("--replay", type=click.Path(path_type=Path), help="Answer from a HAR file.")
@click.option("--proxy", metavar="URL", help="Forward to a server, and judge what passes.")
@click.option(
    "--allow",
    metavar="OPERATION",
    multiple=True,
    help="What --proxy may forward though it may cost something there; repeatable.",
)
@click.option("--rate-limit", metavar="N/s", help="Requests a second for each account.")
@click.option(
    "--workers", default=1, show_default=True, help="Processes; more than 1 need --state."
)
@click.option("--no-control", is_flag=True, help="Do not serve /_mock.")
@click.option("--log-requests", is_flag=True, help="Write a line for each request to stderr.")
@click.option("--self-check", is_flag=True, help="Check every answer against the contract.")
@click.pass_obj
def mock(
    judge: JudgeOf | None,
    host: str,
    port: int,
    state: str | None,
    seed: int,
    run_seconds: float,
    accounts: Path | None,
    scenario: Path | None,
    record: Path | None,
    replay: Path | None,
    proxy: str | None,
    allow: tuple[str, ...],
    rate_limit: str | None,
    workers: int,
    no_control: bool,
    log_requests: bool,
    self_check: bool,
) -> None:
    """Run a stateful mock of the FLORA API on this machine. Stop it with Ctrl-C."""
    from flora_contract.mock.application import MockSettings
    from flora_contract.mock.http.server import listen, origin_of, run, run_workers

    if not 0 <= run_seconds <= 1e6:
        raise InputError("--run-seconds: must be from 0 to 1e6")
    if workers < 1:
        raise InputError("--workers: must be 1 or more")
    if workers > 1 and state is None:
        raise InputError("--workers: processes share nothing without --state FILE")
    if workers > 1 and (record or replay or proxy):
        raise InputError("--workers: one process records, replays or forwards")
    if replay is not None and proxy is not None:
        raise InputError("--replay: --proxy answers already; leave one out")
    settings = MockSettings(
        state=state,
        seed=seed,
        run_seconds=run_seconds,
        accounts=accounts,
        scenario=scenario,
        record=record,
        replay=replay,
        proxy=proxy,
        allow=allow,
        judge=judge,
        rate_limit=rate(rate_limit) if rate_limit is not None else None,
        control=not no_control,
        self_check=self_check,
    )
    listener = listen(host, port)
    origin = origin_of(listener)
    greeting = f"FLORA mock at {origin}/api/v1" + (
        ", key sk_live_test" if accounts is None and scenario is None else ""
    )
    if proxy is not None:
        greeting += f"\n{forwarding(proxy, allow)}"
    if not no_control:
        greeting += f"\nWatch it at {origin}/_mock/"
    if workers > 1:
        run_workers(settings, listener, workers, log_requests=log_requests, greeting=greeting)
    else:
        run(settings, listener, log_requests=log_requests, greeting=greeting)


def forwarding(proxy: str, allow: tuple[str, ...]) -> str:
    """What is said of a proxy at the start."""
    from flora_contract.mock.proxy import is_this_machine

    if is_this_machine(urlsplit(proxy).hostname or ""):
        return f"Forwarding to {proxy}"
    named = ", ".join(allow) or "nothing; name it with --allow"
    return f"Forwarding to {proxy}; of what may cost something there: {named}"


def rate(text: str) -> float:
    """Requests a second from `5`, `0.5` or `5/s`. Raises InputError."""
    try:
        value = float(text.removesuffix("/s"))
    except ValueError:
        value = 0.0
    if not 0 < value < float("inf"):
        raise InputError(
            f"--rate-limit: {text!r} is not a number of requests a second, such as 5/s"
        )
    return value
