"""Tables of the old database, as `docs/upstreams/legacy-db.md` has them.

Their app label is no installed app's: they have no migrations, no admin and no permissions, and
the router sends them to the database of that name, for reading only.
"""

from __future__ import annotations

from itertools import combinations
from typing import ClassVar, Final

from django.db import models
from django.db.models import F, Q

from lotto.types import DRAWN, HIGHEST
from ocr.legacy.place import ALIAS

NUMBERS: Final = tuple(f"n{place}" for place in range(1, DRAWN + 1))
_IN_RANGE: Final = Q(*(Q(**{f"{n}__gte": 1, f"{n}__lte": HIGHEST}) for n in NUMBERS))
_DIFFERENT: Final = ~Q(*(Q(**{a: F(b)}) for a, b in combinations(NUMBERS, 2)), _connector=Q.OR)


class Extractions(models.QuerySet["LegacyExtraction"]):
    def drawn(self) -> Extractions:
        """Rows with five numbers; others are kept there before a draw, or were never right."""
        return self.filter(_IN_RANGE & _DIFFERENT)


class LegacyExtraction(models.Model):
    """One wheel of one draw."""

    day = models.CharField(db_column="data_estrazione", max_length=8)  # 20251207
    wheel = models.CharField(db_column="ruota", max_length=20)
    n1 = models.PositiveSmallIntegerField(null=True)
    n2 = models.PositiveSmallIntegerField(null=True)
    n3 = models.PositiveSmallIntegerField(null=True)
    n4 = models.PositiveSmallIntegerField(null=True)
    n5 = models.PositiveSmallIntegerField(null=True)

    objects: ClassVar = Extractions.as_manager()

    class Meta:
        app_label = ALIAS
        managed = False
        db_table = "extractions"

    def __str__(self) -> str:
        return f"{self.day} {self.wheel}"


class LegacyPrediction(models.Model):
    """Numbers that somebody plays on some wheels from one draw on."""

    day = models.CharField(db_column="data_estrazione", max_length=8)
    wheels = models.CharField(db_column="ruote", max_length=120)  # Bari; BA, CA; TUTTE
    numbers = models.CharField(db_column="numeri", max_length=40)  # 12, 45
    note = models.CharField(max_length=200, null=True)  # noqa: DJ001  (it is theirs)

    objects: ClassVar = models.Manager()

    class Meta:
        app_label = ALIAS
        managed = False
        db_table = "predictions"

    def __str__(self) -> str:
        return f"{self.day} {self.wheels}: {self.numbers}"
