"""How pages render the contract behind them: what a form of page shows, and what it never does.

Two pages rendered from one contract differ by their form alone: the HTTP pages drop null, the
TypeScript pages drop constraints. What a form cannot show it can neither state nor contradict.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from flora_contract.documents.facts.fact import CONSTRAINTS, Place


@dataclass(frozen=True)
class SourceKind:
    """A kind of source, which differs from the others by what it never shows.

    `rank`: whom to believe where two differ; the least is believed. `silent`: aspects it never
    shows. `integers`: whether it tells integer from number. `complete`: whether what it does not
    say of a place that it describes is not there. `whole_samples`: its samples are rendered with
    every field, so that the keys of an object described nowhere else are its fields, and those in
    each of its samples the required ones. `readable`: whether a file states it.
    """

    title: str
    rank: int
    silent: frozenset[str] = frozenset()
    integers: bool = True
    complete: bool = False
    whole_samples: bool = False
    readable: bool = True


_BOUNDS = frozenset(CONSTRAINTS)
FORMS = {
    "http": SourceKind(
        "HTTP reference page", 0, frozenset({"nullable"}), complete=True, whole_samples=True
    ),
    "typescript": SourceKind(
        "TypeScript reference page",
        0,
        _BOUNDS,
        integers=False,
        complete=True,
        whole_samples=True,
    ),
    "guide": SourceKind("guide", 0, _BOUNDS | {"nullable"}),
    "sdk": SourceKind("TypeScript SDK", 1, _BOUNDS, integers=False, complete=True),
    # Other public material: held as far as facts/elsewhere.yaml goes, and silent beyond.
    "elsewhere": SourceKind("other public material", 2, _BOUNDS | {"nullable"}, readable=False),
}

MODELS = {
    "GenerationCreateResponse": Place("POST /generate", "answer"),
    "GenerationRetrieveResponse": Place("GET /runs/{runId}", "answer"),
    # The SDK hands out the items of a page, and so the reference shows no page.
    "GenerationListResponse": Place("GET /generations", "answer", "generations[]"),
}
"""Where the models stand that pages describe by name, apart from an operation."""

CREATE = Place("POST /generate")
POLL = Place("GET /runs/{runId}")
REFUSAL = "input_validation_error"
"""The error code of what the guide calls validation issues."""


@dataclass(frozen=True)
class Saying:
    """A rule that pages state in prose.

    It stands at the place that the sentence describes, or at `place`. In the contract it is held by
    a description that matches `held`, or, where `held` is a C-number, by a node that carries it.
    `words` are those of a description that is drafted.
    """

    name: str
    stated: re.Pattern[str]
    held: str
    place: Place | None = None
    words: str = ""


SAYINGS = [
    Saying(
        "generations are polled, no webhooks",
        re.compile(r"polling-only .* webhooks aren.t available"),
        "C6",
        Place(CREATE.operation, "body"),
    ),
    Saying(
        "outputs do not last for ever",
        re.compile(r"long-lived but not permanent"),
        "C14",
        Place(POLL.operation, "answer", "outputs[].url"),
    ),
    Saying("US dollars", re.compile(r"\bin USD\b"), r"US dollars", words="In US dollars."),
    Saying(
        "newest first", re.compile(r"\bnewest first\b"), r"newest first", words="The newest first."
    ),
    Saying("opaque", re.compile(r"^Opaque\b"), r"Opaque", words="Opaque."),
    Saying(
        "the workspace default when left out",
        re.compile(r"[Ii]f omitted, the workspace default"),
        r"workspace's default",
        words="The workspace's default is used when left out.",
    ),
    Saying("is billed", re.compile(r"\bwill be billed\b"), r"\bbilled\b", words="What is billed."),
    Saying(
        "no display name",
        re.compile(r"not (a|pass) display name"),
        r"not its display name",
        words="The id, not its display name.",
    ),
    Saying(
        "no model families",
        re.compile(r"[Dd]o not pass model families"),
        r"[Ff]amilies of models",
        words="Families of models are not taken.",
    ),
    Saying(
        "url or text",
        re.compile(r"URL or text content"),
        r"the text itself",
        words="A URL, or the text itself.",
    ),
]
HELD = {saying.name: saying.held for saying in SAYINGS}
DRAFTED = {saying.name: saying.words for saying in SAYINGS}
