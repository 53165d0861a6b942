"""What the client logs: methods, paths, statuses and times. Never a key, a prompt or a body."""

from __future__ import annotations

import logging
import os
import sys

logger = logging.getLogger("flora")
logger.addHandler(logging.NullHandler())

LEVEL_VARIABLE = "FLORA_LOG"


def switch_on_from_environment() -> None:
    """Log to stderr when FLORA_LOG names a level, such as `debug`. Done once."""
    level = logging.getLevelNamesMapping().get(os.environ.get(LEVEL_VARIABLE, "").upper())
    if level is None or any(h.get_name() == LEVEL_VARIABLE for h in logger.handlers):
        return
    handler = logging.StreamHandler(sys.stderr)
    handler.set_name(LEVEL_VARIABLE)
    handler.setFormatter(logging.Formatter("%(asctime)s %(name)s %(levelname)s %(message)s"))
    logger.addHandler(handler)
    logger.setLevel(level)
