from __future__ import annotations

import inspect
import json
import sys
import warnings
from typing import Any

import flora_client
import httpx
import httpx2
import pytest
from flora_client import (
    AsyncFlora,
    DriftError,
    Flora,
    FloraError,
    GenerationType,
    InvalidArgumentError,
    Run,
    RunAccepted,
)
from flora_client.operations import CREATE_GENERATION
from flora_client.resources.generations import Generations

from flora_contract.shipped import contract
from flora_runtime.operation import OPTION_NAMES


def test_a_create_sends_what_it_was_given(world, flora: Flora, arguments, accepted) -> None:
    world.script = [world.reply(accepted, 201)]
    flora.with_options(default_headers={"X-Team": "art", "User-Agent": "mine"}).generations.create(
        **arguments | {"type": GenerationType.IMAGE},
        params={"seed": 7, "nested": {"a": [1, None]}},
        extra_headers={"X-Call": "1"},
        extra_query={"debug": True, "off": None},
        extra_body={"callback_url": "https://example.com/hook"},
        timeout=3,
    )
    (request,) = world.sent
    assert request.method == "POST"
    assert request.url == "https://api.example/v1/generate?debug=true"
    assert json.loads(request.body) == {
        **arguments,
        "params": {"seed": 7, "nested": {"a": [1, None]}},
        "callback_url": "https://example.com/hook",
    }
    assert request.timeout == 3
    assert request.headers["authorization"] == "Bearer sk_live_secret"
    assert request.headers["content-type"] == "application/json"
    assert (request.headers["x-team"], request.headers["x-call"]) == ("art", "1")
    assert request.headers["user-agent"] == "mine"


def test_a_header_of_the_callers_replaces_ours_whatever_its_case(world, flora: Flora, run) -> None:
    world.script = [world.reply(run())]
    flora.generations.retrieve("run_1", extra_headers={"ACCEPT": "text/html"})
    assert [v for n, v in world.sent[0].headers.items() if n.lower() == "accept"] == ["text/html"]


@pytest.mark.parametrize("left_out", [{}, {"model": None, "params": None}])
def test_what_is_left_out_is_not_sent(
    world, flora: Flora, arguments, accepted, left_out: dict[str, Any]
) -> None:
    world.script = [world.reply(accepted, 201)]
    flora.generations.create(**arguments, **left_out)
    assert json.loads(world.sent[0].body) == arguments


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"prompt": ""}, "prompt must not be empty; say what to generate"),
        ({"prompt": None}, "prompt is needed"),
        ({"prompt": 7}, "prompt must be a string"),
        ({"type": "t2i"}, "write image, video, audio or text"),
        ({"type": "i2v"}, "model="),
        ({"type": "text-to-image"}, "model="),
        ({"type": None}, "type is needed"),
        ({"workspace_id": "abc"}, "workspace_id must start with ws_"),
        ({"workspace_id": "prj_1"}, "workspace_id must start with ws_"),
        ({"project_id": "ws_1"}, "project_id must start with prj_"),
        ({"project_id": 7}, "project_id must be a string"),
        ({"params": {"seed": object()}}, "JSON"),
        ({"params": {"seed": float("nan")}}, "JSON"),
    ],
)
def test_a_mistake_is_refused_with_its_remedy(
    world, flora: Flora, arguments, wrong: dict[str, Any], says: str
) -> None:
    with pytest.raises(InvalidArgumentError, match=says) as caught:
        flora.generations.create(**arguments | wrong)
    assert isinstance(caught.value, ValueError)
    assert world.sent == []


def test_a_type_that_is_not_known_yet_is_the_apis_to_judge(
    world, flora: Flora, arguments, accepted
) -> None:
    world.script = [world.reply(accepted, 201)]
    flora.generations.create(**arguments | {"type": "hologram"})
    assert len(world.sent) == 1


@pytest.mark.parametrize(
    "options",
    [
        {"timeout": 0},
        {"timeout": -1},
        {"timeout": "5"},
        {"timeout": True},
        {"timeout": float("inf")},
        {"timeout": float("nan")},
        {"max_retries": -1},
        {"max_retries": 1.5},
        {"max_retries": True},
    ],
)
def test_an_option_out_of_range_is_refused(world, flora: Flora, options: dict[str, Any]) -> None:
    with pytest.raises(InvalidArgumentError, match=next(iter(options))):
        flora.generations.retrieve("run_1", **options)
    with pytest.raises(InvalidArgumentError, match=next(iter(options))):
        flora.with_options(**options)
    with pytest.raises(InvalidArgumentError, match=next(iter(options))):
        Flora(api_key="sk", **options)


@pytest.mark.parametrize("name", ["headers", "query", "body"])
@pytest.mark.parametrize("value", [[1], "a=b", 5, {1: "a"}])
def test_an_option_of_a_wrong_kind_is_refused_by_name(
    world, flora: Flora, arguments, name: str, value: Any
) -> None:
    with pytest.raises(InvalidArgumentError, match=f"extra_{name} must be"):
        flora.generations.create(**arguments, **{f"extra_{name}": value})
    for made in (lambda **given: Flora(api_key="sk", **given), flora.with_options):
        if name != "body":
            with pytest.raises(InvalidArgumentError, match=f"default_{name} must be"):
                made(**{f"default_{name}": value})
    assert world.sent == []


def test_defaults_give_way_to_what_a_call_says(world, client_with, run) -> None:
    world.script = [lambda _: world.reply(run())]
    flora = client_with(default_headers={"X-Team": "art"}, default_query={"a": 1, "b": 2})
    flora.generations.retrieve("run_1", extra_headers={"x-team": "ads"}, extra_query={"b": 3})
    flora.with_options(default_query={"c": 4}).request("GET", "/any?b=5&d=6", params={"d": 7})
    assert [request.headers["x-team"] for request in world.sent] == ["ads", "art"]
    assert world.sent[0].url.endswith("/runs/run_1?a=1&b=3")
    assert world.sent[1].url.endswith("/any?a=1&b=5&c=4&d=7")


def test_the_client_says_what_it_is(world, flora: Flora, run) -> None:
    world.script = [world.reply(run())]
    flora.generations.retrieve("run_1")
    product, _, platform = world.sent[0].headers["user-agent"].partition(" ")
    assert product == f"flora-client/{flora_client.__version__}"
    assert sys.version.split()[0] in platform


def test_a_client_has_a_timeout() -> None:
    with pytest.raises(InvalidArgumentError, match="timeout"):
        Flora(api_key="sk", timeout=None)


def test_a_time_limit_for_waiting_is_a_number(flora: Flora) -> None:
    with pytest.raises(InvalidArgumentError, match="timeout must be a number"):
        flora.generations.wait("run_1", timeout="5")


@pytest.mark.parametrize(
    ("client", "http"), [(Flora, httpx.AsyncClient), (AsyncFlora, httpx2.Client), (Flora, dict)]
)
def test_a_http_client_of_another_kind_is_refused(client: Any, http: Any) -> None:
    with pytest.raises(InvalidArgumentError, match=r"http_client must be an httpx\."):
        client(api_key="sk", http_client=http())


class Wrong:
    """What no option takes."""


def options_of(method: Any) -> list[str]:
    """What a method takes by name, but for arguments of its operation."""
    hints = inspect.signature(method).parameters.values()
    named = {one.name for one in hints if one.kind is one.KEYWORD_ONLY}
    return sorted(named - {parameter.name for parameter in CREATE_GENERATION.parameters})


@pytest.mark.parametrize("option", options_of(Flora.__init__))
@pytest.mark.parametrize("client", [Flora, AsyncFlora])
def test_a_setting_of_a_wrong_kind_is_refused_by_name(client: Any, option: str) -> None:
    told = {"api_key": "API key"}.get(option, option)
    with pytest.raises(InvalidArgumentError, match=told):
        client(**{"api_key": "sk", option: Wrong()})


KEYED = {"idempotency_key", "expected_cost"}
WAITING = options_of(Generations.create_and_wait)


@pytest.mark.parametrize(
    ("method", "option"),
    [
        *(("create", option) for option in sorted(OPTION_NAMES)),
        *(("create_and_wait", option) for option in sorted({*WAITING, *OPTION_NAMES})),
        *(("create_many", option) for option in options_of(Generations.create_many)),
        *(("wait", option) for option in options_of(Generations.wait)),
        *(("download", option) for option in options_of(Generations.download)),
        *(("list", option) for option in sorted(OPTION_NAMES - KEYED)),
    ],
)
def test_an_option_of_a_wrong_kind_is_refused_by_name_and_nothing_is_sent(
    world, flora: Flora, arguments, run, method: str, option: str
) -> None:
    given: dict[str, Any] = {
        "create_many": {"requests": [arguments]},
        "wait": {"run_id": "run_1"},
        "download": {"run": Run.from_dict(run("completed", outputs=[])), "folder": "."},
        "list": {},
    }.get(method, arguments)
    with pytest.raises(InvalidArgumentError, match=option):
        getattr(flora.generations, method)(**given, **{option: Wrong()})
    assert world.sent == []


def test_a_time_that_is_over_starts_nothing(world, flora: Flora, arguments) -> None:
    with pytest.raises(InvalidArgumentError, match="timeout"):
        flora.generations.create_and_wait(**arguments, timeout=-1)
    assert world.sent == []


def test_a_list_says_what_it_is(flora: Flora) -> None:
    assert repr(flora.generations.list()) == (
        "<Pager of generations.list: iterate it, or its pages()>"
    )
    assert repr(AsyncFlora(api_key="sk").generations.list()).startswith("<AsyncPager of ")


def test_an_argument_that_does_not_exist_is_a_type_error(world, flora: Flora, arguments) -> None:
    with pytest.raises(TypeError, match=r"no option 'tiemout'; there are .* timeout"):
        flora.generations.create(**arguments, tiemout=3)
    with pytest.raises(TypeError, match="a request is a dictionary of arguments, not str"):
        flora.generations.create_many("abc")
    with pytest.raises(TypeError, match="promt"):
        flora.generations.create_many([arguments, arguments | {"promt": "x"}])
    assert world.sent == []


@pytest.mark.parametrize("limit", ["much", -1, float("nan")])
def test_a_spend_limit_is_an_amount(limit: Any) -> None:
    with pytest.raises(InvalidArgumentError, match="spend_limit"):
        Flora(api_key="sk", spend_limit=limit)


def test_many_are_in_order_and_one_failure_touches_no_other(
    world, flora: Flora, arguments, accepted
) -> None:
    def route(request: Any) -> Any:
        prompt = json.loads(request.body)["prompt"]
        if prompt == "b":
            return world.error(400, "input_validation_error")
        return world.reply(accepted | {"run_id": f"run_{prompt}"}, 201)

    world.route = route
    prompts = ["a", "b", "", "d"]
    results = flora.generations.create_many([arguments | {"prompt": p} for p in prompts])
    assert [
        result.run_id if isinstance(result, RunAccepted) else type(result).__name__
        for result in results
    ] == ["run_a", "BadRequestError", "InvalidArgumentError", "run_d"]
    with pytest.raises(InvalidArgumentError):
        flora.generations.create_many([], max_concurrency=0)


def test_many_lose_nothing_to_an_error_that_is_not_ours(
    world, client_with, arguments, accepted
) -> None:
    keys = iter(["sk_live_secret"])
    world.script = [world.reply(accepted, 201)]
    flora = client_with(api_key=lambda: next(keys))
    first, second = flora.generations.create_many([arguments, arguments], max_concurrency=1)
    assert isinstance(first, RunAccepted)
    assert isinstance(second, FloraError)
    assert "StopIteration" in str(second) or "generator" in str(second)


def test_many_are_refused_one_by_one_where_an_argument_is_missing(
    world, flora: Flora, arguments
) -> None:
    del arguments["prompt"]
    (result,) = flora.generations.create_many([arguments])
    assert "prompt is needed" in str(result)
    assert world.sent == []


def test_the_older_route_works_and_points_to_the_newer(
    world, flora: Flora, arguments, accepted
) -> None:
    world.script = [world.reply(accepted, 201)]
    with pytest.warns(DeprecationWarning, match=r"use generations\.create instead") as warned:
        run = flora.runs.create(**arguments)
    assert run.run_id == "run_1"
    assert world.sent[0].url.endswith("/runs/generation")
    assert warned[0].filename == __file__


def test_a_raw_answer_has_status_headers_and_body(world, flora: Flora, run) -> None:
    world.script = [world.reply(run("completed"), request_id="req_1")]
    raw = flora.generations.with_raw_response.retrieve("run_1")
    assert raw.status_code == 200
    assert raw.headers["request-id"] == "req_1"
    assert raw.json() == run("completed")
    assert json.loads(raw.text) == json.loads(raw.content)
    assert raw.parse().status == "completed"
    assert raw.call.request_id == "req_1"


def test_what_there_is_no_method_for_can_be_called(world, flora: Flora) -> None:
    world.script = [world.reply({"models": []}), world.reply(b"plain"), world.reply(b"", 204)]
    assert flora.request("GET", "/models").parse() == {"models": []}
    assert flora.request("get", "/text").parse() == "plain"
    assert flora.request("DELETE", "/library").parse() is None


def test_drift_is_told_once_to_listener_and_log(
    world, client_with, run, caplog: pytest.LogCaptureFixture
) -> None:
    told: list[str] = []
    flora = client_with(on_drift=lambda drift: told.append(str(drift)))
    world.script = [world.reply(run("paused", new=1))] * 3
    for _ in range(3):
        flora.with_options(timeout=5).generations.retrieve("run_1")
    assert told == ["Run.status: unknown value ('paused')", "Run.new: extra field"]
    assert caplog.text.count("paused") == 1


def test_a_listener_that_fails_loses_no_run(world, client_with, arguments, accepted) -> None:
    def fail(_drift: Any) -> None:
        raise ZeroDivisionError

    world.script = [world.reply(accepted | {"new": 1}, 201)]
    assert client_with(on_drift=fail).generations.create(**arguments).run_id == "run_1"


def test_a_strict_client_raises_with_everything_in_it(
    world, client_with, arguments, accepted
) -> None:
    world.script = [world.reply(accepted | {"type": "hologram"}, 201)]
    with pytest.raises(DriftError, match="hologram") as caught:
        client_with(strict=True).generations.create(**arguments)
    assert "run_1" in caught.value.body
    assert caught.value.idempotency_key == world.sent[0].headers["idempotency-key"]
    assert [drift.kind for drift in caught.value.drifts] == ["unknown_value"]


def test_the_contracts_own_examples_are_no_drift(world, client_with, arguments) -> None:
    flora = client_with(strict=True)
    for example in (
        contract()
        .tree["components"]["responses"]["RunAccepted"]["content"]["application/json"]["examples"]
        .values()
    ):
        world.script = [world.reply(example["value"], 201)]
        flora.generations.create(**arguments)


def test_a_closed_client_says_so() -> None:
    with Flora(api_key="sk", base_url="http://127.0.0.1:9") as flora:
        pass
    with pytest.raises(FloraError, match="closed"):
        flora.generations.retrieve("run_1", max_retries=0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        flora.close()


def test_a_call_without_a_key_refuses_one(world, flora: Flora) -> None:
    with pytest.raises(TypeError, match="idempotency_key"):
        flora.generations.retrieve("run_1", idempotency_key="mine")  # type: ignore[call-arg]
    assert world.sent == []
