"""The dialplan of the documents is the one that the real Asterisk runs."""

from __future__ import annotations

from textwrap import indent

from django.conf import settings

from centralino.tests.bed import FOLDER


def test_the_documented_dialplan_is_the_tested_one():
    tested = (FOLDER / "dialplan.conf").read_text()
    document = settings.BASE_DIR / "docs" / "upstreams" / "asterisk.md"
    assert indent(tested, "    ") in document.read_text()
    assert '"$HERE/dialplan.conf" >> "$E/extensions.conf"' in (FOLDER / "up").read_text()


def test_the_documented_variables_are_the_tested_ones():
    document = (settings.BASE_DIR / "docs" / "upstreams" / "asterisk.md").read_text()
    for text in (document, (FOLDER / "up").read_text()):
        assert text.count("channelvars = CALLERID(num-pres)") == 2  # manager.conf, ari.conf
