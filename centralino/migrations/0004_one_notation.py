"""Listed numbers in the notation in which callers are read now: docs/decisions/0023."""

from datetime import UTC, datetime

from django.db import migrations
from django.db.models import Q
from django.db.models.functions import Length
from django.utils import timezone

from core.lib.numbers import e164

MOBILE = Q(number__startswith="+393", size=13)  # nearly all of a long list; none has changed


def renewed(number: str) -> str:
    """What was read as Italian, although it only lacked its +, and +39187, which is 187."""
    if number.startswith("+39"):
        return e164(number.removeprefix("+39"))
    return e164(f"+{number}") if number.startswith("39") else number


def lasts_until(entry) -> datetime:
    return entry.expires_at or datetime.max.replace(tzinfo=UTC)


def renew(apps, schema_editor) -> None:
    entries = apps.get_model("centralino", "ListEntry").objects.using(
        schema_editor.connection.alias
    )
    others = entries.annotate(size=Length("number")).exclude(MOBILE)
    changed = [
        (entry, number)
        for entry in others.exclude(number__endswith="*").iterator(chunk_size=2_000)
        if (number := renewed(entry.number)) != entry.number
    ]
    for entry, number in changed:
        same = entries.filter(number=number, allowed=entry.allowed).first()
        if same is not None and lasts_until(same) >= lasts_until(entry):
            entry.delete()
            continue
        if same is not None:
            same.delete()
        entry.number, entry.changed_at = number, timezone.now()
        entry.save(update_fields=["number", "changed_at"])


class Migration(migrations.Migration):
    dependencies = [("centralino", "0003_classes_of_callers")]

    operations = [migrations.RunPython(renew, migrations.RunPython.noop)]
