from __future__ import annotations

import re

import pytest
from markupsafe import Markup

from flora_contract.report.page import environment, page


def test_values_are_escaped_and_markup_is_not() -> None:
    body = environment.from_string("<p>{{ value }}</p>").render(value="<script>alert(1)</script>")
    html = page("<b>", Markup(body))
    assert "<p>&lt;script&gt;alert(1)&lt;/script&gt;</p>" in html
    assert "<title>&lt;b&gt;</title>" in html


def test_a_plain_string_is_no_markup() -> None:
    assert "&lt;p&gt;" in page("title", "<p>")  # type: ignore[arg-type] # what is tested


def test_nothing_is_fetched() -> None:
    html = page("title", Markup("<p>text</p>"), script="let here = 1;")
    assert not re.search(r"\b(src|href)=|@import|url\(", html)
    assert "default-src 'none'" in html.replace("&#39;", "'")


def test_a_script_cannot_end_early() -> None:
    with pytest.raises(ValueError, match="end tag"):
        page("title", Markup(""), script="let a = '</script>'")
