"""The tables of the PBX: servers, finished calls, screened callers and the two lists."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from centralino.labels import HANGUPS, VERDICTS, WHYS
from centralino.types import MAX_HOURS, MAX_REPEATED_S
from core.admin.tables import ALL, CHANGE, StaffTable
from core.lib.clock import is_within
from core.lib.fields import KeyField
from core.lib.labels import choices
from core.lib.texts import without_control

KNOWN_FOR: Final = timedelta(seconds=30)  # three beats of a listener


def fitting(text: str, maximum: int = 80) -> str:
    """Cut what a PBX says: a caller's name, whatever it is, must not keep a call from storage."""
    return without_control(text.replace("\0", ""))[:maximum]


class PbxServer(models.Model):
    """An Asterisk to listen to. Secrets are not here: `<NAME>_AMI_SECRET` etc. in the environment.

    The first rows are made from the environment (`ASTERISK_1_...`); after that staff own them.
    """

    staff_table = StaffTable(icon="dns", supervisor=CHANGE, audit={})

    name = models.SlugField(_("name"), max_length=32, unique=True)
    enabled = models.BooleanField(_("enabled"), default=True)
    host = models.CharField(_("host"), max_length=255, default="localhost")
    ami_port = models.PositiveIntegerField(
        _("AMI port"), default=5038, validators=[MinValueValidator(1), MaxValueValidator(65535)]
    )
    ami_user = models.CharField(_("AMI user"), max_length=64, default="gateway")
    ssh_host = models.CharField(
        _("SSH host"),
        max_length=255,
        blank=True,
        help_text=_("Empty: AMI is reached directly, without a tunnel."),
    )
    ssh_port = models.PositiveIntegerField(
        _("SSH port"), default=9022, validators=[MinValueValidator(1), MaxValueValidator(65535)]
    )
    ssh_user = models.CharField(_("SSH user"), max_length=64, blank=True)
    ssh_fingerprint = models.CharField(
        _("SSH fingerprint"),
        max_length=80,
        blank=True,
        help_text=_("SHA256:... of the host key. Empty: the host must be in known_hosts."),
    )
    local_port = models.PositiveIntegerField(
        _("local port"),
        default=0,
        validators=[MaxValueValidator(65535)],
        help_text=_("Where the tunnel listens on this machine; 0 takes any free port."),
    )
    more_events = models.CharField(
        _("more events"),
        max_length=400,
        blank=True,
        help_text=_("AMI events to publish beside the documented five."),
    )
    ari_url = models.CharField(
        _("ARI address"),
        max_length=255,
        blank=True,
        help_text=_("http://host:8088/ari; empty: no call screening."),
    )
    ari_user = models.CharField(_("ARI user"), max_length=64, blank=True, default="anti-spam")
    ari_app = models.CharField(_("ARI application"), max_length=64, blank=True, default="anti-spam")

    respect_hidden = models.BooleanField(
        _("respect hidden numbers"),
        default=True,
        help_text=_("Callers who hide their number are anonymous, even if the carrier shows it."),
    )
    e164_without_plus = models.BooleanField(
        _("numbers come as E.164 without +"),
        default=False,
        help_text=_("The trunk sends 447911123456 for +447911123456."),
    )

    class Meta:
        verbose_name = _("server")
        verbose_name_plural = _("servers")
        ordering = ("name",)

    def __str__(self) -> str:
        return self.name


class PbxCall(models.Model):
    """A finished call: one row for all channels of a `linkedid`."""

    staff_table = StaffTable(icon="phone_in_talk")

    server = models.CharField(_("server"), max_length=32)
    linkedid = KeyField(_("linkedid"), max_length=150)
    caller = models.CharField(_("caller"), max_length=80, blank=True)  # as it was sent
    number = models.CharField(_("number"), max_length=32, blank=True, default="")  # E.164
    caller_name = models.CharField(_("caller name"), max_length=80, blank=True)
    exten = models.CharField(_("extension"), max_length=80, blank=True)
    started_at = models.DateTimeField(_("started at"))
    answered_at = models.DateTimeField(_("answered at"), null=True, blank=True)
    ended_at = models.DateTimeField(_("ended at"))
    duration_s = models.PositiveIntegerField(_("duration (s)"))
    cause = models.PositiveSmallIntegerField(_("cause"), null=True, blank=True)
    cause_text = models.CharField(_("cause text"), max_length=80, blank=True)

    class Meta:
        verbose_name = _("PBX call")
        verbose_name_plural = _("PBX calls")
        ordering = ("-started_at", "-id")
        constraints = [
            models.UniqueConstraint(fields=["server", "linkedid"], name="centralino_call_once"),
            models.CheckConstraint(
                condition=Q(ended_at__gte=models.F("started_at")), name="centralino_call_times"
            ),
        ]
        indexes = [
            models.Index(fields=["started_at", "id"], name="centralino_call_started"),
            models.Index(fields=["caller", "started_at"], name="centralino_call_caller"),
            models.Index(fields=["number", "started_at"], name="centralino_call_number"),
        ]

    def __str__(self) -> str:
        return f"{self.caller} {self.started_at:%Y-%m-%d %H:%M:%S}"


class ListEntry(models.Model):
    """A number, or a prefix of numbers, that is never let through or always is."""

    staff_table = StaffTable(
        icon="block",
        operator=ALL,
        supervisor=ALL,
        audit={"exclude_fields": ["changed_at", "hits", "last_hit_at"]},
    )

    number = KeyField(
        _("number"), max_length=32, help_text=_("E.164, or the beginning of it and *: +3989*")
    )
    allowed = models.BooleanField(
        _("allowed"), default=False, help_text=_("On the allow list, which wins.")
    )
    reason = models.CharField(_("reason"), max_length=32)
    note = models.CharField(_("note"), max_length=200, blank=True)
    created_at = models.DateTimeField(_("created at"))
    expires_at = models.DateTimeField(
        _("expires at"), null=True, blank=True, help_text=_("Empty: permanent.")
    )
    # by which the monitors find changes
    changed_at = models.DateTimeField(_("changed at"), db_index=True)
    hits = models.PositiveIntegerField(_("hits"), default=0)
    last_hit_at = models.DateTimeField(_("last hit at"), null=True, blank=True)

    class Meta:
        verbose_name = _("listed number")
        verbose_name_plural = _("listed numbers")
        ordering = ("-created_at", "number")
        constraints = [
            models.UniqueConstraint(fields=["number", "allowed"], name="centralino_listed_once"),
            models.CheckConstraint(
                condition=Q(expires_at__isnull=True) | Q(expires_at__gt=models.F("created_at")),
                name="centralino_listed_times",
            ),
        ]
        indexes = [
            models.Index(fields=["expires_at"], name="centralino_listed_expires"),
            models.Index(fields=["allowed", "created_at"], name="centralino_listed_created"),
        ]

    def __str__(self) -> str:
        return str(self.number)


class LineRule(models.Model):
    """How callers of one line are screened; the row without a number is for all other lines."""

    staff_table = StaffTable(icon="rule", supervisor=ALL, audit={})

    called = models.CharField(_("called"), max_length=32, unique=True, blank=True)
    enabled = models.BooleanField(_("enabled"), default=True)
    block_anonymous = models.BooleanField(_("block anonymous"), default=True)
    block_listed = models.BooleanField(_("block listed"), default=True)
    answered_hours = models.PositiveIntegerField(
        _("answered hours"),
        default=24,
        validators=[MaxValueValidator(MAX_HOURS)],
        help_text=_("How long a caller who was answered is kept out; 0: not at all."),
    )
    hangup_reason = models.CharField(
        _("hangup reason"),
        max_length=16,
        default="normal",
        choices=choices(HANGUPS),
    )
    sound = models.CharField(
        _("sound"),
        max_length=120,
        blank=True,
        help_text=_("Played before hanging up, as sound:name."),
    )
    block_foreign = models.BooleanField(_("block foreign"), default=False)
    foreign_except = models.CharField(
        _("except from"),
        max_length=200,
        blank=True,
        help_text=_("Countries whose callers may ring all the same: CH, SM or +41, +378."),
    )
    block_impossible = models.BooleanField(
        _("block impossible"),
        default=False,
        help_text=_("Numbers that nobody can have, by the numbering plan of their country."),
    )
    block_short = models.BooleanField(
        _("block short codes"), default=False, help_text=_("Callers of up to six digits, as 40123.")
    )
    block_repeated = models.BooleanField(_("block repeated"), default=False)
    repeated_s = models.PositiveIntegerField(
        _("repeated within (s)"),
        default=60,
        validators=[MinValueValidator(1), MaxValueValidator(MAX_REPEATED_S)],
        help_text=_("Seconds since the caller was last let through to this line."),
    )

    class Meta:
        verbose_name = _("screening rule")
        verbose_name_plural = _("screening rules")
        ordering = ("called",)

    def __str__(self) -> str:
        return self.called or gettext("all other lines")


class ScreenedCall(models.Model):
    """A call that was let through or blocked, and why."""

    staff_table = StaffTable(icon="phone_missed")

    server = models.CharField(_("server"), max_length=32)
    channel_id = KeyField(_("channel"), max_length=150)
    caller = models.CharField(_("caller"), max_length=80, blank=True)  # as it was sent
    number = models.CharField(_("number"), max_length=32, blank=True)  # E.164
    called = models.CharField(_("called"), max_length=80, blank=True)
    verdict = models.CharField(_("verdict"), max_length=8, choices=choices(VERDICTS))
    why = models.CharField(_("why"), max_length=16, choices=choices(WHYS))
    # the listed number or prefix that matched
    entry = models.CharField(_("entry"), max_length=32, blank=True)
    at = models.DateTimeField(_("at"))

    class Meta:
        verbose_name = _("screened call")
        verbose_name_plural = _("screened calls")
        ordering = ("-at", "-id")
        constraints = [
            models.UniqueConstraint(
                fields=["server", "channel_id"], name="centralino_screened_once"
            )
        ]
        indexes = [
            models.Index(fields=["at", "id"], name="centralino_screened_at"),
            models.Index(fields=["number", "at"], name="centralino_screened_number"),
        ]

    def __str__(self) -> str:
        return f"{self.verdict} {self.number or 'anonymous'}"


class LiveState(models.Model):
    """The current state of a listener, for the other processes: one small document each.

    `key` as `<server>.<what>`: `asterisk_1.ami` (channels), `asterisk_1.ari` (channels, endpoints,
    status).
    """

    key = models.CharField(max_length=64, primary_key=True)
    document = models.JSONField()
    updated_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.key

    def known(self) -> dict[str, Any]:
        """The document; empty when its listener no longer renews it with every beat."""
        return self.document if is_within(self.updated_at, KNOWN_FOR) else {}
