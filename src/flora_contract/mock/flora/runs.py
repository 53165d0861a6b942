"""Runs: what a model costs and takes, how it ends, and what it makes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from flora_contract.mock.flora import files
from flora_contract.mock.handlers import Handler
from flora_contract.mock.state.entities import MICROS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flora_contract.mock.state.entities import Entity
    from flora_contract.openapi import Document

_SHOWN_AS: Final = {"imageUrl": "img", "videoUrl": "video", "audioUrl": "audio", "documentUrl": "a"}


class Runs(Handler):
    """Every run goes by the data of its model; the first of a type is a workspace's default."""

    def __init__(self, document: Document) -> None:
        self._models: dict[str, dict[str, Any]] = {
            model["model_id"]: model for model in document.tree["x-mock-entities"]["Model"]
        }
        self._defaults = {model["type"]: model for model in reversed(self._models.values())}
        self._facts = {name: _facts(model) for name, model in self._models.items()}
        self.shown = {"outputs": _outputs}
        self.files = {files.PREFIX: files.answer}

    def begin(self, entity: Entity, referred: Mapping[str, Entity]) -> None:
        model = referred["model"].members if "model" in referred else self._default(entity)
        entity.members["model"] = model["model_id"]
        entity.cost = round(model["cost"] * MICROS)
        entity.facts = self._facts.get(model["model_id"]) or _facts(model)
        if "error" in model:
            entity.final = "failed"

    def about(self, entity: Entity) -> tuple[str, str]:
        return entity.members["prompt"], entity.members["model"]

    def exhibits(self, entity: Entity) -> list[tuple[str, str]]:
        return [
            (_SHOWN_AS.get(output["type"], "text"), output["url"])
            for output in _outputs(entity, 0, "")
        ]

    def _default(self, entity: Entity) -> dict[str, Any]:
        return self._defaults[entity.members["type"]]


def _facts(model: dict[str, Any]) -> dict[str, Any]:
    """What is kept of a model with its runs, one for all of them."""
    facts = {"estimated_seconds": model["seconds"], "makes": model.get("outputs", [])}
    if "error" in model:
        facts |= {"error_code": model["error"]["code"], "error_message": model["error"]["message"]}
    return facts


def _outputs(entity: Entity, _now: int, origin: str) -> list[dict[str, str]]:
    return [
        {"output_id": f"output_{number}", "type": kind, "url": _url(entity, number, kind, origin)}
        for number, kind in enumerate(entity.facts["makes"], 1)
    ]


def _url(entity: Entity, number: int, kind: str, origin: str) -> str:
    if kind != "text":
        return f"{origin}{files.PREFIX}{entity.id}/{files.file_name(number, kind)}"
    subject = " ".join(entity.members["prompt"].split())[:200] or "Nothing in particular"
    return f"{subject}. Written by {entity.members['model']}, which says so every time it is asked."
