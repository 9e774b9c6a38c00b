#!/usr/bin/env python
"""Django's command line for Gateway ARQ."""

import os
import sys

from django.core.management import execute_from_command_line

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "gateway_arq.settings")
    if sys.argv[1:2] == ["up"]:
        from gateway_arq import bootstrap

        bootstrap.prepare()
    execute_from_command_line(sys.argv)
