"""Values that FLORA's documents warn of, or that its own people have tried."""

from __future__ import annotations

from typing import Any, Final

UNKNOWN: Final[dict[str, tuple[str, ...]]] = {
    "Model": ("no-such-model-0", "FLUX.2 Pro (display name)")
}
"""Ids by kind of resource that name nothing: display names are none."""

NEAR_MISSES: Final[dict[str, tuple[str, ...]]] = {
    "type": ("t2i", "i2v", "text-to-image"),
    "status": ("done",),
}
"""By member or parameter: what is not among the values of its enum, though some take it for one."""

FULL: Final[dict[str, Any]] = {"params": {"aspect_ratio": "16:9", "seed": 7}}
"""Members of requests whose values no schema tells."""

FAILING: Final = "model"
"""The member of a request that --failing-model is put into."""

PLACES: Final[dict[str, str]] = {"Workspace": "workspace", "Project": "project"}
"""Kinds of resource that options of the suite name, and those options."""

MOCK_ACCOUNTS: Final[dict[str, Any]] = {
    "api_key": "sk_live_test",
    "broke_api_key": "sk_live_broke",
    "other_api_key": "sk_live_other",
    "workspace": "ws_abc123",
    "project": "prj_abc123",
    "second_workspace": "ws_second1",
    "second_project": "prj_second1",
    "foreign_workspace": "ws_other1",
    "foreign_project": "prj_other1",
    "broke_workspace": "ws_broke1",
    "broke_project": "prj_broke1",
    "failing_model": "t2i-unlucky",
}
"""The accounts of `flora-contract mock`, as options of the suite."""
