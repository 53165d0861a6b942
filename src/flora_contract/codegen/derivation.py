"""What statements of behaviour make of the client's methods: starting, waiting, finding again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from attrs import evolve
from openapi_python_client.strings import snake_case

from flora_contract.codegen.printing import Name
from flora_contract.openapi.schemas import types
from flora_runtime.operation import (
    ListOperation,
    Media,
    Polling,
    ReadOperation,
    Recovery,
    Referral,
    Starts,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from flora_contract.codegen.views import ArgumentView, ClientView, MethodView, ResourceView
    from flora_contract.openapi.behaviour import Behaviour, OperationBehaviour, Resource


def derived(client: ClientView, behaviour: Behaviour) -> tuple[ClientView, list[str]]:
    """The client with what is stated of its operations, and what it does less than it could."""
    derivation = _Derivation(client, behaviour)
    derivation.each(derivation.polling)
    derivation.each(derivation.starting)
    return evolve(client, resources=derivation.resources), derivation.notes


class _UnderivedError(Exception):
    """Something cannot be derived; says why."""


class _Derivation:
    """One client being completed."""

    def __init__(self, client: ClientView, behaviour: Behaviour) -> None:
        self.behaviour = behaviour
        self.resources = client.resources
        self.notes: list[str] = []

    def each(self, step: Callable[[MethodView, ResourceView], MethodView]) -> None:
        self.resources = [
            evolve(resource, methods=[step(method, resource) for method in resource.methods])
            for resource in self.resources
        ]

    def _method(self, operation_id: str | None) -> MethodView | None:
        every = (m for resource in self.resources for m in resource.methods)
        return next((m for m in every if m.operation_id == operation_id), None)

    def _note(self, method: MethodView, text: str) -> None:
        self.notes.append(f"{method.place}: {text}")

    def _is_text(self, stated: OperationBehaviour, path: str) -> bool:
        found = stated.items.get(path)
        return found is not None and types(self.behaviour.document, found.schema) == {"string"}

    # Looking at what moves

    def polling(self, method: MethodView, among: ResourceView) -> MethodView:
        stated = self.behaviour.of(method.operation_id)
        resource = stated.resource
        if stated.role != "read" or resource is None or resource.life is None:
            return method
        if any(a.parameter.required for a in method.named):
            self._note(method, "nothing waits by it: it asks for more than an id")
            return method
        if not self._is_text(stated, resource.id):
            self._note(method, "nothing waits by it: its id is not a string")
            return method
        life, kind = resource.life, _kind(resource)
        taken = {m.name for m in among.methods} | {m.wait for m in among.methods if m.polling}
        wait = "wait" if "wait" not in taken else f"wait_for_{snake_case(resource.kind)}"
        polling = Polling(
            kind=kind,
            argument=next(a.name for a in method.positional if a.wire == resource.id_parameter),
            id=resource.id,
            resume=f"{method.resource}.{wait}",
            status=life.state,
            moving=tuple(state for state in life.states if state not in life.final),
            completed=life.succeeded,
            failed=tuple(state for state in life.final if state in life.failed),
            progress=life.grows,
            cost=resource.cost,
            error_code=life.error_code,
            error_message=life.error_message,
        )
        return evolve(method, polling=polling, wait=wait)

    # Starting it, once

    def starting(self, method: MethodView, _: ResourceView) -> MethodView:
        stated = self.behaviour.of(method.operation_id)
        resource = stated.resource
        if stated.role != "create" or resource is None or not self._is_text(stated, resource.id):
            return method
        recovery = self._recovery(method, stated, resource)
        if resource.life is None and recovery is None:
            return method
        follow, parents = self._follow(method, resource)
        charged = stated.charges.cost if stated.charges is not None else resource.cost
        starts = Starts(
            kind=_kind(resource),
            id=resource.id,
            moves=resource.life is not None,
            cost=_shown(stated, charged),
            estimate=_shown(stated, resource.life.estimate) if resource.life else None,
            link=_shown(stated, resource.link),
            parents=parents,
        )
        if stated.idempotency is not None:
            starts = evolve(starts, window=stated.idempotency.window)
        return evolve(method, starts=starts, recovery=recovery, follow=follow)

    def _follow(self, method: MethodView, resource: Resource) -> tuple[str | None, dict[str, str]]:
        """The operation that looks at what a create started, and its arguments besides the id."""
        looking = self._method(resource.read)
        if looking is None or looking.polling is None:
            return None, {}
        parents = {}
        for argument in looking.positional:
            if argument.name != looking.polling.argument:
                found = _holding(method, resource, resource.path[argument.wire])
                if found is None:
                    self._note(method, f"nothing waits for it: it takes no {argument.wire}")
                    return None, {}
                parents[argument.name] = found.wire
        return looking.operation_id, parents

    # Finding it again

    def _recovery(
        self, method: MethodView, stated: OperationBehaviour, resource: Resource
    ) -> Recovery[Any] | None:
        key = stated.idempotency
        if key is None:
            if resource.life is not None and "x-idempotency" not in stated.endpoint.operation.node:
                self._note(method, "sent once only: no key is stated (x-idempotency)")
            return None
        if "refused" not in {key.repetition, *key.tolerated}:
            return None  # a repetition gets the first answer
        try:
            history = self._history(stated, resource)
            scope = _scope(method, resource, history, self.behaviour.of(history.operation_id))
        except _UnderivedError as why:
            self._note(method, f"what a lost answer named is not found again: {why}")
            return None
        listed = self.behaviour.of(history.operation_id).items
        taken = {argument.wire for argument in method.arguments}
        places = {**_paths(method, resource), **resource.shows}
        return Recovery(
            history=cast("ListOperation[Any]", Name(history.constant)),
            id=resource.id,
            created=str(resource.created),
            arguments=_longest_pages(history, self.behaviour.of(history.operation_id)),
            scope=scope,
            shows={
                sent: shown
                for sent, shown in places.items()
                if shown in listed and sent.partition(".")[0] in taken
            },
            referrals=self._referrals(resource, set(listed), taken),
            cost=resource.cost if resource.cost in listed else None,
            made=self._made(resource, taken),
            closer=self._closer(resource),
            otherwise=self._otherwise(stated, set(listed)),
        )

    def _referrals(
        self, resource: Resource, listed: set[str], taken: set[str]
    ) -> tuple[Referral, ...]:
        """What items of the history name, and what of a request that shows besides."""
        referrals: list[Referral] = []
        for name, reference in resource.references.items():
            place = resource.shows.get(name)
            there = self.behaviour.resources[reference.to]
            method = self._method(there.list)
            # What the history shows itself needs nobody to tell it.
            told = {p for p, at in resource.shows.items() if at in listed}
            shows = {p: m for m, p in reference.matching.items() if p in taken - told}
            if place not in listed or place is None or method is None or not shows:
                continue
            if any(a.parameter.required for a in method.arguments) or method.paging is None:
                continue
            every = cast("ListOperation[Any]", Name(method.constant))
            referrals.append(Referral(place, every, there.id, shows))
        return tuple(referrals)

    def _closer(self, resource: Resource) -> ReadOperation[Any] | None:
        """The operation that looks at one by its id alone."""
        method = self._method(resource.read)
        if method is None or method.polling is None or len(method.positional) > 1:
            return None
        return cast("ReadOperation[Any]", Name(method.constant))

    def _made(self, resource: Resource, taken: set[str]) -> Media | None:
        """The outputs, where they tell more of the request."""
        method = self._method(resource.read)
        if method is None or method.files is None or method.files.tells not in taken:
            return None
        return cast("Media", Name(f"{method.constant}_MEDIA"))

    def _otherwise(self, stated: OperationBehaviour, listed: set[str]) -> dict[str, Any]:
        """Members of a create's answer that are known without it, and that its list lacks."""
        known = {path: value for path, value in stated.answers.items() if value is not None}
        for path, found in stated.items.items():
            if found.required and "null" in types(self.behaviour.document, found.schema):
                known.setdefault(path, None)
        return {p: value for p, value in known.items() if p not in listed and "." not in p}

    def _history(self, stated: OperationBehaviour, resource: Resource) -> MethodView:
        """The list that shows what was made, newest first or all at once."""
        refused = stated.refusals.get("used-key")
        if refused is None or refused.status != 409:
            raise _UnderivedError("a used key is not answered with 409 (x-refusals)")
        history = self._method(resource.list)
        listing = self.behaviour.of(history.operation_id).listing if history is not None else None
        if history is None or listing is None:
            raise _UnderivedError(f"nothing lists a {resource.kind} (x-list)")
        if resource.created not in self.behaviour.of(history.operation_id).items:
            raise _UnderivedError("its list does not say when it was made (created)")
        if listing.paged and not (listing.order == resource.created and listing.descending):
            raise _UnderivedError("its list does not begin with the newest (x-list.order)")
        return history


def _kind(resource: Resource) -> str:
    """What people call one: `image job` for ImageJob."""
    return snake_case(resource.kind).replace("_", " ")


def _shown(stated: OperationBehaviour, path: str | None) -> str | None:
    return path if path in stated.items else None


def _paths(method: MethodView, resource: Resource) -> dict[str, str]:
    """Members of the resource by the path parameters of a method that hold them."""
    return {a.wire: resource.path[a.wire] for a in method.positional}


def _holding(method: MethodView, resource: Resource, member: str) -> ArgumentView | None:
    """The argument of a create that becomes a member of what it makes."""
    for argument in method.arguments:
        if member in _held(argument, resource):
            return argument
    return None


def _held(argument: ArgumentView, resource: Resource) -> set[str | None]:
    """The members of the resource that an argument of a create becomes, as far as is stated."""
    if argument.parameter.place == "path":
        return {resource.path[argument.wire]}
    if argument.wire in {*resource.shows, *resource.references}:
        return {argument.wire, resource.shows.get(argument.wire)}
    return set()


def _longest_pages(history: MethodView, stated: OperationBehaviour) -> dict[str, Any]:
    """With what a list is asked so that its pages are as long as they can be."""
    size = stated.listing.size if stated.listing is not None else None
    argument = next((a for a in history.arguments if a.wire == size), None)
    if size is None or argument is None:
        return {}
    most = stated.endpoint.parameters[size]["schema"].get("maximum")
    return {argument.name: most} if isinstance(most, int) else {}


def _scope(
    method: MethodView, resource: Resource, history: MethodView, stated: OperationBehaviour
) -> dict[str, str]:
    """Arguments of the history, and the member of the create's request that each one takes."""
    assert stated.listing is not None
    filters = stated.listing.filters.values()
    members = {f.parameter: f.member for f in filters if f.match == "equals"}
    members |= _paths(history, resource)
    scope = {}
    for argument in history.arguments:
        member = members.get(argument.wire)
        found = _holding(method, resource, member) if member is not None else None
        if found is not None:
            scope[argument.name] = found.wire
        elif argument.parameter.required:
            raise _UnderivedError(f"its list asks for {argument.wire}, and it takes none")
    return scope
