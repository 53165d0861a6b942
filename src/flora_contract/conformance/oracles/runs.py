"""A run over time: what each look at it must have in common with the looks before."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from flora_contract.conformance.contract import CREATE, GET_RUN
from flora_contract.conformance.exchange import OWNER
from flora_contract.conformance.ledger import FINAL
from flora_contract.conformance.oracle import Severity, Verdict, known, oracle, verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from flora_contract.conformance.exchange import Exchange
    from flora_contract.conformance.ledger import Ledger, Observation, Run

STEPS = {"pending": 0, "running": 1, "completed": 2, "failed": 2}

OUTPUT_TYPES = {
    "image": {"imageUrl"},
    "video": {"videoUrl"},
    "audio": {"audioUrl"},
    "text": {"text", "documentUrl"},
}

MODEST = 2000
"""A prompt of no more characters must be taken; no document states a maximum."""

TIMES = ("created_at", "started_at", "completed_at")


def _successive(run: Run) -> Iterator[tuple[Observation, Observation]]:
    """Looks at a run of which the first was answered before the second was asked for."""
    for earlier, later in pairwise(run.shown):
        if earlier.exchange.before(later.exchange):
            yield earlier, later


def _number(value: Any) -> float | None:
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


@oracle("create-works", "exchange", source="S000 S001 S003 S004")
def create_works(exchange: Exchange, ledger: Ledger) -> Iterator[Verdict]:
    """A valid request starts a run."""
    if exchange.operation not in CREATE or exchange.credential != OWNER:
        return
    if not exchange.decided or exchange.status in {401, 402, 409}:
        return
    if _surely_valid(exchange, ledger) and not _under_used_key(exchange, ledger):
        yield verdict(
            exchange.succeeded,
            exchange,
            expected="201",
            seen=exchange.status,
            subject=str(exchange.sent_object["type"]),
        )


def _surely_valid(exchange: Exchange, ledger: Ledger) -> bool:
    """Whether nothing in a request is left to the server to judge.

    It may refuse a prompt for what it says, and parameters that the model does not take (S001).
    """
    sent, home = exchange.sent_object, ledger.facts.home
    if home is None or (sent.get("workspace_id"), sent.get("project_id")) != (
        home.workspace,
        home.project,
    ):
        return False
    prompt = str(sent.get("prompt"))
    if len(prompt) > MODEST or "\0" in prompt or not prompt.strip():
        return False
    if set(sent) - {"type", "prompt", "workspace_id", "project_id", "model"}:
        return False
    model, failing = sent.get("model"), ledger.facts.failing_model
    known_model = model in (None, failing) or (sent.get("type"), model) in _known_models(ledger)
    assert exchange.operation is not None
    endpoint = ledger.contract.operations[exchange.operation]
    return known_model and not endpoint.request_breaches(exchange.request, exchange.path_parameters)


def _known_models(ledger: Ledger) -> list[tuple[Any, Any]]:
    """Types that were asked for, each with the model that the server took."""
    return [
        (creation.exchange.sent_object.get("type"), model.get("model_id"))
        for run in ledger.runs.values()
        if (creation := run.creation) is not None
        and isinstance(model := creation.get("model"), dict)
    ]


def _under_used_key(exchange: Exchange, ledger: Ledger) -> bool:
    key = exchange.request.header("Idempotency-Key")
    return key is not None and any(
        e.number < exchange.number
        and e.request.header("Idempotency-Key") == key
        and e.credential == exchange.credential
        and e.succeeded
        for e in ledger.creations
    )


@oracle("run-found", "ledger", source="S001 S002 S003", conflict="C15")
def run_found(ledger: Ledger) -> Iterator[Verdict]:
    """A run that was started can be read from then on."""
    for exchange in ledger.exchanges:
        # 401 is about the key, of which recorded traffic may not tell whether it was another.
        if exchange.operation != GET_RUN or not exchange.decided or exchange.status == 401:
            continue
        run = ledger.runs.get(exchange.path_parameters["runId"])
        creation = run.creation if run is not None else None
        if creation is None or creation.exchange.credential != exchange.credential:
            continue
        if run is not None and creation.exchange.before(exchange):
            found = [o.exchange for o in run.of("retrieve") if o.exchange.before(exchange)]
            yield verdict(
                exchange.succeeded,
                creation.exchange,
                *found[-1:],
                exchange,
                expected="200",
                seen=exchange.status,
            )


@oracle("run-echoes-id", "run", source="S002 S003")
def run_echoes_id(run: Run, _ledger: Ledger) -> Iterator[Verdict]:
    """A run that is read has the id that was asked for."""
    for seen in run.of("retrieve"):
        yield verdict(
            seen.get("run_id") == run.run_id,
            seen.exchange,
            expected=run.run_id,
            seen=seen.get("run_id"),
            subject="run_id",
        )


@oracle("run-echoes-project", "run", source="S001 S003")
def run_echoes_project(run: Run, _ledger: Ledger) -> Iterator[Verdict]:
    """A run belongs to the project and workspace that it was started for."""
    yield from _echoes(run, ("project_id", "workspace_id"))


def _echoes(run: Run, names: tuple[str, ...]) -> Iterator[Verdict]:
    creation = run.creation
    if creation is None:
        return
    sent = creation.exchange.sent_object
    for name in names:
        for seen in run.observations:
            if known(seen.get(name)) and name in sent:
                yield verdict(
                    seen.get(name) == sent[name],
                    creation.exchange,
                    seen.exchange,
                    expected=sent[name],
                    seen=seen.get(name),
                    subject=name,
                )


@oracle("run-echoes-model", "run", source="S001 S003", conflict="C4 C24")
def run_echoes_model(run: Run, _ledger: Ledger) -> Iterator[Verdict]:
    """A run uses the model that was asked for, and the same one wherever it is shown."""
    creation = run.creation
    asked = creation.exchange.sent_object.get("model") if creation is not None else None
    first = creation.exchange if creation is not None else None
    for seen in run.observations:
        model = seen.get("model")
        name = model.get("model_id") if isinstance(model, dict) else None
        if not isinstance(name, str):
            continue
        if asked is not None and first is not None:
            yield verdict(
                name == asked, first, seen.exchange, expected=asked, seen=name, subject="model"
            )
        elif asked is None:
            asked, first = name, seen.exchange


@oracle("status-forward", "run", source="S001 S002 S003")
def status_forward(run: Run, _ledger: Ledger) -> Iterator[Verdict]:
    """A status only moves forward: pending, running, then completed or failed for good."""
    for earlier, later in _successive(run):
        before, after = earlier.status, later.status
        if before in STEPS and after in STEPS:
            back = STEPS[after] < STEPS[before] or (before in FINAL and after != before)
            yield verdict(
                not back,
                earlier.exchange,
                later.exchange,
                expected=f"{before} or later",
                seen=f"{after} after {before}",
                subject="status",
            )


@oracle("progress-forward", "run", source="S002 S003")
def progress_forward(run: Run, _ledger: Ledger) -> Iterator[Verdict]:
    """Progress never shrinks, unless the run fails."""
    for earlier, later in _successive(run):
        before, after = _number(earlier.get("progress")), _number(later.get("progress"))
        if before is not None and after is not None and later.status != "failed":
            yield verdict(
                after >= before,
                earlier.exchange,
                later.exchange,
                expected=f"{before} or more",
                seen=after,
                subject="progress",
            )


@oracle("finished-is-constant", "run", source="S001 S002 S003", conflict="C14")
def finished_is_constant(run: Run, _ledger: Ledger) -> Iterator[Verdict]:
    """A run that has ended does not change any more."""
    for source in ("retrieve", "list"):
        ended = [o for o in run.of(source) if o.final]
        for earlier, later in pairwise(ended):
            yield from _same(earlier, later, late={"charged_cost"})


@oracle("item-agrees-with-run", "run", source="S002 S003", conflict="C14")
def item_agrees_with_run(run: Run, _ledger: Ledger) -> Iterator[Verdict]:
    """A run that has ended is the same in the history as when it is read."""
    read = [o for o in run.of("retrieve") if o.final]
    listed = [o for o in run.of("list") if o.final]
    if read and listed:
        for item in listed[:1] + listed[1:][-1:]:
            yield from _same(read[0], item, late=set(item.body) ^ set(read[0].body))


def _same(one: Observation, two: Observation, late: set[str]) -> Iterator[Verdict]:
    """Both show the same; fields of `late` may be missing on either side."""
    names = sorted(set(one.body) | set(two.body))
    different = [
        name
        for name in names
        if _lasting(one, name) != _lasting(two, name)
        and not (name in late and not (known(one.get(name)) and known(two.get(name))))
    ]
    for name in different:
        yield verdict(
            False,
            one.exchange,
            two.exchange,
            expected=f"{name} {one.get(name)!r} as before",
            seen=repr(two.get(name)),
            subject=name,
        )
    if not different:
        yield verdict(True, one.exchange, two.exchange, expected="", seen="")


def _lasting(seen: Observation, name: str) -> Any:
    """A field as it must stay: of outputs not how their addresses are signed (C14)."""
    if name != "outputs" or not isinstance(seen.get(name), list):
        return seen.get(name)
    return [
        output | {"url": str(output["url"]).partition("?")[0]}
        if isinstance(output, dict) and "url" in output and output.get("type") != "text"
        else output
        for output in seen.get(name)
    ]


@oracle("completed-has-outputs", "run", source="S002 S003")
def completed_has_outputs(run: Run, _ledger: Ledger) -> Iterator[Verdict]:
    """A completed run has outputs."""
    for seen in run.of("retrieve"):
        if seen.status == "completed":
            yield verdict(
                bool(seen.get("outputs")),
                seen.exchange,
                expected="at least one output",
                seen=repr(seen.get("outputs")),
                subject="outputs",
            )


def _outputs(seen: Observation) -> list[dict[str, Any]]:
    outputs = seen.get("outputs")
    return [o for o in outputs if isinstance(o, dict)] if isinstance(outputs, list) else []


@oracle("output-fits-type", "run", source="S001 S002 S003")
def output_fits_type(run: Run, _ledger: Ledger) -> Iterator[Verdict]:
    """Among the outputs of a completed run is one of the type that was asked for."""
    creation = run.creation
    asked = creation.exchange.sent_object.get("type") if creation is not None else None
    if creation is None or asked not in OUTPUT_TYPES:
        return
    for seen in run.shown:
        types = {str(output.get("type")) for output in _outputs(seen)}
        if types and seen.status == "completed":
            yield verdict(
                bool(types & OUTPUT_TYPES[asked]),
                creation.exchange,
                seen.exchange,
                expected=" or ".join(sorted(OUTPUT_TYPES[asked])),
                seen=", ".join(sorted(types)),
                subject="outputs[].type",
            )


@oracle("output-url", "run", source="S002 S003", conflict="C12")
def output_url(run: Run, _ledger: Ledger) -> Iterator[Verdict]:
    """An output that is no text has an absolute http URL."""
    for seen in run.observations:
        for output in _outputs(seen):
            url = output.get("url")
            if output.get("type") != "text" and isinstance(url, str) and url:
                parts = urlsplit(url)
                yield verdict(
                    parts.scheme in {"http", "https"} and bool(parts.netloc),
                    seen.exchange,
                    expected="an absolute URL",
                    seen=url[:80],
                    subject="outputs[].url",
                )


@oracle("output-ids-differ", "run", source="S002 S003")
def output_ids_differ(run: Run, _ledger: Ledger) -> Iterator[Verdict]:
    """No two outputs of a run have the same id."""
    for seen in run.observations:
        ids = [o["output_id"] for o in _outputs(seen) if isinstance(o.get("output_id"), str)]
        if ids:
            yield verdict(
                len(set(ids)) == len(ids),
                seen.exchange,
                expected="different ids",
                seen=ids,
                subject="outputs[].output_id",
            )


def _failure_oracle(name: str) -> Callable[[Run, Ledger], Iterator[Verdict]]:
    def judge(run: Run, _ledger: Ledger) -> Iterator[Verdict]:
        for seen in run.of("retrieve"):
            if seen.status == "failed":
                text = seen.get(name)
                yield verdict(
                    isinstance(text, str) and text != "",
                    seen.exchange,
                    expected=f"an {name}",
                    seen=repr(text),
                    subject=name,
                )

    return judge


for _name, _sentence, _severity in (
    ("error_code", "A failed run has an error_code.", Severity.VIOLATION),
    ("error_message", "A failed run says for people why.", Severity.WARNING),
):
    oracle(
        f"failed-has-{_name.replace('_', '-')}",
        "run",
        source="S002 S003",
        conflict="C16",
        severity=_severity,
        sentence=_sentence,
    )(_failure_oracle(_name))


@oracle("error-only-on-failed", "run", source="S002 S003")
def error_only_on_failed(run: Run, _ledger: Ledger) -> Iterator[Verdict]:
    """A run that is completed has no error."""
    for seen in run.shown:
        if seen.status == "completed":
            yield verdict(
                not seen.get("error_code"),
                seen.exchange,
                expected="no error_code",
                seen=repr(seen.get("error_code")),
                subject="error_code",
            )


@oracle("failing-model-fails", "run", source="S002 S003")
def failing_model_fails(run: Run, ledger: Ledger) -> Iterator[Verdict]:
    """A run that is known to fail ends as failed, not as completed."""
    creation, model = run.creation, ledger.facts.failing_model
    if creation is None or model is None or creation.exchange.sent_object.get("model") != model:
        return
    for seen in run.shown:
        if seen.final:
            yield verdict(
                seen.status == "failed",
                creation.exchange,
                seen.exchange,
                expected="failed",
                seen=seen.status,
                subject="status",
            )


@oracle("times-in-order", "run", source="S002 S003")
def times_in_order(run: Run, _ledger: Ledger) -> Iterator[Verdict]:
    """A run is created before it is started, and started before it has ended."""
    for seen in run.shown:
        times = [(n, t) for n in TIMES if (t := _number(seen.get(n))) is not None]
        for (name, earlier), (next_name, later) in pairwise(times):
            yield verdict(
                earlier <= later,
                seen.exchange,
                expected=f"{name} not after {next_name}",
                seen=f"{name} {earlier}, {next_name} {later}",
                subject=next_name,
            )


@oracle("times-constant", "run", source="S002 S003")
def times_constant(run: Run, _ledger: Ledger) -> Iterator[Verdict]:
    """The times of a run do not change once they are there."""
    first: dict[str, Observation] = {}
    for seen in run.shown:
        for name in TIMES:
            value = seen.get(name)
            if not known(value):
                continue
            if name in first:
                yield verdict(
                    value == first[name].get(name),
                    first[name].exchange,
                    seen.exchange,
                    expected=f"{name} {first[name].get(name)}",
                    seen=value,
                    subject=name,
                )
            else:
                first[name] = seen


@oracle("times-fit-status", "run", source="S002 S003")
def times_fit_status(run: Run, _ledger: Ledger) -> Iterator[Verdict]:
    """A run that has not ended has no time at which it ended."""
    for seen in run.shown:
        if not seen.final:
            yield verdict(
                not known(seen.get("completed_at")),
                seen.exchange,
                expected=f"no completed_at while {seen.status}",
                seen=seen.get("completed_at"),
                subject="completed_at",
            )


@oracle("cost-constant", "run", source="S001 S002 S003 S004", conflict="C27")
def cost_constant(run: Run, _ledger: Ledger) -> Iterator[Verdict]:
    """A run costs the same wherever its cost is shown; one that failed may cost nothing."""
    first: Observation | None = None
    for seen in run.observations:
        cost = _number(seen.get("charged_cost"))
        if cost is None:
            continue
        if first is None:
            first = seen
            continue
        waived = seen.status == "failed" and cost == 0
        yield verdict(
            waived or cost == first.get("charged_cost"),
            first.exchange,
            seen.exchange,
            expected=f"{first.get('charged_cost')} as in {first.source}",
            seen=cost,
            subject=f"charged_cost in {seen.source}",
        )


@oracle("run-ids-differ", "ledger", source="S000 S001")
def run_ids_differ(ledger: Ledger) -> Iterator[Verdict]:
    """Two requests that start runs get two runs."""
    first: dict[str, Exchange] = {}
    for exchange in ledger.creations:
        run_id = exchange.answer_object.get("run_id")
        if not exchange.succeeded or not isinstance(run_id, str):
            continue
        other = first.setdefault(run_id, exchange)
        key = exchange.request.header("Idempotency-Key")
        if other is not exchange and key != other.request.header("Idempotency-Key"):
            yield verdict(
                False, other, exchange, expected="a run of its own", seen=f"{run_id} again"
            )
        elif other is exchange:
            yield verdict(True, exchange, expected="", seen="")


@oracle("run-ends", "run", source="S001")
def run_ends(run: Run, ledger: Ledger) -> Iterator[Verdict]:
    """A run ends within the time that it is given."""
    creation, limit = run.creation, ledger.facts.wait_seconds
    if creation is None or limit is None or not run.shown:
        return
    last = run.shown[-1]
    watched = last.exchange.started - creation.exchange.ended
    if last.final or watched >= limit:
        yield verdict(
            last.final,
            creation.exchange,
            last.exchange,
            expected=f"completed or failed after {limit:g} s",
            seen=last.status,
            subject="status",
        )
