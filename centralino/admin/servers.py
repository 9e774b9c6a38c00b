"""PBX servers with their live state, and their finished calls."""

from __future__ import annotations

from typing import Any, ClassVar, Final

from django.contrib import admin, messages
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from centralino.labels import ENDPOINTS
from centralino.models import LiveState, PbxCall, PbxServer
from centralino.selectors import live
from centralino.services.servers import secret
from centralino.state_store import NAME as SCREENING
from centralino.workers.ami_listener import NAME, connected
from core.admin.base import ExactFilter, IndexedSearch, written_as
from core.admin.read_only import ReadOnlyExportAdmin
from core.auth.bound_secrets import BoundSecretsAdmin, BoundSecretsForm, secret_again
from core.lib.labels import label_of
from core.lib.upstream import UpstreamError
from core.workers.selectors import health_label, statuses

_SSH: Final = ("ssh_host", "ssh_port", "ssh_fingerprint")


class PbxServerForm(BoundSecretsForm):
    AMI_SECRET = secret_again("AMI_SECRET")
    SSH_PASSWORD = secret_again("SSH_PASSWORD")
    ARI_PASSWORD = secret_again("ARI_PASSWORD")
    sent_to: ClassVar = {
        "AMI_SECRET": ("host", "ami_port", *_SSH),  # the tunnel's end chooses who it talks to
        "SSH_PASSWORD": _SSH,
        "ARI_PASSWORD": ("ari_url",),
    }

    def known_secret(self, name: str) -> str:
        return secret(self.instance.name, name)


@admin.register(PbxServer)
class PbxServerAdmin(BoundSecretsAdmin):
    form = PbxServerForm
    list_display = (
        "name", "enabled", "health", "channels", "screening", "extensions", "host", "ssh_host",
        "last_error",
    )  # fmt: skip
    list_editable = ("enabled",)
    actions = ("test_connection",)
    fieldsets = (
        (None, {"fields": ("name", "enabled", "secrets")}),
        (
            gettext_lazy("Manager (AMI)"),
            {"fields": ("host", "ami_port", "ami_user", "more_events")},
        ),
        (
            gettext_lazy("SSH tunnel"),
            {"fields": ("ssh_host", "ssh_port", "ssh_user", "ssh_fingerprint", "local_port")},
        ),
        (
            gettext_lazy("Call screening (ARI)"),
            {"fields": ("ari_url", "ari_user", "ari_app", "extensions")},
        ),
        (
            gettext_lazy("Callers' numbers"),
            {"fields": ("respect_hidden", "e164_without_plus")},
        ),
    )
    readonly_fields = ("secrets", "extensions")

    def get_readonly_fields(self, request: HttpRequest, obj: PbxServer | None = None) -> Any:
        # Secrets, stored calls and the live state are found by the name.
        return (*self.readonly_fields, "name") if obj else self.readonly_fields

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> Any:
        self._jobs = {job.name: job for job in statuses()}
        self._states = {state.key: state.known() for state in LiveState.objects.all()}
        return super().changelist_view(request, extra_context)

    @admin.display(description=gettext_lazy("state"))
    def health(self, server: PbxServer) -> str:
        job = self._jobs.get(f"{NAME}.{server.name}")
        return health_label(job, is_wanted=server.enabled)

    @admin.display(description=gettext_lazy("channels now"))
    def channels(self, server: PbxServer) -> str:
        state = self._states.get(f"{server.name}.ami")
        return str(state.get("count", 0)) if state else "—"

    @admin.display(description=gettext_lazy("screening"))
    def screening(self, server: PbxServer) -> str:
        job = self._jobs.get(f"{SCREENING}.{server.name}")
        return health_label(job, is_wanted=server.enabled and bool(server.ari_url))

    @admin.display(description=gettext_lazy("extensions"))
    def extensions(self, server: PbxServer) -> str:
        """`100 not connected, 105 available`: as ARI reports them while it is connected."""
        found = live.endpoints(server.name) if server.name else []
        states = (f"{one.resource} {label_of(ENDPOINTS, one.state)}" for one in found)
        return ", ".join(states) or "—"

    @admin.display(description=gettext_lazy("last error"))
    def last_error(self, server: PbxServer) -> str:
        jobs = [self._jobs.get(f"{name}.{server.name}") for name in (NAME, SCREENING)]
        return "; ".join(job.last_error for job in jobs if job and job.last_error)

    @admin.display(description=gettext_lazy("secrets"))
    def secrets(self, server: PbxServer) -> str:
        if not server.name:
            return _("from the environment, by the server's name: ASTERISK_1_AMI_SECRET, ...")
        return "; ".join(
            (_("%s is set") if secret(server.name, name) else _("%s is missing"))
            % f"{server.name.upper()}_{name}"
            for name in ("AMI_SECRET", "SSH_KEY", "SSH_PASSWORD", "ARI_PASSWORD")
        )

    @admin.action(description=gettext_lazy("Test the connection now"), permissions=["change"])
    def test_connection(self, request: HttpRequest, servers: QuerySet[PbxServer]) -> None:
        for server in servers:
            try:
                # The listener uses the tunnel's configured port.
                server.local_port = 0
                with connected(server) as ami:
                    count = len(ami.listed("CoreShowChannels"))
            except UpstreamError as exc:
                self.message_user(request, f"{server}: {exc}", messages.ERROR)
            else:
                self.message_user(
                    request,
                    _("%(server)s: connected, %(count)d channels")
                    % {"server": server, "count": count},
                )


class ServerFilter(ExactFilter):
    title = gettext_lazy("server")
    parameter_name = "server"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(name, name) for name in PbxServer.objects.values_list("name", flat=True)]


@admin.register(PbxCall)
class PbxCallAdmin(IndexedSearch, ReadOnlyExportAdmin):
    list_display = (
        "started_at", "caller", "number", "caller_name", "exten", "duration_s", "answered_at",
        "cause", "cause_text", "server",
    )  # fmt: skip
    list_filter = (ServerFilter, ("answered_at", admin.EmptyFieldListFilter))
    search_fields = ("caller",)
    search_help_text = gettext_lazy(
        "A caller in any notation, or a call's linkedid; 333* finds callers that begin so."
    )
    ordering = ("-started_at", "-id")

    def find(self, queryset: QuerySet[PbxCall], term: str) -> QuerySet[PbxCall]:
        known = written_as("number", term) & Q(number__gt="")  # rows of before have none
        found = written_as("caller", term) | known
        if "." in term:  # perhaps a linkedid: 1732417200.17
            servers = list(PbxServer.objects.values_list("name", flat=True))
            found |= Q(server__in=servers, linkedid=term)
        return queryset.filter(found)
