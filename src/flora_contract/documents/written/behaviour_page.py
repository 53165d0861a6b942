"""The page docs/behaviour.md: what can be stated of behaviour, what is, and what is not.

Each resource and each operation has an anchor, its kind or its operationId, and so has the life
of a resource (`Run.life`), so that a finding can lead to what it was judged by.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from flora_contract.documents.written.vocabulary_page import vocabulary_sections
from flora_contract.openapi.behaviour import VOCABULARY
from flora_contract.openapi.behaviour_gaps import gaps
from flora_contract.openapi.behaviour_reading import read_refusals
from flora_contract.report.markdown import code, table

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sized

    from flora_contract.openapi.behaviour import (
        Behaviour,
        Errors,
        Idempotency,
        Life,
        Listing,
        OperationBehaviour,
        Refusal,
        Resource,
        Role,
        Statement,
    )

_INTRODUCTION = """\
# Behaviour

A schema does not say what an operation does over time: what creates a resource, what shows it,
which states it goes through, what a key repeats, what costs money. This is stated once, in
`overlays/behaviour.yaml`. The client (paging, waiting, recovery), the mock (what it keeps), the
suite (what it sends and how it judges) and this page are derived from it. Where nothing is stated,
they do less and do not guess.

- What is stated: [errors](#errors), [resources](#resources), [operations](#operations)
- [What is not stated](#what-is-not-stated)
- [What can be stated](#what-can-be-stated)

Labels such as S003 are [sources](sources.md), numbers such as C5 are [conflicts](conflicts.md).
`nox -s make` writes this page.
"""

_VOCABULARY = """\
## What can be stated

Statements are OpenAPI extensions on the document or on an operation. Each may have `x-source` and
`x-conflict`. A name that the contract does not have, or two statements that contradict each other,
are an error with file and line when the contract is loaded. `flora-contract lint` lists what is not
stated of an operation.
"""

_VERBS: Final[dict[Role, str]] = {
    "create": "Makes {one}.",
    "read": "Shows {one}.",
    "list": "Lists every {kind} that the caller may see.",
    "update": "Changes {one}.",
    "delete": "Deletes {one}.",
    "act": "Acts on {one}.",
}


def behaviour_page(behaviour: Behaviour) -> str:
    """The page as Markdown."""
    parts = [_INTRODUCTION, "## What is stated\n", *_errors(behaviour), "### Resources\n"]
    for resource in behaviour.resources.values():
        parts += _resource(resource)
    parts.append("### Operations\n")
    for operation in behaviour.operations.values():
        parts += _operation(behaviour, operation)
    parts += ["## What is not stated\n", *_silence(behaviour), _VOCABULARY, *vocabulary_sections()]
    return "\n".join(parts)


# Errors


def _errors(behaviour: Behaviour) -> Iterator[str]:
    yield "### Errors\n"
    facts = list(_of_error_answers(behaviour.errors))
    if facts:
        yield "In an error answer:\n"
        yield _bullets(facts)
    refusals = read_refusals(behaviour.document, ()).values()
    if refusals:
        yield "Of every operation, in the order in which they are looked at:\n"
        yield _refusals(refusals)
    if behaviour.errors.codes:
        pairs = behaviour.errors.codes.items()
        yield "Codes that some source pairs with a status, besides:\n"
        yield table(("status", "codes"), ((str(s), _listed(codes)) for s, codes in pairs))


def _of_error_answers(errors: Errors) -> Iterator[str]:
    if errors.code:
        yield f"{code(errors.code)} is its kind, for programs"
    if errors.message:
        yield f"{code(errors.message)} says what went wrong, for people"
    if errors.fields:
        name, message = code(errors.field_name), code(errors.field_message)
        yield f"{code(errors.fields)} lists what is wrong in the request: {name} and {message}"
    if errors.request_id:
        yield f"the header {code(errors.request_id)}, which every answer has, names the exchange"
    if errors.retry_after:
        yield f"the header {code(errors.retry_after)} says how many seconds to wait"
    if errors.also:
        statuses = " and ".join(map(str, errors.also))
        yield f"{statuses} are documented for no operation, and accepted with a warning"


def _refusals(refusals: Iterable[Refusal]) -> str:
    conditions = VOCABULARY["$defs"]["x-refusals"]["properties"]
    return table(
        ("what is wrong", "status", "code", "also accepted", "stated by", "points"),
        (
            (
                conditions[refusal.condition]["description"].rstrip("."),
                str(refusal.status),
                code(refusal.code) if refusal.code else "",
                ", ".join(map(str, refusal.also)),
                *_labels(refusal.statement),
            )
            for refusal in refusals
        ),
    )


# Resources


def _resource(resource: Resource) -> Iterator[str]:
    yield f"#### {_anchor(resource.kind)}{resource.kind}\n"
    yield f"{_identity(resource)} {_stated_by(resource.statement)}\n"
    yield table(
        ("role", "operation"),
        (
            (role, ", ".join(f"[{name}](#{name})" for name in ids))
            for role, ids in resource.operations.items()
        ),
    )
    facts = list(_of_a_resource(resource))
    if facts:
        yield _bullets(facts)
    if resource.references:
        yield "Other resources that requests about it name:\n"
        yield _references(resource)
    if resource.shows:
        yield "What the request that makes it says, and where it is shown from then on:\n"
        shown = (
            (code(sent), code(path) if path else "nowhere") for sent, path in resource.shows.items()
        )
        yield table(("sent", "shown"), shown)
    if resource.life is not None:
        yield from _life(resource, resource.life)


def _identity(resource: Resource) -> str:
    also = f", also {_listed(resource.aliases)}" if resource.aliases else ""
    prefix = f", and begins with {code(resource.prefix)}" if resource.prefix else ""
    owner = (
        "All accounts see the same."
        if resource.owner == "everyone"
        else "It belongs to one account; to every other it does not exist."
    )
    return f"Its id is {code(resource.id)}{also}{prefix}. {owner}"


def _of_a_resource(resource: Resource) -> Iterator[str]:
    for parameter, path in resource.path.items():
        yield f"{code(parameter)} in a path holds {code(path)}"
    if resource.link:
        yield f"{code(resource.link)} is a URL that shows it"
    if resource.created:
        yield f"{code(resource.created)} says when it was made"
    if resource.updated:
        yield f"{code(resource.updated)} says when it was last changed"
    if resource.constant:
        yield f"{_listed(resource.constant)} never changes"
    if resource.cost:
        cost = f"{code(resource.cost)} is what it costs in US dollars"
        yield f"{cost}: everywhere the same, or 0 after a failure"


def _references(resource: Resource) -> str:
    rows = []
    for reference in resource.references.values():
        matching = (
            f"{code(ours)} is its {code(their)}" for their, ours in reference.matching.items()
        )
        unknown = reference.unknown
        answer = f"{unknown.status} {code(unknown.code or '')}" if unknown else ""
        kind = f"[{reference.to}](#{reference.to})"
        labels = _labels(reference.statement)
        rows.append((code(reference.member), kind, ", ".join(matching), answer, *labels))
    header = ("member", "names a", "of which", "unknown ids get", "stated by", "points")
    return table(header, rows)


def _life(resource: Resource, life: Life) -> Iterator[str]:
    yield f"##### {_anchor(f'{resource.kind}.life')}Life of {resource.one}\n"
    steps = " → ".join(_listed(step, "or") for step in life.order)
    order = f"{code(life.state)}: {steps}; only forward."
    final = f"{_listed(life.final)} {_are(life.final)} final."
    failed = sorted(life.failed)
    unlucky = f" {_listed(failed)} {_are(failed)} no success." if failed else ""
    yield f"{order} {final}{unlucky} {_stated_by(life.statement)}\n"
    if life.members:
        rows = (
            (
                code(presence.member),
                _listed((s for s in life.states if s in presence.states), "or"),
                "must be there" if presence.required else "may be there",
                (presence.severity or "violation") if presence.required else "",
            )
            for presence in life.members.values()
        )
        yield table(("member", "only when", "then it", "else that is a"), rows)
    facts = list(_of_a_life(life))
    if facts:
        yield _bullets(facts)


def _of_a_life(life: Life) -> Iterator[str]:
    if life.times:
        yield f"{_listed(life.times)}: none is before the one to its left"
    if life.grows:
        yield f"{code(life.grows)} never shrinks, unless it fails"
    if life.estimate:
        yield f"{code(life.estimate)} says in how many seconds it may be done"
    told = [path for path in (life.error_code, life.error_message) if path]
    if told:
        yield f"{_listed(told)} say why it failed"


# Operations


def _operation(behaviour: Behaviour, operation: OperationBehaviour) -> Iterator[str]:
    endpoint, resource = operation.endpoint, operation.resource
    yield f"#### {_anchor(operation.id)}{endpoint.label}\n"
    if resource is not None and operation.role is not None:
        verb = _VERBS[operation.role].format(one=resource.one, kind=resource.kind)
        verb = verb.replace(resource.kind, f"[{resource.kind}](#{resource.kind})")
        yield f"{code(operation.id)}. {verb}\n"
    else:
        yield f"{code(operation.id)}.\n"
    node = endpoint.operation.node
    facts = [*_of_a_list(operation, operation.listing)] if operation.listing else []
    if operation.idempotency is not None:
        facts += _of_a_key(operation, operation.idempotency)
    elif node.get("x-idempotency") is False:
        facts.append("takes no key that names a request")
    facts += _of_a_price(operation)
    facts += [
        f"{code(path)} is {'never shown' if value is None else f'always {code(str(value))}'}"
        for path, value in operation.answers.items()
    ]
    if facts:
        yield _bullets(facts)
    if operation.listing is not None and operation.listing.filters:
        yield _filters(operation.listing)
    own = read_refusals(behaviour.document, endpoint.operation.pointer).values()
    if own:
        yield "Answered otherwise than elsewhere:\n"
        yield _refusals(own)


def _of_a_list(operation: OperationBehaviour, listing: Listing) -> Iterator[str]:
    order = _order(operation, listing)
    yield f"the list is {code(listing.items)}{order} {_stated_by(listing.statement)}"
    if listing.size:
        yield f"{code(listing.size)} is the most that is wanted on a page"
    if listing.cursor and listing.next:
        goes_on = f"{code(listing.cursor)} takes what {code(listing.next)} gave"
        yield f"{goes_on}, which is null or absent on the last page"
    if listing.offset:
        yield f"{code(listing.offset)} is how many are left out from the start"
    if not listing.paged:
        yield "all come at once"
    if listing.total:
        yield f"{code(listing.total)} says about how many there are"


def _order(operation: OperationBehaviour, listing: Listing) -> str:
    if listing.order is None:
        return ", in no stated order"
    created = operation.resource is not None and listing.order == operation.resource.created
    if created:
        words = "newest first" if listing.descending else "oldest first"
    else:
        words = "from great to small" if listing.descending else "from small to great"
    return f", {words} by {code(listing.order)}"


def _filters(listing: Listing) -> str:
    rows = (
        (code(f.parameter), code(f.member), "contains it" if f.match == "contains" else "equals it")
        for f in listing.filters.values()
    )
    return table(("query parameter", "member", "which"), rows)


def _of_a_key(operation: OperationBehaviour, key: Idempotency) -> Iterator[str]:
    used = operation.refusals.get("used-key")
    refused = f"is refused ({used.status} {code(used.code or '')})" if used else "is refused"
    gets = {"refused": refused, "replayed": "gets the first answer again"}
    also = [gets[way] for way in key.tolerated]
    tolerated = f"; that it {' or '.join(also)} is accepted" if also else ""
    yield (
        f"{code(key.header)} names a request: for {_seconds(key.window)} another one under it"
        f" {gets[key.repetition]}{tolerated} {_stated_by(key.statement)}"
    )
    if key.freed:
        yield "a request that is refused leaves its key unused"


def _of_a_price(operation: OperationBehaviour) -> Iterator[str]:
    charges = operation.charges
    if charges is not None:
        by = f", which depends on {code(charges.by)}" if charges.by else ""
        yield (
            f"may cost money: {code(charges.cost)} in US dollars{by}"
            f" {_stated_by(charges.statement)}"
        )
    elif operation.endpoint.operation.node.get("x-charges") is False:
        yield "is free"


# What is not stated


def _silence(behaviour: Behaviour) -> Iterator[str]:
    yield "On purpose, because no source says it:\n"
    yield _bullets(list(_chosen(behaviour)) or ["nothing"])
    yield "Also:\n"
    found = [
        f"[{operation.id}](#{operation.id}): {gap}"
        for operation in behaviour.operations.values()
        for gap in gaps(operation)
    ]
    yield _bullets(found or ["nothing"])


def _chosen(behaviour: Behaviour) -> Iterator[str]:
    for operation in behaviour.operations.values():
        stated = operation.endpoint.operation.node.get("x-list", {})
        link = f"[{operation.id}](#{operation.id})"
        if stated.get("order", ...) is None:
            yield f"{link}: the order of what it lists"
        for parameter, member in stated.get("filters", {}).items():
            if member is None:
                yield f"{link}: what the query parameter {code(parameter)} does"


# Words


def _labels(statement: Statement) -> tuple[str, str]:
    return ", ".join(statement.sources), ", ".join(statement.conflicts)


def _stated_by(statement: Statement) -> str:
    """The labels of a statement, in brackets; nothing where it has none."""
    labels = [*statement.sources, *statement.conflicts]
    return f"({', '.join(labels)})" if labels else ""


def _anchor(name: str) -> str:
    return f'<a id="{name}"></a>'


def _bullets(lines: list[str]) -> str:
    return "\n".join(f"- {line.rstrip()}" for line in lines) + "\n"


def _listed(names: Iterable[str], last: str = "and") -> str:
    """`a`, `b` and `c`."""
    *first, final = map(code, names)
    return f"{', '.join(first)} {last} {final}" if first else final


def _are(names: Sized) -> str:
    return "is" if len(names) == 1 else "are"


def _seconds(number: float) -> str:
    return f"{number:,.10g} s"
