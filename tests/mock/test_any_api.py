"""An API that nobody wrote a line of code for, and that is unlike FLORA in every statement."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from flora_contract import shipped
from flora_contract.mock import MockFlora
from flora_contract.openapi import apply, load

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flora_contract.openapi import Document

HERE = Path(__file__).parent


def observatory() -> Document:
    return apply(
        load(HERE / "observatory.yaml"), [load(HERE / "observatory_overlay.yaml")], strict=True
    ).document


@pytest.fixture(params=["memory", "sqlite", "postgresql"])
def state(request: pytest.FixtureRequest, tmp_path: Path) -> str | Path | None:
    if request.param == "postgresql":
        url: str = request.getfixturevalue("postgresql")
        return url
    return tmp_path / "state.db" if request.param == "sqlite" else None


@pytest.fixture
def sky(state: str | Path | None, monkeypatch: pytest.MonkeyPatch) -> Iterator[MockFlora]:
    monkeypatch.setattr(shipped, "contract", lambda *_: observatory())
    with MockFlora(state=state, run_seconds=1000, self_check=True) as mock:
        mock.reset()
        yield mock


@pytest.fixture
def ann(sky: MockFlora) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=sky.base_url, headers={"x-token": "ann"}) as client:
        yield client


@pytest.fixture
def bob(sky: MockFlora) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=sky.base_url, headers={"x-token": "bob"}) as client:
        yield client


def campaign(client: httpx.Client, **members: Any) -> dict[str, Any]:
    answer = client.post("/campaigns", json={"title": "Survey", "priority": 1, **members})
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


def expose(
    client: httpx.Client, campaign_id: str, once: str = "", **members: Any
) -> httpx.Response:
    body = {"telescope": "t-big", "seconds": 30, **members}
    headers = {"x-once": once} if once else {}
    return client.post(f"/campaigns/{campaign_id}/exposures", json=body, headers=headers)


def kind_of(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["kind"]


def test_data_is_listed_in_order_and_by_what_it_contains(ann: httpx.Client) -> None:
    def titles(**query: Any) -> tuple[list[str], int]:
        result = ann.get("/telescopes", params=query).json()["result"]
        return [item["title"] for item in result["found"]], result["count"]

    assert titles() == (["Ancient", "Big One"], 3)
    assert titles(skip=2) == (["Tiny"], 3)
    assert titles(skip=3) == ([], 3)
    assert titles(top=1, skip=1) == (["Big One"], 3)
    assert titles(named="n") == (["Ancient", "Big One"], 3)
    assert titles(named="iny") == (["Tiny"], 1)
    assert titles(named="n", skip=2) == (["Tiny"], 3)
    assert titles(southern="true") == (["Big One"], 1)
    assert titles(southern="true", named="Tiny") == ([], 0)
    assert "secret" not in ann.get("/telescopes?named=Tiny").text


def test_what_was_created_is_shown_as_it_was_asked_for(ann: httpx.Client) -> None:
    made = campaign(ann, tags=["a", "b"], budget="huge", contact={"name": "Ann"})
    assert made["meta"]["id"].startswith("cmp-")
    assert made["meta"]["opened"] == made["meta"]["changed"]
    assert datetime.fromisoformat(made["meta"]["opened"])
    assert (made["heading"], made["tags"], made["contact"]) == (
        "Survey",
        ["a", "b"],
        {"name": "Ann"},
    )
    assert made["director"] is None
    assert not {"title", "budget", "sponsor"} & set(made)
    assert ann.get(f"/campaigns/{made['meta']['id']}").json() == made
    assert ann.get("/campaigns").json() == {"campaigns": [made], "total": 1}
    assert campaign(ann)["site"] in {"Paranal", "Kitt Peak", "Mauna Kea"}


def test_lists_are_filtered_by_what_is_shown_and_what_is_not(ann: httpx.Client) -> None:
    first = campaign(ann, tags=["a", "b"], budget="small")["meta"]["id"]
    second = campaign(ann, tags=["b"], budget="small", priority=2)["meta"]["id"]
    third = campaign(ann, priority=2)["meta"]["id"]

    def found(**query: Any) -> tuple[list[str], int]:
        page = ann.get("/campaigns", params=query).json()
        return [item["meta"]["id"] for item in page["campaigns"]], page["total"]

    assert found() == ([first, second, third], 3)
    assert found(tag="b") == ([first, second], 2)
    assert found(tag="a") == ([first], 1)
    assert found(priority=2) == ([second, third], 2)
    assert found(budget="small", priority=2) == ([second], 1)
    assert found(budget="small", priority=2, tag="a") == ([], 0)
    assert found(budget="small", priority=2, tag="b") == ([second], 1)
    assert found(tag="b", skip=1) == ([second], 2)


def test_an_update_changes_what_was_sent_and_moves_lists(sky: MockFlora, ann: httpx.Client) -> None:
    made = campaign(ann, tags=["a"], contact={"name": "Ann", "mail": "a@x"})
    path = f"/campaigns/{made['meta']['id']}"
    sky.advance(10)
    changed = ann.patch(path, json={"tags": ["c"], "contact": {"mail": "b@x"}}).json()
    assert changed["tags"] == ["c"]
    assert changed["heading"] == "Survey"
    assert changed["contact"] == {"name": "Ann", "mail": "b@x"}
    assert changed["meta"]["opened"] == made["meta"]["opened"] < changed["meta"]["changed"]
    assert ann.get(path).json() == changed
    assert ann.get("/campaigns?tag=a").json()["total"] == 0
    assert ann.get("/campaigns?tag=c").json()["campaigns"] == [changed]
    assert kind_of(ann.patch(path, json={"title": 3})) == (422, "wrong")
    assert ann.get(path).json() == changed


def test_what_was_deleted_is_gone(ann: httpx.Client) -> None:
    kept, gone = campaign(ann), campaign(ann)
    path = f"/campaigns/{gone['meta']['id']}"
    assert ann.get(path).status_code == 200
    answer = ann.delete(path)
    assert (answer.status_code, answer.content) == (204, b"")
    for refused in (ann.get(path), ann.delete(path), ann.patch(path, json={})):
        assert kind_of(refused) == (404, "nothing")
    assert ann.get("/campaigns").json() == {"campaigns": [kept], "total": 1}
    assert kind_of(expose(ann, gone["meta"]["id"])) == (404, "dangling")
    assert campaign(ann)["meta"]["id"] not in {kept["meta"]["id"], gone["meta"]["id"]}


def test_nobody_else_sees_it(ann: httpx.Client, bob: httpx.Client) -> None:
    campaign_id = campaign(ann)["meta"]["id"]
    path = f"/campaigns/{campaign_id}"
    assert kind_of(bob.get(path)) == (404, "nothing")
    assert kind_of(bob.delete(path)) == (404, "nothing")
    assert kind_of(bob.get(f"{path}/exposures")) == (404, "dangling")
    assert bob.get("/campaigns").json() == {"campaigns": [], "total": 0}
    assert ann.get(path).status_code == 200


def test_conditions_come_in_the_order_that_is_stated(ann: httpx.Client, sky: MockFlora) -> None:
    url = f"{sky.base_url}/campaigns"
    assert kind_of(httpx.post(url, content=b"{")) == (422, "unreadable")
    assert kind_of(httpx.post(url, json={})) == (422, "wrong")
    whole = {"title": "x", "priority": 1}
    assert kind_of(httpx.post(url, json=whole)) == (401, "who")
    assert kind_of(httpx.post(url, json=whole, headers={"x-token": "eve"})) == (401, "who")
    wrong = ann.post("/campaigns", json={"priority": "1"}).json()["wrong"]
    assert {entry["at"] for entry in wrong} == {"title", "priority"}
    made = campaign(ann)["meta"]["id"]
    assert kind_of(expose(ann, made, telescope="t-none")) == (422, "no-telescope")
    assert kind_of(expose(ann, "cmp-none", telescope="t-none")) == (404, "dangling")


def test_a_life_goes_through_its_states(sky: MockFlora, ann: httpx.Client) -> None:
    base = f"/campaigns/{campaign(ann)['meta']['id']}/exposures"
    accepted = expose(ann, base.split("/")[2], filterName="red")
    assert accepted.status_code == 202
    one = accepted.json()
    assert one["self"] == f"{sky.base_url}{base}/{one['exposureId']}"
    assert (one["takenBy"], one["price"], one["eta"]) == ("t-big", 0.3, 1000)
    seen = []
    for _ in range(13):
        seen.append(ann.get(one["self"]).json())
        assert ann.get(base, params={"phase": seen[-1]["phase"]}).json()["total"] == 1
        sky.advance(100)
    assert list(dict.fromkeys(view["phase"] for view in seen)) == [
        "queued",
        "slewing",
        "shooting",
        "done",
    ]
    shares = [view["share"] for view in seen]
    assert shares == sorted(shares)
    assert (shares[0], shares[-1]) == (0, 1)
    for view in seen:
        assert ("firstLight" in view) == (view["phase"] in {"shooting", "done"})
        assert ("frame" in view) == (view["phase"] == "done")
        assert bool(view.get("finishedAt")) == (view["phase"] == "done")
    last = seen[-1]
    assert last["queuedAt"] < last["firstLight"] < last["finishedAt"]
    assert seen[-1] == seen[-2]
    assert ann.get(base, params={"phase": "aborted"}).json()["exposures"] == []


def test_a_repetition_gets_the_first_answer_and_costs_nothing(
    sky: MockFlora, ann: httpx.Client
) -> None:
    home = campaign(ann)["meta"]["id"]
    first = expose(ann, home, once="k", filterName="red")
    sky.advance(30)
    again = expose(ann, home, once="k", filterName="red", seconds=5)
    assert (again.status_code, again.json()) == (202, first.json())
    assert ann.get(f"/campaigns/{home}/exposures").json()["total"] == 1
    sky.advance(31)
    assert expose(ann, home, once="k", filterName="red").json() != first.json()
    assert expose(ann, home, filterName="red").status_code == 202  # 0.9 of 1 are spent
    assert kind_of(expose(ann, home, filterName="red")) == (402, "poor")
    assert kind_of(expose(ann, home, once="new", filterName="red")) == (402, "poor")
    assert expose(ann, home, once="new").json()["price"] == 0.01


def test_pages_by_cursor_follow_the_order_and_the_parent(ann: httpx.Client) -> None:
    home, other = (campaign(ann)["meta"]["id"] for _ in range(2))
    for seconds in (5, 9, 1, 9, 7):
        expose(ann, home, seconds=seconds, remark=f"take {seconds}")
    expose(ann, other, seconds=8)
    seen, cursor = [], ""
    while True:
        query = {"top": 2, **({"from": cursor} if cursor else {})}
        page = ann.get(f"/campaigns/{home}/exposures", params=query).json()
        assert page.get("total") == 5, page
        seen += [(item["seconds"], item["exposureId"]) for item in page["exposures"]]
        cursor = page.get("more")
        if not cursor:
            break
    assert [seconds for seconds, _ in seen] == [9, 9, 7, 5, 1]
    assert len(set(seen)) == 5
    found = ann.get(f"/campaigns/{home}/exposures", params={"remark": "take 9"}).json()
    assert [item["seconds"] for item in found["exposures"]] == [9, 9]
    assert ann.get(f"/campaigns/{other}/exposures").json()["total"] == 1
    at_home = next(identity for _, identity in seen)
    assert ann.get(f"/campaigns/{home}/exposures/{at_home}").status_code == 200
    assert kind_of(ann.get(f"/campaigns/{other}/exposures/{at_home}")) == (404, "nothing")


def test_put_replaces_and_reorders(ann: httpx.Client) -> None:
    home = campaign(ann)["meta"]["id"]
    first = expose(ann, home, seconds=5, filterName="red", remark="old").json()
    second = expose(ann, home, seconds=6).json()
    body = {"telescope": "t-old", "seconds": 9}
    changed = ann.put(first["self"], json=body).json()
    assert (changed["takenBy"], changed["seconds"]) == ("t-old", 9)
    assert "filterName" not in changed
    assert changed["price"] == first["price"]
    listed = ann.get(f"/campaigns/{home}/exposures").json()["exposures"]
    assert [item["exposureId"] for item in listed] == [first["exposureId"], second["exposureId"]]
    by_telescope = ann.get(f"/campaigns/{home}/exposures?telescope=t-old").json()
    assert [item["exposureId"] for item in by_telescope["exposures"]] == [first["exposureId"]]
    assert ann.get(f"/campaigns/{home}/exposures?remark=old").json()["total"] == 0
    assert kind_of(ann.put(first["self"], json={**body, "telescope": "no"}))[0] == 422


def test_a_restart_forgets_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shipped, "contract", lambda *_: observatory())
    options = {"state": tmp_path / "state.db", "run_seconds": 1000, "self_check": True}
    answers = []
    for _ in range(2):
        with (
            MockFlora(**options) as mock,
            httpx.Client(base_url=mock.base_url, headers={"x-token": "ann"}) as client,
        ):
            if not answers:
                kept, gone = campaign(client, tags=["a"]), campaign(client)
                client.delete(f"/campaigns/{gone['meta']['id']}")
                client.patch(f"/campaigns/{kept['meta']['id']}", json={"tags": ["b"]})
                exposed = expose(client, kept["meta"]["id"], once="k").json()["exposureId"]
                mock.advance(300)
            home = f"/campaigns/{kept['meta']['id']}"
            assert expose(client, kept["meta"]["id"], once="other").status_code == 202
            found = [
                client.get("/campaigns").json(),
                client.get("/campaigns?tag=b").json(),
                client.get("/telescopes").json(),
                client.get(f"{home}/exposures/{exposed}").json()["phase"],
                client.get(f"/campaigns/{gone['meta']['id']}").status_code,
            ]
            answers.append(found)
    assert answers[0] == answers[1]
    assert answers[0][-2:] == ["slewing", 404]


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "integer"},
        {"type": "integer", "minimum": 1, "maximum": 2**31 - 1},
        {"type": "string", "format": "uuid"},
        {"type": "string", "pattern": "^[0-9]+$"},
        {"type": "string", "pattern": "^cmp-[0-9a-f]{12}$", "maxLength": 16},
    ],
    ids=str,
)
def test_ids_are_what_their_schema_allows(
    schema: dict[str, Any], state: str | Path | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    document = with_campaign_ids(schema)
    monkeypatch.setattr(shipped, "contract", lambda *_: document)
    with MockFlora(state=state, run_seconds=1, self_check=True) as mock:
        mock.reset()
        with httpx.Client(base_url=mock.base_url, headers={"x-token": "ann"}) as ann:
            first, second = campaign(ann)["meta"]["id"], campaign(ann)["meta"]["id"]
            assert first != second
            assert ann.get(f"/campaigns/{first}").json()["meta"]["id"] == first
            listed = ann.get("/campaigns").json()["campaigns"]
            assert [item["meta"]["id"] for item in listed] == [first, second]
            exposure = expose(ann, first).json()
            base = f"/campaigns/{first}/exposures"
            assert exposure["self"] == f"{mock.base_url}{base}/{exposure['exposureId']}"
            assert ann.get(exposure["self"]).json()["exposureId"] == exposure["exposureId"]
            assert len(ann.get(base).json()["exposures"]) == 1
            assert ann.get(f"/campaigns/{second}/exposures").json()["exposures"] == []
            assert ann.delete(f"/campaigns/{first}").status_code == 204
            assert ann.get(f"/campaigns/{first}").status_code == 404


def with_campaign_ids(schema: dict[str, Any]) -> Document:
    """The observatory, whose campaigns have other ids."""
    document = observatory()

    def change(node: Any) -> None:
        if isinstance(node, dict):
            if node.get("name") == "campaignId":
                node["schema"] = schema
            if "campaignId" in node.get("properties", {}):
                node["properties"]["campaignId"] = schema
            for child in node.values():
                change(child)
        elif isinstance(node, list):
            for child in node:
                change(child)

    change(document.tree)
    components = document.tree["components"]["schemas"]
    components["Campaign"]["properties"]["meta"]["properties"]["id"] = schema
    statement = document.tree["x-resources"]["Campaign"]
    statement["prefix"] = "cmp-" if "cmp" in str(schema) else ""
    return document


def serving(document: Document, monkeypatch: pytest.MonkeyPatch) -> MockFlora:
    monkeypatch.setattr(shipped, "contract", lambda *_: document)
    return MockFlora(run_seconds=1, self_check=True)


def test_what_a_state_must_have_is_not_null_though_it_could_be(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    document = observatory()
    exposure = document.tree["components"]["schemas"]["Exposure"]["properties"]
    exposure["frame"] = {"type": ["string", "null"]}
    with (
        serving(document, monkeypatch) as mock,
        httpx.Client(base_url=mock.base_url, headers={"x-token": "ann"}) as ann,
    ):
        path = expose(ann, campaign(ann)["meta"]["id"]).json()["self"]
        mock.advance(2)
        assert isinstance(ann.get(path).json()["frame"], str)


def test_an_id_that_the_client_chooses_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    document = observatory()
    schemas = document.tree["components"]["schemas"]
    schemas["CampaignDraft"]["properties"]["slug"] = {"type": "string"}
    schemas["Campaign"]["properties"]["meta"]["properties"]["id"] = {"type": "string"}
    document.tree["x-resources"]["Campaign"]["shows"]["slug"] = "meta.id"
    with (
        serving(document, monkeypatch) as mock,
        httpx.Client(base_url=mock.base_url, headers={"x-token": "ann"}) as ann,
    ):
        assert campaign(ann, slug="mine")["meta"]["id"] == "mine"
        assert ann.get("/campaigns/mine").json()["meta"]["id"] == "mine"
        assert campaign(ann)["meta"]["id"] != "mine"


def test_an_update_that_is_no_put_leaves_what_it_does_not_name(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    document = observatory()
    methods = document.tree["paths"]["/campaigns/{campaignId}"]
    methods["post"] = methods.pop("patch")
    with (
        serving(document, monkeypatch) as mock,
        httpx.Client(base_url=mock.base_url, headers={"x-token": "ann"}) as ann,
    ):
        made = campaign(ann, tags=["a"])
        path = f"/campaigns/{made['meta']['id']}"
        assert ann.post(path, json={"title": "Other"}).json()["tags"] == ["a"]
