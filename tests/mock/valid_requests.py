"""A check for schemathesis: what the mock must do with requests that the contract calls valid.

Its own check knows statuses only. A schema cannot say which models there are for a type and which
cursors were given out; all else that it calls valid must be done.
"""

from __future__ import annotations

import schemathesis

from flora_contract import shipped

DATA = shipped.contract("mock").tree["x-mock-entities"]
MODELS = {model["model_id"]: model for model in DATA["Model"]}


@schemathesis.check
def valid_requests_are_done(
    ctx: schemathesis.CheckContext, response: schemathesis.Response, case: schemathesis.Case
) -> None:
    if case.meta is None or not case.meta.generation.mode.is_positive:
        return
    wrong = {entry["field"] for entry in response.json().get("error", {}).get("fields", ())}
    match case.operation.method.upper(), case.operation.path:
        case "POST", _:
            model = case.body.get("model")
            available = model is None or MODELS.get(model, {}).get("type") == case.body["type"]
            expected = ({201, 409}, set()) if available else ({400}, {"model"})
        case "GET", "/generations" | "/projects" if "cursor" in (case.query or {}):
            expected = ({400}, {"cursor"})
        case "GET", "/generations":
            expected = ({200}, set())
        case _:
            expected = ({200, 404}, set())
    assert response.status_code in expected[0], response.text
    assert wrong == expected[1], response.text
