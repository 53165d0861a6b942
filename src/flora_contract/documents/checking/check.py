"""The contract held to its sources, in both directions.

Forwards: every fact of a source is in the contract, at its place, and the nodes there name the
source. Backwards: every label, keyword and value of the contract is a fact of a source that may
show it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from flora_contract.documents.checking.backwards import Backwards
from flora_contract.documents.checking.claims import claims
from flora_contract.documents.checking.conflicts import Conflicts
from flora_contract.documents.checking.evidence import evidence
from flora_contract.documents.checking.forwards import Forwards
from flora_contract.documents.checking.result import CheckResult

if TYPE_CHECKING:
    from flora_contract.documents.facts.fact import SourcePage
    from flora_contract.openapi import Document


def check(
    document: Document, pages: list[SourcePage], conflicts: Conflicts | None = None
) -> CheckResult:
    """Hold a contract to sources.

    `conflicts` are the facts that rows of docs/conflicts.md name: the contract takes another
    reading there (`S003 GET /generations … required true` in C50).
    """
    conflicts = (conflicts or Conflicts()).fresh()
    made = claims(document)
    operations = [claim.place.operation for claim in made.claims if claim.value == "operation"]
    result = CheckResult()
    for page in pages:
        for unread in page.unread:
            result.add("unread", unread.problem, page.where(unread))
    stated = evidence(tuple(pages), (*operations, *made.undescribed))
    forwards = Forwards(made, stated, conflicts, result)
    forwards.run()
    Backwards(forwards).run()
    for name, number in conflicts.unused():
        result.add("invented", f"{number} explains {name}, which is not a difference")
    return result
