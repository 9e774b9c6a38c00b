"""What staff read for who told us of a draw."""

from __future__ import annotations

from typing import Final

from django.utils.translation import gettext_lazy as _

from core.lib.labels import Words
from lotto.types import Source

SOURCES: Final[Words] = {
    Source.MANUAL: _("by hand"),
    Source.OCR: _("OCR"),
    Source.SYNC: _("synchronisation"),
    Source.IMPORT: _("import"),
}
