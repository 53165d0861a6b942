"""The dimensions of a request: what its statements and its schema leave open, choice by choice.

A case has one choice of each dimension. Covering arrays of those that a server must take cover
every pair; a choice that it must refuse is tried with each of the others, and with no second one,
which would hide it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import combinations, product
from typing import TYPE_CHECKING, Any

import covertable

from flora_contract.conformance.coverage import APART, HIDDEN, PLAINLY
from flora_contract.conformance.exchange import (
    ABSENT,
    BROKE,
    OTHER,
    OWNER,
    Credential,
)
from flora_contract.conformance.flora import values as flora
from flora_contract.conformance.plan.drafts import SOME, free_texts, outer_members, valid
from flora_contract.conformance.session import NotTested, PlannedRequest
from flora_contract.conformance.values import NOBODYS, unknown, unknowns

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from flora_contract.conformance.coverage import Pair
    from flora_contract.conformance.exchange import Exchange
    from flora_contract.conformance.session import Session
    from flora_contract.openapi.behaviour import OperationBehaviour, Resource

ODD_TEXTS = (
    "Чашка \N{TEAPOT} 茶碗 \N{SPARKLES} e\N{COMBINING ACUTE ACCENT}",
    "mug \N{RIGHT-TO-LEFT OVERRIDE}gum\N{POP DIRECTIONAL FORMATTING}",
    "a \"mug\"\n\tand \\ 'cup' </script> {{x}} %s ; --",
)
LONG = ("a mug, " * 800).strip()

ACCOUNT, PLACE, ID, TEXT, KEY = "account", "place", "id", "text", "key"
WRONG, POSITION = "wrong", "position"
"""Dimensions that are no member and no parameter of an operation."""


@dataclass(frozen=True)
class Choice:
    """One value of a dimension. `refused` is what must be; `needs` what it takes to make it; `only`
    names the one choice of another dimension that it goes with."""

    name: str
    value: Any = None
    refused: bool = False
    needs: str = ""
    only: tuple[str, str] | None = None


NEW_KEY, NO_KEY = Choice("new", ""), Choice("none")

Dimensions = dict[str, list[Choice]]
Case = dict[str, Choice]


@dataclass(frozen=True)
class KeyedRequest:
    """A request, and by whom and under which key it is sent; `authorization` as in a session."""

    request: PlannedRequest
    credential: Credential = OWNER
    authorization: str | None = None
    key: str | None = ""

    def send(self, session: Session) -> Exchange:
        return session.ask(
            self.request, self.credential, key=self.key, authorization=self.authorization
        )


# What there is to choose from


def dimensions(session: Session, operation: OperationBehaviour) -> Dimensions:
    """Every dimension of an operation, each with the plainest choice first."""
    found: Dimensions = {ACCOUNT: accounts(session, operation)}
    kind = operation.resource
    references = kind.references if kind is not None else {}
    if operation.endpoint.takes_body or operation.endpoint.parameters_in("path"):
        found[PLACE] = [Choice("first", 0), *_second(session, operation)]
        if operation.endpoint.takes_body and session.ledger.facts.places(OTHER):
            numbers = range(len(session.ledger.facts.places(OWNER)))
            found[PLACE] += [Choice(f"foreign {n + 1}", ~n, refused=True) for n in numbers]
    for name, member in outer_members(operation).items():
        choices = [Choice(value, value) for value in member.values]
        if not member.required:
            choices = [Choice("absent", ...), *(choices or [Choice("present", SOME)])]
        elif name in references:
            choices = [Choice("own", SOME)]
        found[name] = choices
    for name, reference in references.items():
        if name in operation.endpoint.request_members:
            found[name] += _strangers(
                session, operation, name, session.behaviour.kind(reference.to)
            )
    if free_texts(operation):
        texts = [Choice(f"odd {n}", text) for n, text in enumerate(ODD_TEXTS, 1)]
        found[TEXT] = [Choice("plain"), *texts, Choice("long", LONG)]
    if operation.idempotency is not None:
        used = Choice("used by another account", lambda c: session.key_of_another(c))
        found[KEY] = [NEW_KEY, NO_KEY, *twins(session, operation), used]
    found |= _asked(session, operation)
    return {name: choices for name, choices in found.items() if choices}


def _asked(session: Session, operation: OperationBehaviour) -> Dimensions:
    """Filters of a list, sizes of its pages, and which of them."""
    listing, found = operation.listing, Dimensions()
    if listing is None:
        return found
    for name, stated in listing.filters.items():
        values = filter_values(session, operation, name, OWNER)
        known = _is_set(operation, name)
        choices = [
            Choice(value if known else f"own {n}", _nth(session, operation, name, n))
            for n, value in enumerate(values)
        ]
        found[name] = [Choice("absent"), *choices]
        reference = operation.resource.references.get(stated.member) if operation.resource else None
        if reference is not None:
            target = session.behaviour.kind(reference.to)
            found[name] += _strangers(session, operation, stated.member, target)
        elif not _is_set(operation, name) and _is_text(operation, name):
            found[name].append(Choice("unknown", NOBODYS, refused=True))
    if listing.size is not None:
        most = operation.endpoint.parameters[listing.size]["schema"].get("maximum", 100)
        found[listing.size] = [Choice("absent"), *(Choice(str(n), n) for n in (1, 3, most))]
    if listing.paged:
        found[POSITION] = [Choice("first", 0), Choice("later", 1)]
    return found


def _is_set(operation: OperationBehaviour, parameter: str) -> bool:
    return "enum" in operation.endpoint.parameters[parameter]["schema"]


def _is_text(operation: OperationBehaviour, parameter: str) -> bool:
    return bool(
        operation.endpoint.parameters[parameter]["schema"].get("type", "string") == "string"
    )


def _nth(
    session: Session, operation: OperationBehaviour, name: str, number: int
) -> Callable[[Credential], str]:
    """A value of a filter that means something to whoever asks."""

    def found(credential: Credential) -> str:
        values = filter_values(session, operation, name, credential)
        if not values:
            raise NotTested(f"needs something of the account {credential.name} to filter by")
        return values[number % len(values)]

    return found


def filter_values(
    session: Session, operation: OperationBehaviour, name: str, credential: Credential
) -> list[str]:
    """Values for a filter of a list: those of its set, own ids, or what was seen."""
    assert operation.listing is not None
    kind, member = operation.resource, operation.listing.filters[name].member
    known = operation.endpoint.parameters[name]["schema"].get("enum", ())
    if kind is None or known:
        return [value for value in known if isinstance(value, str)]
    reference = kind.references.get(member)
    if reference is not None:
        told = [
            p[reference.to] for p in session.ledger.facts.places(credential) if reference.to in p
        ]
        return told or session.ledger.ids(session.behaviour.kind(reference.to), credential)[:2]
    values: dict[str, None] = {}
    for instance in session.ledger.of(kind):
        if session.ledger.knows(kind, instance.id, credential):
            value = instance.value(member)
            for each in value if isinstance(value, list) else [value]:
                if isinstance(each, str | int) and each != "":
                    values[str(each).lower() if isinstance(each, bool) else str(each)] = None
    return list(values)[:2]


def accounts(session: Session, operation: OperationBehaviour) -> list[Choice]:
    """Who may ask, and who may not: for an account a credential and its header."""
    settings = session.settings
    need = "" if settings.other_api_key else "needs --other-api-key"
    found = [Choice("owner", (OWNER, None)), Choice("other", (OTHER, None), needs=need)]
    if operation.charges is not None:
        need = "" if settings.broke_api_key else "needs --broke-api-key"
        if not need and _needs_places(operation) and not session.ledger.facts.places(BROKE):
            need = "needs --broke-workspace and --broke-project"
        found.append(Choice("without credits", (BROKE, None), refused=True, needs=need))
    if session.behaviour.is_secured(operation):
        found.append(Choice("no key", (ABSENT, None), refused=True))
        found += [
            Choice(credential.name, (credential, header), refused=True)
            for credential, header in wrong_credentials(settings.api_key or "")
        ]
    return found


def _needs_places(operation: OperationBehaviour) -> bool:
    kind = operation.resource
    return kind is not None and any(r.to in flora.PLACES for r in kind.references.values())


def wrong_credentials(api_key: str) -> list[tuple[Credential, str]]:
    """Near misses of a key, each with the header that carries it."""
    flipped = api_key[:-1] + ("0" if api_key[-1:] != "0" else "1")
    capitals = api_key.upper() if api_key.upper() != api_key else api_key.lower()
    shown = (
        ("wrong key", "Bearer sk_conformance_wrong", "Bearer sk_conformance_wrong"),
        ("shortened key", "Bearer ${FLORA_API_KEY%?}", f"Bearer {api_key[:-1]}"),
        ("lengthened key", "Bearer ${FLORA_API_KEY}x", f"Bearer {api_key}x"),
        ("changed key", "Bearer ${FLORA_API_KEY%?}0", f"Bearer {flipped}"),
        ("key in capitals", "Bearer ${FLORA_API_KEY^^}", f"Bearer {capitals}"),
        ("other scheme", "Basic $FLORA_API_KEY", f"Basic {api_key}"),
        ("no scheme", "$FLORA_API_KEY", api_key),
        ("empty key", "Bearer", "Bearer"),
    )
    return [(Credential(name, False, told), header) for name, told, header in shown]


def places(
    session: Session, operation: OperationBehaviour, credential: Credential
) -> list[dict[str, str]]:
    """Where an account may do it: ids that belong together, told or made before."""
    told = [dict(place) for place in session.ledger.facts.places(credential)]
    kind = operation.resource
    if told or kind is None:
        return told
    parents = {r.to for m, r in kind.references.items() if m in kind.path.values()}
    required = {
        r.to
        for m, r in kind.references.items()
        if (member := operation.endpoint.request_members.get(m)) and member.required
    }
    return [
        {to: id_}
        for to in sorted(parents | required)
        for id_ in session.ledger.ids(session.behaviour.kind(to), credential)[:2]
    ]


def _second(session: Session, operation: OperationBehaviour) -> list[Choice]:
    kind = operation.resource
    if len(places(session, operation, OWNER)) > 1:
        return [Choice("second", 1)]
    named = kind is not None and any(r.to in flora.PLACES for r in kind.references.values())
    need = "needs --second-workspace and --second-project"
    return [Choice("second", 1, needs=need)] if named else []


def _strangers(
    session: Session, operation: OperationBehaviour, member: str, target: Resource
) -> Iterator[Choice]:
    """Ids that a member must not have: another account's, nobody's, and one that does not match."""
    if target.owner == "account":
        yield Choice("foreign", _foreign(session, target), refused=True)
    for number, id_ in enumerate(unknowns(target)):
        yield Choice(f"unknown {number or ''}".strip(), id_, refused=True)
    further = places(session, operation, OWNER)[1:]
    references = operation.resource.references if operation.resource is not None else {}
    tied = {m for r in references.values() for m in r.matching.values()}
    if further and (member in tied or references[member].matching) and target.kind in further[0]:
        id_ = further[0][target.kind]
        yield Choice("elsewhere", lambda c: id_ if c == OWNER else unknown(target), refused=True)


def _foreign(session: Session, target: Resource) -> Callable[[Credential], str]:
    """The id of what belongs to another account than the one that asks."""

    def found(credential: Credential) -> str:
        stranger = OTHER if credential != OTHER else OWNER
        ledger = session.ledger
        told = [p[target.kind] for p in ledger.facts.places(stranger) if target.kind in p]
        seen = [i.id for i in ledger.of(target) if ledger.owner(target, i.id) == stranger]
        if not told and not seen:
            options = [f"--foreign-{o}" for k, o in flora.PLACES.items() if k == target.kind]
            raise NotTested(f"needs {options[0] if options else 'ids of the other account'}")
        return (told or seen)[0]

    return found


def twins(session: Session, operation: OperationBehaviour) -> list[Choice]:
    """Keys that a server may take for one another, though they differ: each is new to it."""
    root = f"Twin.!#$&'*+/=?^`{{|}}~%41:{session.salt}-{operation.id}-{'x' * 100}"
    names = {
        "long": root,
        "differing late": f"{root}y",
        "letter case": root.swapcase(),
        "other signs": "".join(filter(str.isalnum, root)),
    }
    # They are alike for one account only.
    return [Choice(name, key, only=(ACCOUNT, "owner")) for name, key in names.items()]


# Which cases there are


def covering(of: Dimensions, seed: str, strength: int = 2) -> list[Case]:
    """Cases of what must be taken that cover every pair of choices, or every triple for 3."""
    taken = {n: [c for c in choices if not c.refused] for n, choices in of.items()}
    taken = {n: choices for n, choices in taken.items() if choices}
    plainest = {name: choices[0] for name, choices in taken.items()}
    varied = {n: list(range(len(choices))) for n, choices in taken.items() if len(choices) > 1}
    if len(varied) < 2:
        rows = [{n: i} for n, numbers in varied.items() for i in numbers[1:]]
    else:
        rules = [
            {"operator": "or", "conditions": [_is_not(name, n), _is(other, taken[other], wanted)]}
            for name, choices in taken.items()
            for n, choice in enumerate(choices)
            if choice.only is not None
            for other, wanted in [choice.only]
            if other in varied
        ]
        most = min(strength, len(varied))
        made = covertable.make(varied, strength=most, salt=seed, constraints=rules)
        rows = [dict(row) for row in made]
    return [plainest, *({**plainest, **{n: taken[n][i] for n, i in r.items()}} for r in rows)]


def _is(name: str, choices: list[Choice], wanted: str) -> dict[str, Any]:
    numbers = [n for n, choice in enumerate(choices) if choice.name == wanted]
    return {"operator": "in", "left": name, "values": numbers}


def _is_not(name: str, number: int) -> dict[str, Any]:
    return {"operator": "ne", "left": name, "value": number}


def best_first(cases: list[Case]) -> list[Case]:
    """The first case, then each time the one that adds most choices, and of those most pairs."""
    left, ordered = list(cases), list[Case]()
    seen: set[Pair] = set()
    met: set[tuple[str, str]] = set()
    while left:
        best = left[0]
        if ordered:
            best = max(left, key=lambda c: (len(_choices(c) - met), len(pairs_of(c) - seen)))
        left.remove(best)
        if pairs_of(best) - seen or _choices(best) - met:
            ordered.append(best)
        seen |= pairs_of(best)
        met |= _choices(best)
    return ordered


def _choices(case: Case) -> frozenset[tuple[str, str]]:
    return frozenset((name, choice.name) for name, choice in case.items())


def refusals(of: Dimensions) -> Iterator[Case]:
    """Each choice that must be refused among what is plainest, for each account."""
    taken = _beside_refused(of)
    for name, choice in _refused(of):
        plain = {n: found[0] for n, found in taken.items() if n != name}
        for account in taken.get(ACCOUNT, ()) if name != ACCOUNT else ():
            yield {**plain, ACCOUNT: account, name: choice}
        if name == ACCOUNT or ACCOUNT not in taken:
            yield {**plain, name: choice}


def combined_refusals(of: Dimensions, rows: range | None = None) -> Iterator[Case]:
    """For each choice that must be refused, cases in which each of the others is met.

    `rows` are some of these cases, which then differ from one choice to the next.
    """
    taken = _beside_refused(of)
    for shift, (name, choice) in enumerate(_refused(of)):
        others = {n: found for n, found in taken.items() if n != name}
        most = max((len(found) for found in others.values()), default=1)
        for row in range(most) if rows is None else rows[:most]:
            turn = row if rows is None else row + shift
            yield {**{n: found[turn % len(found)] for n, found in others.items()}, name: choice}


def _refused(of: Dimensions) -> Iterator[tuple[str, Choice]]:
    return ((name, c) for name, choices in of.items() for c in choices if c.refused)


def _beside_refused(of: Dimensions) -> Dimensions:
    """Choices that hide no refusal; of keys the two that say nothing by themselves."""
    taken = {n: [c for c in choices if not c.refused and not c.needs] for n, choices in of.items()}
    taken[KEY] = [c for c in taken.get(KEY, ()) if c in (NEW_KEY, NO_KEY)]
    return {n: choices for n, choices in taken.items() if n != TEXT and choices}


# What a case comes to

ELSEWHERE = "needs a second place of that account"


def settled(session: Session, operation: OperationBehaviour, case: Case) -> Case:
    """A case in the first place of an account that has no second one."""
    number = case[PLACE].value if PLACE in case else 0
    if number >= len(places(session, operation, _account(case))) > 0:
        return {**case, PLACE: Choice("first", 0)}
    return case


def _place(session: Session, operation: OperationBehaviour, case: Case) -> dict[str, str] | None:
    """Where a request is made: a place of the account, or of another one."""
    number, asking = case[PLACE].value if PLACE in case else 0, _account(case)
    if number < 0:
        theirs = places(session, operation, OTHER if asking != OTHER else OWNER)
        return theirs[~number % len(theirs)]
    own = places(session, operation, asking)
    return own[number] if own else None


def _account(case: Case) -> Credential:
    """The account in whose place a request is made: for a wrong key, the owner's."""
    credential = case[ACCOUNT].value[0] if ACCOUNT in case else OWNER
    return credential if credential in {OTHER, BROKE} else OWNER


def call_of(session: Session, operation: OperationBehaviour, case: Case) -> KeyedRequest:
    """The call of a case. Raises NotTested with what one of its choices needs."""
    for choice in case.values():
        if choice.needs:
            raise NotTested(choice.needs)
    credential, header = case[ACCOUNT].value if ACCOUNT in case else (OWNER, None)
    known = _account(case)
    members = {
        name: _value(choice, known)
        for name, choice in case.items()
        if name in operation.endpoint.request_members
    }
    if TEXT in case and case[TEXT].value is not None:
        members[free_texts(operation)[0]] = case[TEXT].value
    request = valid(
        session,
        operation,
        known,
        id_=case[ID].value if ID in case else None,
        place=_place(session, operation, case),
        members=members,
        refused=any(c.refused for c in case.values()),
    )
    query = operation.endpoint.parameters_in("query")
    request = request.asking(**{n: _value(c, known) for n, c in case.items() if n in query})
    if WRONG in case:
        body = case[WRONG].value(request)
        request = replace(request, body=body)
    return KeyedRequest(
        request, credential, header, _value(case[KEY], known) if KEY in case else ""
    )


def _value(choice: Choice, credential: Credential) -> Any:
    return choice.value(credential) if callable(choice.value) else choice.value


# Which pairs there are


def pairs_of(case: Case) -> frozenset[Pair]:
    """Pairs of choices in a case, in the order of their names; of one that must be refused those
    with the reason for it."""
    named = sorted((name, choice.name) for name, choice in case.items())
    reasons = {(name, choice.name) for name, choice in case.items() if choice.refused}
    found = combinations(named, 2)
    return frozenset(pair for pair in found if not reasons or reasons & set(pair))


def every_pair(of: Dimensions) -> Iterator[tuple[Pair, str]]:
    """All pairs of choices, and what it takes to send each that is not."""
    for (one, ones), (two, twos) in combinations(sorted(of.items()), 2):
        for first, second in product(ones, twos):
            yield ((one, first.name), (two, second.name)), _need((one, first), (two, second))


def _need(one: tuple[str, Choice], two: tuple[str, Choice]) -> str:
    """What it takes to send two choices together, as long as they were not."""
    for (_, choice), (other, beside) in ((one, two), (two, one)):
        if choice.only is not None and choice.only[0] == other and choice.only[1] != beside.name:
            return APART
        if choice.refused and (other == TEXT or (other == KEY and beside not in (NEW_KEY, NO_KEY))):
            return PLAINLY
    if one[1].refused and two[1].refused:
        return HIDDEN
    return one[1].needs or two[1].needs or "needs --thorough"
