"""Values that no server has given out, by which a request is known to be refused."""

from __future__ import annotations

UNKNOWN_RUN = "run_conformance0nobody0made0this"
UNKNOWN_WORKSPACE = "ws_conformance0nobody0made0this"
UNKNOWN_PROJECT = "prj_conformance0nobody0made0this"
UNKNOWN_MODELS = ("no-such-model-0", "FLUX.2 Pro (display name)")
GARBAGE_CURSORS = ("not-a-cursor", "%%%", "\N{SNOWMAN}", "x" * 2000)
