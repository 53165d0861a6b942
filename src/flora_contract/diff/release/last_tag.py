"""Whether the contract's version says what its changes since the last release ask for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flora_contract.diff.reading.sources import last_tag, open_contract
from flora_contract.diff.release.comparison import compare
from flora_contract.diff.release.version import Version
from flora_contract.errors import CommandError

if TYPE_CHECKING:
    from flora_contract.diff.release.comparison import Comparison


def since_last_tag(file: str = "openapi.yaml") -> Comparison | None:
    """What changed in a file of the working tree since the last tag; None before the first tag.

    Raises CommandError when its info.version is lower than the changes ask for, InputError
    when one of the two cannot be read.
    """
    tag = last_tag()
    if tag is None:
        return None
    names = f"{tag}:{file}", file
    comparison = compare(open_contract(names[0]), open_contract(names[1]), names=names)
    wanted = Version.of(comparison.proposed_version)
    given = Version.of(comparison.revision_version)
    if wanted is not None and (given is None or given < wanted):
        raise CommandError(
            f"{file}: info.version is {comparison.revision_version}, and the changes since {tag} "
            f"ask for at least {comparison.proposed_version}: run flora-contract diff {tag}: {file}"
        )
    return comparison
