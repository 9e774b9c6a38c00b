"""Labels of a draw's source."""

from __future__ import annotations

from typing import Final

from django.utils.translation import gettext_lazy as _

from core.lib.labels import Labels
from lotto.types import Source

SOURCES: Final[Labels] = {
    Source.MANUAL: _("by hand"),
    Source.OCR: _("OCR"),
    Source.SYNC: _("synchronisation"),
    Source.IMPORT: _("import"),
}
