"""The PBX servers: made from the environment once, then owned by staff; secrets stay out."""

from __future__ import annotations

from typing import Any, Final

from django.conf import settings

from centralino.models import PbxServer

_FIELDS: Final[dict[str, str]] = {
    "HOST": "host",
    "AMI_PORT": "ami_port",
    "AMI_USER": "ami_user",
    "SSH_HOST": "ssh_host",
    "SSH_PORT": "ssh_port",
    "SSH_USER": "ssh_user",
    "SSH_FINGERPRINT": "ssh_fingerprint",
    "LOCAL_PORT": "local_port",
    "MORE_EVENTS": "more_events",
    "ARI_URL": "ari_url",
    "ARI_USER": "ari_user",
    "ARI_APP": "ari_app",
}
SECRETS: Final = frozenset({"AMI_SECRET", "SSH_KEY", "SSH_PASSWORD", "ARI_PASSWORD"})
NAMES: Final = frozenset(_FIELDS) | SECRETS  # what follows ASTERISK_1_ in the environment
_NUMBERS: Final = frozenset({"AMI_PORT", "SSH_PORT", "LOCAL_PORT"})


def add_configured_servers() -> list[PbxServer]:
    """Create the servers of the environment that do not exist yet; returns them.

    A server without a readable port is skipped: the system checks report it.
    """
    created = []
    for name, given in settings.ASTERISK_SERVERS.items():
        try:
            fields = _fields(given)
        except ValueError:
            continue
        if settings.SANDBOX:  # it may be on another port at each start
            server, is_new = PbxServer.objects.update_or_create(name=name, defaults=fields)
        else:
            server, is_new = PbxServer.objects.get_or_create(name=name, defaults=fields)
        if is_new:
            created.append(server)
    return created


def enabled_servers() -> list[PbxServer]:
    """The enabled servers, by name."""
    return list(PbxServer.objects.filter(enabled=True).order_by("name"))


def secret(server: str, name: str) -> str:
    """A secret of the server (`AMI_SECRET`, `SSH_PASSWORD`, ...) from the environment, or ''."""
    return str(settings.ASTERISK_SERVERS.get(server, {}).get(name, ""))


def _fields(given: dict[str, str]) -> dict[str, Any]:
    return {
        field: int(given[name]) if name in _NUMBERS else given[name]
        for name, field in _FIELDS.items()
        if name in given
    }
