"""Tables of the audience: streams, samples, rollups and alerts. Times are UTC."""

from __future__ import annotations

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from core.admin.tables import ALL, StaffTable
from webtv.types import MAX_VIEWERS, TOTAL


class Preset(models.TextChoices):
    """The kinds of server that `webtv.presets` can read."""

    GENERIC = "generic", _("Generic (JSON or XML)")
    NGINX_RTMP = "nginx-rtmp", "nginx-rtmp"
    MEDIAMTX = "mediamtx", "MediaMTX"
    SRS = "srs", "SRS"
    WOWZA = "wowza", "Wowza Streaming Engine"
    ANT_MEDIA = "ant-media", "Ant Media"
    OWNCAST = "owncast", "Owncast"
    ICECAST = "icecast", "Icecast"
    FLUSSONIC = "flussonic", "Flussonic"
    RESTREAMER = "restreamer", "Restreamer (datarhei Core)"
    CLOUDFLARE = "cloudflare", "Cloudflare Stream"
    VIEWER_COUNT = "viewer-count", _("viewerCount (AWS IVS and alike)")


class StreamQuerySet(models.QuerySet["Stream"]):
    def sources(self) -> StreamQuerySet:
        """The streams to poll, without the total."""
        return self.exclude(name=TOTAL)


class Stream(models.Model):
    """A stream whose viewers are polled; the row `total` is the sum of all streams.

    Secrets are not stored: `WEBTV_1_PASSWORD` or `_TOKEN` in the environment, found by the name.
    The first rows are created from the environment; after that staff edit them.
    """

    staff_table = StaffTable(
        icon="live_tv",
        supervisor=ALL,
        audit={
            "mask_fields": ["headers", "stream_key", "url"],
            "exclude_fields": ["peak_viewers", "peak_at"],
        },
    )

    name = models.SlugField(_("name"), max_length=64, unique=True, help_text=_("As in ?stream="))
    title = models.CharField(_("title"), max_length=120, blank=True)
    enabled = models.BooleanField(_("enabled"), default=True)
    preset = models.CharField(
        _("server"), max_length=20, choices=Preset.choices, default=Preset.GENERIC
    )
    url = models.CharField(
        _("address"),
        max_length=500,
        blank=True,
        help_text=_("The server's base address; for Generic the page itself."),
    )
    stream_key = models.CharField(
        _("stream on the server"),
        max_length=200,
        blank=True,
        help_text=_("As the server calls it; empty: all streams of the server."),
    )
    path = models.CharField(
        _("path"),
        max_length=500,
        blank=True,
        help_text=_("Generic: the JMESPath expression of the number, e.g. stats.viewers"),
    )
    body_format = models.CharField(
        _("format"), max_length=4, choices=[("json", "JSON"), ("xml", "XML")], default="json"
    )
    subtract_publisher = models.BooleanField(
        _("subtract publisher"),
        default=False,
        help_text=_("Generic: the number counts the publisher too."),
    )
    headers = models.JSONField(
        _("headers"), default=dict, blank=True, help_text=_('No secrets: {"X-Region": "eu"}')
    )
    user = models.CharField(
        _("user"), max_length=120, blank=True, help_text=_("HTTP Basic, with WEBTV_1_PASSWORD")
    )
    peak_viewers = models.PositiveIntegerField(_("record"), null=True, blank=True, editable=False)
    peak_at = models.DateTimeField(_("record at"), null=True, blank=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = StreamQuerySet.as_manager()

    class Meta:
        ordering = ("name",)
        verbose_name = _("stream")
        verbose_name_plural = _("streams")
        constraints = [
            models.CheckConstraint(
                condition=Q(name=TOTAL) | ~Q(url=""), name="webtv_stream_has_address"
            )
        ]

    def __str__(self) -> str:
        return self.title or self.name


class ViewerSample(models.Model):
    """The viewers of one stream at one tick."""

    staff_table = StaffTable(icon="visibility")

    stream = models.ForeignKey(Stream, models.CASCADE, related_name="samples", db_index=False)
    at = models.DateTimeField(_("at"))
    viewers = models.PositiveIntegerField(_("viewers"))

    class Meta:
        ordering = ("-at", "stream")
        verbose_name = _("sample")
        verbose_name_plural = _("samples")
        constraints = [
            models.UniqueConstraint(fields=["stream", "at"], name="webtv_sample_once"),
            models.CheckConstraint(
                condition=Q(viewers__lte=MAX_VIEWERS), name="webtv_sample_credible"
            ),
        ]
        indexes = [models.Index(fields=["at"], name="webtv_sample_at")]

    def __str__(self) -> str:
        return f"{self.stream_id} {self.at:%F %T} {self.viewers}"


class ViewerRollup(models.Model):
    """The samples of one stream in five minutes, an hour or a local day, added up as they come."""

    staff_table = StaffTable(icon="monitoring")

    FIVE_MINUTES = 300
    HOUR = 3_600
    DAY = 86_400  # a local day: 23, 24 or 25 hours
    SPANS = ((FIVE_MINUTES, _("5 minutes")), (HOUR, _("hour")), (DAY, _("day")))

    stream = models.ForeignKey(Stream, models.CASCADE, related_name="rollups", db_index=False)
    span_s = models.PositiveIntegerField(_("span"), choices=SPANS)
    start_at = models.DateTimeField(_("from"))
    samples = models.PositiveIntegerField(_("samples"))
    viewers_sum = models.BigIntegerField(_("sum of viewers"))
    min_viewers = models.PositiveIntegerField(_("lowest"))
    peak_viewers = models.PositiveIntegerField(_("peak"))

    class Meta:
        ordering = ("-start_at", "stream")
        verbose_name = _("rollup")
        verbose_name_plural = _("rollups")
        constraints = [
            models.UniqueConstraint(
                fields=["stream", "span_s", "start_at"], name="webtv_rollup_once"
            ),
            models.CheckConstraint(
                condition=Q(samples__gt=0) & Q(min_viewers__lte=F("peak_viewers")),
                name="webtv_rollup_consistent",
            ),
        ]
        indexes = [models.Index(fields=["span_s", "start_at"], name="webtv_rollup_start")]

    def __str__(self) -> str:
        return f"{self.stream_id} {self.start_at:%F %T} {self.span_s} s"


class AlertRule(models.Model):
    """The condition of an alert about a stream."""

    staff_table = StaffTable(icon="rule", supervisor=ALL, audit={})

    class Kind(models.TextChoices):
        FALL = "fall", _("viewers fall")
        SILENCE = "silence", _("no samples")
        RECORD = "record", _("new all-time peak")

    stream = models.ForeignKey(Stream, models.CASCADE, related_name="alert_rules")
    kind = models.CharField(_("when"), max_length=10, choices=Kind.choices)
    percent = models.PositiveSmallIntegerField(
        _("by %"),
        default=50,
        validators=[MinValueValidator(1), MaxValueValidator(100)],
        help_text=_("Viewers fall: by at least so many per cent of the most in that time."),
    )
    minutes = models.PositiveSmallIntegerField(
        _("minutes"),
        default=5,
        validators=[MinValueValidator(1), MaxValueValidator(60)],
        help_text=_("Within so many minutes, or no samples for so many; a record: quiet time."),
    )
    least_viewers = models.PositiveIntegerField(
        _("from viewers"),
        default=10,
        help_text=_("Audiences that were smaller than this do not raise an alert."),
    )
    enabled = models.BooleanField(_("enabled"), default=True)

    class Meta:
        ordering = ("stream", "kind")
        verbose_name = _("alert rule")
        verbose_name_plural = _("alert rules")
        constraints = [
            models.CheckConstraint(
                condition=Q(percent__range=(1, 100)) & Q(minutes__range=(1, 60)),
                name="webtv_rule_in_range",
            )
        ]

    def __str__(self) -> str:
        return f"{self.stream_id} {self.kind}"


class Alert(models.Model):
    """An alert of a rule that was met; `ended_at` is null while it lasts."""

    staff_table = StaffTable(icon="notifications")

    rule = models.ForeignKey(AlertRule, models.CASCADE, related_name="alerts")
    began_at = models.DateTimeField(_("began"))
    ended_at = models.DateTimeField(_("ended"), null=True, blank=True)
    viewers = models.PositiveIntegerField(_("viewers"), null=True, blank=True)
    detail = models.CharField(_("detail"), max_length=200)

    class Meta:
        ordering = ("-began_at",)
        verbose_name = _("alert")
        verbose_name_plural = _("alerts")
        constraints = [
            models.UniqueConstraint(
                fields=["rule"], condition=Q(ended_at=None), name="webtv_alert_open_once"
            )
        ]

    def __str__(self) -> str:
        return self.detail
