"""Clients of documents that are not ours: with statements, everything; without, still a client."""

from __future__ import annotations

import importlib
import inspect
import io
import json
import subprocess
import sys
from contextlib import contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from email.parser import BytesParser
from email.policy import HTTP
from email.utils import format_datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from flora_contract.codegen import generate
from flora_contract.codegen.naming import class_overrides
from flora_contract.openapi import Document, load, parse

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType

HERE = Path(__file__).parent


@contextmanager
def imported(document: Document, folder: Path, name: str) -> Iterator[ModuleType]:
    """The client package of a document."""
    generate(document, folder / name)
    sys.path.insert(0, str(folder))
    try:
        yield importlib.import_module(name)
    finally:
        sys.path.remove(str(folder))
        for module in [m for m in sys.modules if m.partition(".")[0] == name]:
            del sys.modules[module]


def test_a_document_without_hints_gives_a_client(tmp_path: Path) -> None:
    with imported(load(HERE / "odd.yaml"), tmp_path, "odd_client") as odd:
        thing = {
            "id": 1,
            "class": "a",
            "type": "thing",
            "call": "me",
            "nested": {"parent": {"id": 2, "class": "b", "type": "thing", "call": "you"}},
            "pets": [{"meow": "m"}, {"bark": 1}],
            "map": {"a": {"meow": "x"}},
        }
        seen: list[httpx.Request] = []

        def answer(request: httpx.Request) -> httpx.Response:
            seen.append(request)
            if request.method == "DELETE":
                return httpx.Response(204)
            return httpx.Response(200, json=[thing] if request.method == "PUT" else thing)

        http = httpx.Client(transport=httpx.MockTransport(answer))
        api = odd.API(api_key="sk", base_url="https://x.example/v1", http_client=http)
        got = api.my_things.get_things_class_thing_id("a/b", 7, from_=["a", "b"], timeout_value=3)
        assert str(seen[0].url) == "https://x.example/v1/things/a%2Fb/7?from=a&from=b&timeout=3"
        assert (got.class_, got.call_value) == ("a", "me")
        assert got.nested.parent.id == 2
        assert got.pets == (odd.Cat(meow="m"), odd.Dog(bark=1))
        assert got.to_dict() == thing
        assert api.my_things.delete("a", 7) is None
        assert api.list.put_it("a", 7, body=got) == (got,)
        assert json.loads(seen[2].content) == thing


def parts(request: httpx.Request) -> list[tuple[Any, Any, str, bytes]]:
    """Name, name of the file, media type and content of each part of a form."""
    kind = request.headers["content-type"].encode()
    found = BytesParser(policy=HTTP).parsebytes(
        b"content-type: %b\r\n\r\n" % kind + request.content
    )
    return [
        (
            part.get_param("name", header="content-disposition"),
            part.get_filename(),
            part.get("content-type", ""),
            part.get_payload(decode=True),
        )
        for part in found.iter_parts()
    ]


def test_a_body_is_sent_and_read_as_its_media_type_says(tmp_path: Path) -> None:
    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        if request.url.path == "/v1/picture":
            return httpx.Response(200, content=b"\x89PNG", headers={"content-type": "image/png"})
        return httpx.Response(200, text="stored")

    note = tmp_path / "nöte.json"
    note.write_bytes(b"{}")
    with imported(load(HERE / "odd.yaml"), tmp_path, "odd_client") as odd:
        http = httpx.Client(transport=httpx.MockTransport(answer))
        api = odd.API(api_key="sk", base_url="https://x.example/v1", http_client=http).default
        with note.open("rb") as file:
            more = [b"2", ('a"b\r\n.txt', io.BytesIO(b"3")), ("c", b"4", "image/png")]
            given = {"file": file, "more": more, "public": True, "about": {"a": 1}}
            assert api.upload(**given) == "stored"
        assert parts(seen[0]) == [
            ("file", "nöte.json", "application/json", b"{}"),
            ("more", "more", "application/octet-stream", b"2"),
            ("more", "a%22b%0D%0A.txt", "text/plain", b"3"),
            ("more", "c", "image/png", b"4"),
            ("public", None, "", b"true"),
            ("about", None, "application/json", b'{"a": 1}'),
        ]
        assert api.upload(file=note) == "stored"
        assert parts(seen[1]) == parts(seen[0])[:1]
        api.sign(who="me & you", to=[1, 2])
        assert seen[2].content == b"who=me+%26+you&to=1&to=2"
        assert seen[2].headers["content-type"] == "application/x-www-form-urlencoded"
        assert api.paint(body=b"paint") == b"\x89PNG"
        assert (seen[3].content, seen[3].headers["content-type"]) == (b"paint", "image/png")
        refused: list[Any] = [tmp_path / "nothing", io.StringIO("text"), ("name", tmp_path)]
        for wrong in refused:
            with pytest.raises(odd.InvalidArgumentError, match="file "):
                api.upload(file=wrong)
        with pytest.raises(odd.InvalidArgumentError, match="extra_body"):
            api.paint(body=b"x", extra_body={"a": 1})
    assert len(seen) == 4


def test_a_document_may_leave_out_what_openapi_3_1_lets_it(tmp_path: Path) -> None:
    info = {"title": "Bare", "version": "1"}
    hook = {"post": {"responses": {}}}
    bare = {"openapi": "3.1.0", "info": info, "webhooks": {"w": hook}}
    with imported(Document(bare, "bare.yaml"), tmp_path, "bare_client") as client:
        assert client.API
    members = {
        "list": {"type": "array"},
        "mixed": {"enum": ["a", 1, True, None]},
        "flag": {"enum": [True, False]},
        "rate": {"enum": [0.5, 1.5]},
    }
    schemas = {"Order": {"type": "object", "properties": members}}
    order = {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Order"}}}}
    answers = {"responses": {"200": {"description": "ok", **order}}}
    paths = {"/orders": {"post": {"requestBody": order}, "get": answers}}
    tree = {"openapi": "3.1.0", "info": info, "paths": paths, "components": {"schemas": schemas}}
    document = Document(tree, "few.yaml")
    assert not generate(document, tmp_path / "few_client")
    with imported(document, tmp_path, "few_client") as client:
        given = {"list": [1, "a"], "mixed": 1, "flag": True, "rate": 0.5}
        assert client.Order.from_dict(given).to_dict() == given


TAKEN = sorted(class_overrides())


@pytest.fixture
def names(tmp_path: Path) -> Document:
    """A document whose schemas have the names of what generated code imports."""
    taken = {name: {"type": "object", "properties": {"own": {"type": "string"}}} for name in TAKEN}
    members = {name.lower(): {"$ref": f"#/components/schemas/{name}"} for name in TAKEN}
    order = {
        **members,
        "price": {"type": "number", "format": "decimal"},
        "tags": {"type": "array", "items": {"type": "string"}},
        "note": {},
        "size": {"type": "string", "enum": ["a b", "a_b", "A-B", "a+b", "1", "one"]},
    }
    schemas = {**taken, "Order": {"type": "object", "properties": order}}
    answer = {"schema": {"$ref": "#/components/schemas/Order"}}
    ok = {"200": {"description": "ok", "content": {"application/json": answer}}}
    paths = {"/order": {"get": {"operationId": "getOrder", "tags": ["orders"], "responses": ok}}}
    file = tmp_path / "names.yaml"
    info = {"title": "Names", "version": "1"}
    described = {"openapi": "3.1.0", "info": info, "paths": paths}
    file.write_text(json.dumps({**described, "components": {"schemas": schemas}}))
    return load(file)


def test_no_schema_changes_what_others_are_read_with(names: Document, tmp_path: Path) -> None:
    assert {"Decimal", "Any", "Page", "Literal", "Mapping", "Operation", "FloraError"} < {*TAKEN}
    with imported(names, tmp_path, "names_client") as client:
        order = {"price": 1.10, "tags": ["x"], "note": {"a": 1}, "size": "a+b"}
        order |= {name.lower(): {"own": name} for name in TAKEN}
        read = client.Order.from_dict(order)
        assert read.price == Decimal("1.1")
        assert (read.tags, read.note) == (("x",), {"a": 1})
        for name in TAKEN:
            assert type(getattr(read, name.lower())).__name__ == f"{name}Model"
        assert read.to_dict() == order
        assert [size.value for size in type(read.size)] == ["a b", "a_b", "A-B", "a+b", "1", "one"]
        assert client.API(api_key="sk", base_url="https://x.example").orders.get_order


@pytest.mark.needs("mypy")
def test_such_names_are_typed_as_strictly(names: Document, tmp_path: Path) -> None:
    generate(names, tmp_path / "names_client")
    is_strict(tmp_path, "names_client")


def is_strict(folder: Path, package: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--config-file=", "-p", package],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout


@pytest.mark.needs("mypy")
@pytest.mark.parametrize("name", ["odd", "farm"])
def test_it_is_typed_as_strictly_as_ours(tmp_path: Path, name: str) -> None:
    generate(load(HERE / f"{name}.yaml"), tmp_path / f"{name}_client")
    is_strict(tmp_path, f"{name}_client")


def test_a_document_without_statements_says_nothing_of_what_it_lacks(tmp_path: Path) -> None:
    assert generate(load(HERE / "odd.yaml"), tmp_path / "odd_client", complete=True) == []


def test_a_client_may_be_called_like_what_it_offers(tmp_path: Path) -> None:
    """`info.title: Orders` with a tag `orders`, or a tag that is called like the async client."""
    responses = {"200": {"description": "Done"}}
    paths = {
        f"/{tag}": {"get": {"operationId": f"get_{tag}", "tags": [tag], "responses": responses}}
        for tag in ("orders", "async_orders")
    }
    tree = {"openapi": "3.1.0", "info": {"title": "Orders", "version": "1"}, "paths": paths}
    document = parse(json.dumps({**tree, "x-client": {"name": "Orders"}}), "orders.json")
    with imported(document, tmp_path, "orders_client") as orders:
        api = orders.Orders(api_key="k", base_url="https://x.example")
        assert {api.orders.__class__.__name__, api.async_orders.__class__.__name__} == {
            "OrdersResource",
            "AsyncOrdersResource",
        }


class Farm:
    """A server of farm.yaml. What it makes has ids that are alike."""

    def __init__(self) -> None:
        self.farms: dict[str, dict[str, Any]] = {}
        self.renders: dict[str, dict[str, Any]] = {}
        self.cakes: dict[str, dict[str, Any]] = {}
        self.seen: list[httpx.Request] = []
        self.lose = False
        self.total = True
        self.ignore_offset = False

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.seen.append(request)
        what = request.url.path.strip("/").split("/")
        name = (
            f"{request.method.lower()}_{'_'.join(what[::2])}{'_one' if len(what) % 2 == 0 else ''}"
        )
        answer: httpx.Response = getattr(self, name)(request, *what[1::2])
        answer.headers["date"] = format_datetime(datetime.now(UTC), usegmt=True)
        return answer

    @staticmethod
    def _sent(request: httpx.Request) -> Any:
        return json.loads(request.content)

    def post_farms(self, request: httpx.Request) -> httpx.Response:
        farm_id = f"f{len(self.farms)}"
        opened = datetime.now(UTC).isoformat()
        self.farms[farm_id] = {"meta": {"id": farm_id, "openedAt": opened}, **self._sent(request)}
        return httpx.Response(201, json=self.farms[farm_id])

    def get_farms(self, request: httpx.Request) -> httpx.Response:
        skip = 0 if self.ignore_offset else int(request.url.params.get("skip", 0))
        most = int(request.url.params.get("most", 3))
        listed = list(self.farms.values())[skip : skip + most]
        count = {"count": len(self.farms)} if self.total else {}
        return httpx.Response(200, json={"data": {"farms": listed, **count}})

    def get_farms_one(self, request: httpx.Request, farm: str) -> httpx.Response:
        found = self.farms.get(farm)
        return httpx.Response(200, json=found) if found else httpx.Response(404)

    def put_farms_one(self, request: httpx.Request, farm: str) -> httpx.Response:
        self.farms[farm].update(self._sent(request))
        return httpx.Response(200, json=self.farms[farm])

    def delete_farms_one(self, request: httpx.Request, farm: str) -> httpx.Response:
        del self.farms[farm]
        return httpx.Response(204)

    def post_farms_rest(self, request: httpx.Request, farm: str) -> httpx.Response:
        return httpx.Response(204)

    def post_farms_renders(self, request: httpx.Request, farm: str) -> httpx.Response:
        key = request.headers["X-Once"]
        if key in self.renders:
            return httpx.Response(409, json={"code": "seen", "text": "again"})
        self.renders[key] = {
            "render": {"id": f"x{len(self.renders)}", "scene": self._sent(request)["sceneName"]},
            "phase": "waiting",
            "priceInCents": 1.5,
            "farm": farm,
            "bornAt": datetime.now(UTC).timestamp(),
        }
        if self.lose:
            raise httpx.ReadTimeout("lost", request=request)
        return httpx.Response(202, json=self.renders[key])

    def get_farms_renders(self, request: httpx.Request, farm: str) -> httpx.Response:
        listed = [one for one in reversed(self.renders.values()) if one["farm"] == farm]
        return httpx.Response(200, json={"renders": listed, "after": None})

    def get_farms_renders_one(
        self, request: httpx.Request, farm: str, render: str
    ) -> httpx.Response:
        one = next(r for r in self.renders.values() if r["render"]["id"] == render)
        end = {"phase": "dropped", "why": "no sun"} if one["render"]["scene"] == "night" else {}
        return httpx.Response(200, json={**one, "phase": "done", "priceInCents": 2, **end})

    def post_cakes(self, request: httpx.Request) -> httpx.Response:
        cake = {"cake": f"x{len(self.cakes)}", "heat": "cold", "minutes": 0}
        cake = self.cakes.setdefault(request.headers["Cake-Once"], cake)
        return httpx.Response(200, json=cake)

    def get_cakes(self, request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json={"cakes": list(self.cakes.values())})

    def get_cakes_one(self, request: httpx.Request, cake: str) -> httpx.Response:
        return httpx.Response(200, json={"cake": cake, "heat": "cake", "rise": 1})

    def get_colours(self, request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json={"names": [{"name": "red"}, {"name": "blue"}]})


@pytest.fixture(scope="module")
def farm_client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ModuleType]:
    with imported(load(HERE / "farm.yaml"), tmp_path_factory.mktemp("farm"), "farm_client") as made:
        yield made


@pytest.fixture
def server() -> Farm:
    return Farm()


@pytest.fixture
def client(farm_client: ModuleType, server: Farm, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.setenv("FARM_KEY", "farm_key")
    http = httpx.Client(transport=httpx.MockTransport(server))
    with farm_client.FarmClient(http_client=http) as made:
        yield made


def test_what_is_kept_is_made_seen_changed_and_gone(
    farm_client: ModuleType, client: Any, server: Farm
) -> None:
    made = client.farms.create(title="North")
    assert client.farms.update(made.meta.id, title="South").title == "South"
    assert client.farms.retrieve(made.meta.id).title == "South"
    client.farms.update(made.meta.id, title="South", farm_id_of_body="f9")
    assert (made.meta.id, server.farms[made.meta.id]["farm_id"]) == ("f0", "f9")
    assert client.farms.rest_farm(made.meta.id) is None
    assert client.farms.delete(made.meta.id) is None
    with pytest.raises(farm_client.NotFoundError):
        client.farms.retrieve(made.meta.id)


def test_a_key_that_leads_to_nothing_else_still_makes_repeating_safe(
    farm_client: ModuleType, client: Any, server: Farm
) -> None:
    answers = [httpx.Response(502), httpx.Response(409, json={"code": "seen", "text": "again"})]
    server.post_farms = lambda _request: answers.pop(0)  # type: ignore[method-assign]
    with pytest.raises(farm_client.IdempotencyDuplicateError):
        client.farms.create(title="North")
    keys = [request.headers["Open-Once"] for request in server.seen]
    assert len(keys) == 2
    assert len(set(keys)) == 1
    assert not any(name in request.headers for request in server.seen for name in ("X-Once",))


@pytest.mark.parametrize(
    ("size", "total", "pages"),
    [(None, True, 3), (3, True, 3), (2, True, 4), (None, False, 4), (3, False, 3), (7, False, 2)],
)
def test_a_list_that_counts_items_is_read_to_its_end(
    client: Any, server: Farm, size: int | None, total: bool, pages: int
) -> None:
    server.total = total
    for number in range(7):
        client.farms.create(title=str(number))
    server.seen.clear()
    listed = client.farms.list(most=size)
    assert [farm.title for farm in listed] == [str(number) for number in range(7)]
    assert len(server.seen) == pages
    first = next(listed.pages())
    rest = client.farms.list(most=size, skip=first.next_offset)
    if first.next_offset is not None:
        assert [farm.title for farm in rest] == [str(n) for n in range(len(first), 7)]
    assert first.data == {"data": {"count": 7} if total else {}}


def test_a_list_whose_offset_is_ignored_ends_with_an_error(
    farm_client: ModuleType, client: Any, server: Farm
) -> None:
    for number in range(7):
        client.farms.create(title=str(number))
    server.ignore_offset = True
    with pytest.raises(farm_client.PaginationError):
        list(client.farms.list())


def test_a_list_that_comes_at_once_reads_like_any_other(client: Any) -> None:
    assert [colour.name for colour in client.colours.list()] == ["red", "blue"]
    (page,) = client.colours.list().pages()
    assert (len(page), page.next_cursor, page.next_offset) == (2, None, None)
    assert client.colours.with_raw_response.list().parse().items[1].name == "blue"


def test_what_moves_is_waited_for_under_its_parent_and_found_again(
    farm_client: ModuleType, client: Any, server: Farm
) -> None:
    done = client.farms.renders.create_and_wait("f1", scene_name="cups", frames=3)
    assert (done.render.id, done.phase) == ("x0", "done")
    assert client.spent == 2
    server.lose = True
    started = client.farms.renders.create("f1", scene_name="plates")
    assert started.call.recovered
    assert started.render.id == "x1"
    assert [one.render.id for one in client.farms.renders.list("f1")] == ["x1", "x0"]
    assert list(client.farms.renders.list("f2")) == []
    (result,) = client.farms.renders.create_many([{"farm_id": "f1", "scene_name": "x"}])
    assert result.render.id == "x2"
    assert inspect.iscoroutinefunction(
        farm_client.AsyncFarmClient.farms.fget(client).renders.create_and_wait
    )


def test_a_resource_within_another_gives_way_to_no_method(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    document = load(HERE / "farm.yaml")
    document.tree["paths"]["/farms/{farmId}/rest"]["post"]["x-method"] = "renders"
    document.tree["paths"]["/colours"]["get"]["x-resource"] = "farms_renders"
    document.tree["paths"]["/farms"]["get"]["x-resource"] = "request"
    monkeypatch.setenv("FARM_KEY", "farm_key")
    with imported(document, tmp_path, "nested_client") as nested:
        http = httpx.Client(transport=httpx.MockTransport(Farm()))
        with nested.FarmClient(http_client=http) as client:
            assert client.farms.rest_farm("f0") is None
            assert [one.name for one in client.farms_renders.list()] == ["red", "blue"]
            assert client.farms.renders.create("f0", scene_name="cups").render.id == "x0"
            assert not hasattr(client, "renders")
            assert client.request("GET", "/farms").json() == {"data": {"farms": [], "count": 0}}
            assert list(client.request_resource.list()) == []
            assert not hasattr(client.kitchen, "with_raw_response")
            assert client.kitchen.oven.cakes.with_raw_response.retrieve("x0").status_code == 200


def test_another_ending_is_a_failure_that_says_how_to_resume(
    farm_client: ModuleType, client: Any
) -> None:
    with pytest.raises(farm_client.RunFailedError, match="render x0 failed: no sun"):
        client.farms.renders.create_and_wait("f1", scene_name="night")
    with pytest.raises(farm_client.WaitTimeoutError, match=r"farms\.renders\.wait\('f1', 'x0'\)"):
        client.farms.renders.wait("f1", "x0", timeout=0)


def test_an_id_that_the_api_gave_is_refused_by_no_pattern(
    farm_client: ModuleType, client: Any
) -> None:
    with pytest.raises(farm_client.InvalidArgumentError):
        client.farms.renders.retrieve("f1", "x0")
    client.farms.renders.create("f1", scene_name="cups")
    assert client.farms.renders.retrieve("f1", "x0").render.id == "x0"


def test_kinds_do_not_mix_and_a_key_may_be_answered_again(client: Any, server: Farm) -> None:
    client.farms.renders.create("f1", scene_name="cups")
    first = client.kitchen.oven.cakes.create(idempotency_key="mine")
    assert client.kitchen.oven.cakes.create(idempotency_key="mine").cake == first.cake == "x0"
    assert client.kitchen.oven.cakes.wait("x0").heat == "cake"
    assert client.spent == Decimal("1.5")
    assert client.kitchen.oven.cakes.create_and_wait().cake == "x1"
    assert [cake.cake for cake in client.kitchen.oven.cakes.list()] == ["x0", "x1"]


def test_what_does_not_move_is_found_again_too(
    tmp_path: Path, server: Farm, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, post = [], server.post_farms

    def lose(request: httpx.Request) -> httpx.Response:
        if made:
            return httpx.Response(409, json={"code": "seen", "text": "again"})
        made.append(post(request))
        raise httpx.ReadTimeout("lost", request=request)

    server.farms = {"f-1": {"meta": {"id": "f-1", "openedAt": "2020-01-01"}, "title": "Old"}}
    server.post_farms = lose  # type: ignore[method-assign]
    server.total = False
    monkeypatch.setenv("FARM_KEY", "farm_key")
    document = load(HERE / "farm.yaml")
    document.tree["paths"]["/farms"]["get"]["x-list"]["order"]["direction"] = "descending"
    with imported(document, tmp_path, "found_client") as found:
        http = httpx.Client(transport=httpx.MockTransport(server))
        with found.FarmClient(http_client=http, spend_limit=0) as client:
            farm = client.farms.create(title="North")
        assert (farm.meta.id, farm.title, farm.call.recovered) == ("f1", "North", True)
        assert not hasattr(client.farms, "wait")
        assert not hasattr(client.farms, "create_many")


def without(*parts: str | int) -> Document:
    """farm.yaml without a node."""
    document = load(HERE / "farm.yaml")
    node: Any = document.tree
    for part in parts[:-1]:
        node = node[part]
    del node[parts[-1]]
    return document


@pytest.mark.parametrize(
    ("document", "note"),
    [
        (
            without("x-resources", "Render", "created"),
            "not found again: its list does not say when",
        ),
        (without("x-resources", "Render", "list"), "not found again: nothing lists a Render"),
        (without("x-refusals"), "not found again: a used key is not answered with 409"),
        (
            without("paths", "/farms/{farmId}/renders", "post", "x-idempotency"),
            "sent once only: no key is stated",
        ),
    ],
)
def test_what_is_not_stated_is_not_done_and_said_in_a_line(
    tmp_path: Path, document: Document, note: str
) -> None:
    if "x-refusals" not in document.tree:
        for path, method in (("/farms", "post"), ("/farms/{farmId}/renders", "post")):
            document.tree["paths"][path][method]["x-idempotency"]["repetition"] = "replayed"
            document.tree["paths"][path][method]["x-idempotency"]["tolerated"] = ["refused"]
    if "list" not in document.tree["x-resources"]["Render"]:
        del document.tree["paths"]["/farms/{farmId}/renders"]["get"]["x-list"]
    notes = generate(document, tmp_path / "made", complete=True)
    assert any(note in one and "\n" not in one for one in notes), notes
    text = (tmp_path / "made" / "operations.py").read_text()
    assert "recovery=" not in text
    assert "polling=" in text
    assert (
        "def create_and_wait(" in (tmp_path / "made" / "resources" / "farms_renders.py").read_text()
    )


def test_without_a_key_a_create_is_sent_once(
    tmp_path: Path, server: Farm, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lose(_request: httpx.Request, _farm: str) -> httpx.Response:
        raise httpx.ReadTimeout("lost", request=_request)

    server.post_farms_renders = lose  # type: ignore[method-assign]
    monkeypatch.setenv("FARM_KEY", "farm_key")
    document = without("paths", "/farms/{farmId}/renders", "post", "x-idempotency")
    with imported(document, tmp_path, "once_client") as once:
        http = httpx.Client(transport=httpx.MockTransport(server))
        with (
            once.FarmClient(http_client=http) as client,
            pytest.raises(once.APITimeoutError, match="look for what it made") as caught,
        ):
            client.farms.renders.create("f1", scene_name="cups")
    assert caught.value.may_have_started
    assert len(server.seen) == 1
    assert "x-once" not in server.seen[0].headers
