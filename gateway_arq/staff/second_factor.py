"""The second factor: codes of an authenticator app, and backup codes for the day it is lost."""

from __future__ import annotations

from base64 import b32decode, b32encode
from typing import Any, Final

from django.contrib.auth import SESSION_KEY
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.db import transaction
from django.utils import timezone
from django.utils.safestring import SafeString, mark_safe
from django_otp import user_has_device
from django_otp.plugins.otp_static.models import StaticDevice, StaticToken
from django_otp.plugins.otp_totp.models import TOTPDevice, default_key

APP, BACKUP = "app", "backup codes"
BACKUP_CODES: Final = 10


class WrongCode(Exception):
    """The code is wrong, used or expired."""


def new_key() -> str:
    """A secret for an authenticator app: 160 bits, hexadecimal."""
    return str(default_key())


def readable(key: str) -> str:
    """The key for typing into an app, in groups of four."""
    text = b32encode(bytes.fromhex(key)).decode()
    return " ".join(text[at : at + 4] for at in range(0, len(text), 4))


def from_readable(text: str) -> str:
    """The inverse of `readable`."""
    return b32decode("".join(text.split())).hex()


def qr_code(user: User, key: str) -> SafeString:
    """The QR code for an app, as SVG for the page. Made locally: the key stays here."""
    import segno  # late: seldom needed

    address = TOTPDevice(user=user, key=key).config_url
    drawn = segno.make(address, error="m").svg_inline(
        scale=5, border=4, dark="#000", light="#fff", omitsize=True
    )
    return mark_safe(drawn)  # segno's own drawing


def is_enrolled(user: User) -> bool:
    return bool(user_has_device(user))


@transaction.atomic
def enrol(user: User, key: str, code: str) -> tuple[TOTPDevice, list[str]]:
    """Register the app that has `key` for the user, proven by one of its codes; new backup codes.

    Raises WrongCode.
    """
    device = TOTPDevice(user=user, name=APP, key=key)
    if not _is_code(code) or not device.verify_token(code):
        raise WrongCode
    TOTPDevice.objects.filter(user=user).exclude(pk=device.pk).delete()
    return device, renew_backup_codes(user)


@transaction.atomic
def renew_backup_codes(user: User) -> list[str]:
    """Replace the backup codes; each is valid for one login."""
    StaticDevice.objects.filter(user=user).delete()
    device = StaticDevice.objects.create(user=user, name=BACKUP)
    codes = [str(StaticToken.random_token()) for _ in range(BACKUP_CODES)]
    StaticToken.objects.bulk_create(StaticToken(device=device, token=code) for code in codes)
    return codes


def backup_codes_left(user: User) -> int:
    return int(StaticToken.objects.filter(device__user=user).count())


@transaction.atomic
def verified_device(user: User, code: str) -> Any:
    """The device of the user that `code` proves, or None; a failure slows the next try down."""
    code = "".join(code.split()).lower()
    kind = TOTPDevice if _is_code(code) else StaticDevice
    for device in kind.objects.devices_for_user(user, confirmed=True).select_for_update():
        if device.verify_token(code):
            return device
    return None


@transaction.atomic
def disable(user: User) -> bool:
    """Remove the second factor, for a lost phone; ends the user's sessions. False: had none."""
    enrolled = is_enrolled(user)
    for kind in (TOTPDevice, StaticDevice):
        kind.objects.filter(user=user).delete()
    if enrolled:
        end_sessions(user)
    return enrolled


def end_sessions(user: User, *, keep: str | None = None) -> None:
    """Log the user out everywhere, except for the session with the key `keep`."""
    for session in Session.objects.filter(expire_date__gt=timezone.now()).exclude(pk=keep):
        if session.get_decoded().get(SESSION_KEY) == str(user.pk):
            session.delete()


def _is_code(code: str) -> bool:
    return len(code) == 6 and code.isascii() and code.isdigit()
