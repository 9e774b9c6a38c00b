"""Switch off a user's second factor, when nobody is left who could do it in the admin."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import User
from django.core.management import BaseCommand, CommandError, CommandParser

from gateway_arq.staff.second_factor import disable


class Command(BaseCommand):
    help = "Switches a user's two-factor login off and logs them out everywhere."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("username")

    def handle(self, *args: Any, username: str, **options: Any) -> None:
        user = User.objects.filter(username=username).first()
        if user is None:
            raise CommandError(f"There is no user {username!r}.")
        self.stdout.write("It is off." if disable(user) else "The user had no second factor.")
