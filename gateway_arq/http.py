"""Django as a WSGI application, ready to serve; `wsgi` and `asgi` put it behind a server."""

from __future__ import annotations

import gc
import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "gateway_arq.settings")

from django.core.wsgi import get_wsgi_application

from gateway_arq.checks import refuse_unsafe_production

refuse_unsafe_production()
application = get_wsgi_application()
# What is loaded by now stays: the collector need not look through it again and again.
gc.collect()
gc.freeze()
