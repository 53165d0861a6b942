"""What servers send beside a body: headers of answers, and parameters of webhooks and callbacks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flora_contract.diff.operations.media_types import MediaType
from flora_contract.diff.operations.pair import content_of
from flora_contract.diff.operations.parameter import judged, styles
from flora_contract.diff.schemas.usage import Usage

if TYPE_CHECKING:
    from flora_contract.diff.operations.pair import OperationPair
    from flora_contract.diff.operations.parameter import Parameter, Parameters


def compare_headers(of: OperationPair, old: Parameters, new: Parameters) -> None:
    """Note which came and went, and what differs in the others."""
    for one, two in judged(of, old, new):
        if one is not None and two is not None:
            _compare(of, one, two)
        elif one is not None:
            need = "required" if one.required else "optional"
            rule_id, message = f"{need}-response-header-removed", f"{one.label} removed"
            of.add(rule_id, message, one.node, None, side="response", subject=one.key[1])
        elif two is not None:
            rule_id, message = "response-header-added", f"{two.label} added"
            of.add(rule_id, message, None, two.node, side="response", subject=two.key[1])


def _compare(of: OperationPair, base: Parameter, revision: Parameter) -> None:
    def add(kind: str, message: str) -> None:
        rule_id = f"response-header-{kind}"
        of.add(rule_id, f"{base.label}{message}", base.node, revision.node, side="response")

    if base.required != revision.required:
        kind = "required" if revision.required else "optional"
        add(f"became-{kind}", f" is now {kind}")
    for word, told in styles(of, base, revision, written_by=revision):
        add(f"{word}-changed", f": {told}")
    deprecated = [one.node.value.get("deprecated") is True for one in (base, revision)]
    if deprecated[0] != deprecated[1]:
        kind = "deprecated" if deprecated[1] else "reactivated"
        add(kind, f" {kind}")
    typed = any(MediaType.of(name).is_typed for name in content_of(base.node))
    usage = Usage("response", "header", typed=typed, stability=of.stability)
    of.schema(base.node, revision.node, usage, base.label)
    of.words(base.node, revision.node, _FIELDS)


_FIELDS = {
    *("name", "in", "required", "deprecated", "style", "explode", "schema", "content"),
    *("allowEmptyValue", "allowReserved"),
}
