"""Statements about errors: where an answer tells of one, and what each condition gets."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flora_contract.openapi.behaviour_checks.subject import lacks

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flora_contract.openapi.behaviour import Refusal
    from flora_contract.openapi.behaviour_checks.subject import Fault, Subject


def errors_hold(subject: Subject) -> Iterator[Fault]:
    """What is said of error answers, some of them have, if the contract describes any."""
    errors, pointer = subject.behaviour.errors, "x-errors"
    entry = f"{errors.fields}."
    for place, path in (
        (("code",), errors.code),
        (("message",), errors.message),
        (("fields", "in"), errors.fields),
        (("fields", "name"), entry + errors.field_name if errors.fields else None),
        (("fields", "message"), entry + errors.field_message if errors.fields else None),
    ):
        if path is not None and subject.errors and path not in subject.errors:
            yield (pointer, *place), lacks("an error answer", "", path, subject.errors)
    for name, header in (("request-id", errors.request_id), ("retry-after", errors.retry_after)):
        if header is not None and subject.headers and header.lower() not in subject.headers:
            yield (pointer, name), lacks("an answer", "header", header, subject.headers.values())
    for status in errors.codes:
        if status not in {*subject.statuses, *errors.also}:
            problem = f"no operation documents {status}; leave it out, or name it in also"
            yield (pointer, "codes", str(status)), problem


def refusal_holds(subject: Subject, refusal: Refusal) -> Iterator[Fault]:
    """Its statuses and its code are documented somewhere."""
    pointer, errors = refusal.statement.pointer, [s for s in subject.statuses if s >= 400]
    if refusal.status not in errors:
        yield (*pointer, "status"), lacks("the contract", "answer", refusal.status, errors)
    if refusal.code is not None and subject.codes and refusal.code not in subject.codes:
        yield (*pointer, "code"), lacks("an error", "code", refusal.code, subject.codes)
    for index, status in enumerate(refusal.also):
        place = (*pointer, "also", index)
        if status == refusal.status:
            yield place, f"{status} is the rule already; leave it out"
        if status not in {*errors, *subject.behaviour.errors.also}:
            yield place, lacks("the contract", "answer", status, errors)
