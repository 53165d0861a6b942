"""One self-contained HTML page: no request leaves it, no script but the report's own runs in it."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path

import jinja2
from markupsafe import Markup

environment = jinja2.Environment(
    autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
)
"""What reports render their templates with; every value that is put in is escaped."""

STYLESHEET = Path(__file__).with_suffix(".css").read_text(encoding="utf-8")

_SHELL = environment.from_string("""\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="{{ policy }}">
<title>{{ title }}</title>
<style>
{{ style }}</style>
</head>
<body>
<main>
{{ body }}
</main>
{% if script %}
<script>{{ script }}</script>
{% endif %}
</body>
</html>
""")


def page(title: str, body: Markup, script: str = "", style: str = "") -> str:
    """A whole HTML document around `body`, with the shared stylesheet.

    `body` is what a template of `environment` rendered, as Markup; a plain string is escaped.
    `style` is appended to the shared stylesheet. `script` and `style` are the report's own
    source, never data: data for a script belongs into the body, as an escaped attribute or text.
    """
    if "</script" in script.lower():
        message = "a script may not hold its own end tag"
        raise ValueError(message)
    return _SHELL.render(
        title=title,
        body=body,
        script=Markup(script),  # noqa: S704 - a report's own source
        style=Markup(STYLESHEET + style),  # noqa: S704
        policy=_policy(script),
    )


def _policy(script: str) -> str:
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    allowed = f"'sha256-{digest}'" if script else "'none'"
    return (
        f"default-src 'none'; style-src 'unsafe-inline'; img-src data:; script-src {allowed}; "
        "base-uri 'none'; form-action 'none'"
    )
