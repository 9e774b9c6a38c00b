"""Settings, all from the environment; `.env.example` lists every name with its meaning."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import django_stubs_ext

from gateway_arq import databases, env, logs
from gateway_arq.staff.theme import UNFOLD as UNFOLD
from ocr.legacy.place import place as legacy_place

django_stubs_ext.monkeypatch()  # Django's generic classes take [Model] at run time too

BASE_DIR = Path(__file__).resolve().parent.parent
env.load_dotenv(Path(env.text("DOTENV", str(BASE_DIR / ".env"))))

# --- Mode ---------------------------------------------------------------------------------------
PRODUCTION = env.choice("GATEWAY_ENV", "development", {"development", "production"}) == "production"
DEBUG = env.flag("DEBUG")
SECRET_KEY = env.text(
    "SECRET_KEY", "" if PRODUCTION else "development-only-secret-key-never-used-in-production"
)
DATA_DIR = Path(env.text("DATA_DIR", "./var")).resolve()
HOST = env.text("HOST", "127.0.0.1")
PORT = env.integer("PORT", 8000, minimum=1)
ASGI_SERVER = env.choice("ASGI_SERVER", "uvicorn", {"uvicorn", "daphne"})
HTTP_THREADS = env.integer("HTTP_THREADS", 4, minimum=1)

# --- Who may ask --------------------------------------------------------------------------------
ALLOWED_HOSTS = env.items("ALLOWED_HOSTS", "localhost,127.0.0.1,[::1]")
API_KEYS = env.numbered("API_KEY_")
KEYLESS_READ_NETWORKS = env.networks("KEYLESS_READ_NETWORKS")
TRUSTED_PROXIES = env.networks("TRUSTED_PROXIES")
CORS_ALLOWED_ORIGINS = env.items("CORS_ALLOWED_ORIGINS")
CSRF_TRUSTED_ORIGINS = env.items("CSRF_TRUSTED_ORIGINS")
RATE_LIMIT_PER_MINUTE = env.integer("RATE_LIMIT_PER_MINUTE", 100)  # 0 switches it off
AUTH_FAILURES_PER_MINUTE = env.integer("AUTH_FAILURES_PER_MINUTE", 20)
LOGIN_FAILURES = env.integer("LOGIN_FAILURES", 5, minimum=1)  # of one user at one address
LOGIN_FAILURES_PER_ADDRESS = env.integer("LOGIN_FAILURES_PER_ADDRESS", 20, minimum=1)
LOGIN_LOCK_MINUTES = env.integer("LOGIN_LOCK_MINUTES", 15, minimum=1)
TWO_FACTOR_GROUPS = env.items("TWO_FACTOR_GROUPS")  # whose members need a second factor
MAX_BODY_BYTES = env.integer("MAX_BODY_BYTES", 5 * 1024 * 1024, minimum=1024)
MAX_IMAGE_BODY_BYTES = env.integer("MAX_IMAGE_BODY_BYTES", 15 * 1024 * 1024, minimum=1024)
MAX_CONNECTIONS = env.integer("MAX_CONNECTIONS", 3_000, minimum=10)  # of one web process
MAX_CONNECTIONS_PER_ADDRESS = env.integer("MAX_CONNECTIONS_PER_ADDRESS", 200, minimum=1)

# --- Live events --------------------------------------------------------------------------------
HEARTBEAT_S = env.number("HEARTBEAT_S", 30, minimum=0.05)
EVENT_LOG_LENGTH = env.integer("EVENT_LOG_LENGTH", 20_000, minimum=1)
SOCKET_QUEUE_LENGTH = env.integer("SOCKET_QUEUE_LENGTH", 1_000, minimum=1)
MAX_SOCKETS = env.integer("MAX_SOCKETS", 2_000, minimum=1)
MAX_SOCKETS_PER_KEY = env.integer("MAX_SOCKETS_PER_KEY", 500)  # 0 switches it off
MAX_SOCKETS_PER_ADDRESS = env.integer("MAX_SOCKETS_PER_ADDRESS", 300)

# --- Carrier ------------------------------------------------------------------------------------
WEBCOM_URL = env.text("WEBCOM_URL")  # empty: the carrier is switched off
WEBCOM_PUSH_URL = env.text("WEBCOM_PUSH_URL")
WEBCOM_TOKEN = env.text("WEBCOM_TOKEN")
WEBCOM_WEBHOOK_SECRET = env.text("WEBCOM_WEBHOOK_SECRET")
WEBCOM_TIMEOUT_S = env.number("WEBCOM_TIMEOUT_S", 10, minimum=0.1)
CALL_RETENTION_DAYS = env.integer("CALL_RETENTION_DAYS", 0)  # 0 keeps them

# --- Switchboard --------------------------------------------------------------------------------
# ASTERISK_1_HOST, ASTERISK_1_AMI_SECRET, ... by server and name: {"asterisk_1": {"HOST": ...}}
ASTERISK_SERVERS = env.groups("ASTERISK_")
AMI_CLIENT = env.choice("AMI_CLIENT", "asyncio", {"asyncio", "pyst2"})
SSH_KNOWN_HOSTS = env.text("SSH_KNOWN_HOSTS", "~/.ssh/known_hosts")
PBX_RETENTION_DAYS = env.integer("PBX_RETENTION_DAYS", 0)  # 0 keeps them

# --- Web TV -------------------------------------------------------------------------------------
# WEBTV_1_URL, WEBTV_1_PASSWORD, ... by stream and name: {"webtv_1": {"URL": ...}}
WEBTV_STREAMS = env.groups("WEBTV_")
WEBTV_INTERVAL_S = env.integer("WEBTV_INTERVAL_S", 5, minimum=1)
WEBTV_TIMEOUT_S = env.number("WEBTV_TIMEOUT_S", 4, minimum=0.1)
WEBTV_SAMPLE_RETENTION_DAYS = env.integer("WEBTV_SAMPLE_RETENTION_DAYS", 7)  # 0 keeps them
WEBTV_HOURLY_RETENTION_DAYS = env.integer("WEBTV_HOURLY_RETENTION_DAYS", 7)
WEBTV_DAILY_RETENTION_DAYS = env.integer("WEBTV_DAILY_RETENTION_DAYS", 7)

# --- Lotto --------------------------------------------------------------------------------------
LOTTO_IMPORT_DIR = Path(env.text("LOTTO_IMPORT_DIR", str(DATA_DIR / "lotto" / "import"))).resolve()
LOTTO_EXPORT_DIR = Path(env.text("LOTTO_EXPORT_DIR", str(DATA_DIR / "lotto" / "export"))).resolve()

LOTTO_EXPORT_DAYS = env.integer("LOTTO_EXPORT_DAYS", 30)  # 0 keeps them

# Tried in turn; empty: no sync
LOTTO_ARCHIVE_URLS = env.items(
    "LOTTO_ARCHIVE_URLS",
    ",".join(
        f"https://www.{host}/STORICO_ESTRAZIONI_LOTTO/storico.zip"
        for host in ("brightstarlottery.it", "igt.it", "lottomatica.it")
    ),
)
LOTTO_TIMEOUT_S = env.number("LOTTO_TIMEOUT_S", 30, minimum=0.1)
LOTTO_DRAW_TIME = env.time_of_day("LOTTO_DRAW_TIME", "20:00")  # in Rome

# --- OCR and AutoBOT ----------------------------------------------------------------------------
OCR_ENGINE = env.choice("OCR_ENGINE", "rapidocr", {"rapidocr", "easyocr"})
# EasyOCR's stock weights; without either of the two, our own network reads in it
OCR_EASYOCR_DOWNLOAD = env.flag("OCR_EASYOCR_DOWNLOAD")
OCR_EASYOCR_MODELS = env.text(
    "OCR_EASYOCR_MODELS", str(DATA_DIR / "easyocr") if OCR_EASYOCR_DOWNLOAD else ""
)
OCR_QUEUE = env.integer("OCR_QUEUE", 8, minimum=1)  # images that may wait for the reader
OCR_STREAM_URL = env.text("OCR_STREAM_URL")  # the default; AutoBOT's own configuration goes before
# Internal networks that the stream may lie in, though nothing internal is fetched otherwise
OCR_STREAM_NETWORKS = env.networks("OCR_STREAM_NETWORKS")
OCR_STREAM_FALLBACKS = env.items("OCR_STREAM_FALLBACKS")  # other addresses of the same channel
# OCR_STREAM_1_HOST, OCR_STREAM_1_REFERER, ...: what a host is sent, {"ocr_stream_1": {"HOST": ...}}
OCR_STREAM_HOSTS = env.groups("OCR_STREAM_")
OCR_WINDOW_MINUTES = env.number("OCR_WINDOW_MINUTES", 45, minimum=0.1)
OCR_EVIDENCE_DAYS = env.integer("OCR_EVIDENCE_DAYS", 90)  # 0 keeps them
OCR_WITNESSES = env.groups("OCR_WITNESS_")  # second sources of the draw: URL, NAME, PATTERN
OCR_WITNESS_TIMEOUT_S = env.number("OCR_WITNESS_TIMEOUT_S", 10, minimum=0.1)
OCR_CONFIRMED_BY = env.items("OCR_CONFIRMED_BY")  # their names, or `ai`; empty: nobody need be

TELEGRAM_URL = env.text("TELEGRAM_URL", "https://api.telegram.org")
TELEGRAM_BOT_TOKEN = env.text("TELEGRAM_BOT_TOKEN")  # empty: nothing is sent
TELEGRAM_CHAT_ID = env.text("TELEGRAM_CHAT_ID")

OPENROUTER_URL = env.text("OPENROUTER_URL", "https://openrouter.ai/api/v1")
OPENROUTER_API_KEY = env.text("OPENROUTER_API_KEY")  # empty: no validation by AI
OPENROUTER_MODEL = env.text("OPENROUTER_MODEL", "anthropic/claude-sonnet-4.5")
OPENROUTER_MODELS = env.items("OPENROUTER_MODELS")  # that may be asked for; empty: any
OPENROUTER_MONTHLY_BUDGET = env.number("OPENROUTER_MONTHLY_BUDGET", 20)  # US dollars; 0: no limit
OPENROUTER_TIMEOUT_S = env.number("OPENROUTER_TIMEOUT_S", 60, minimum=0.1)

LOTTO_SITE_URL = env.text("LOTTO_SITE_URL")  # empty: nothing is uploaded
LOTTO_SITE_USER = env.text("LOTTO_SITE_USER")
LOTTO_SITE_PASSWORD = env.text("LOTTO_SITE_PASSWORD")
LOTTO_SITE_TIMEOUT_S = env.number("LOTTO_SITE_TIMEOUT_S", 10, minimum=0.1)

# --- Backups ------------------------------------------------------------------------------------
BACKUP_DIR = Path(env.text("BACKUP_DIR", str(DATA_DIR / "backups"))).resolve()
BACKUP_KEEP = env.integer("BACKUP_KEEP", 7)  # 0 keeps them
BACKUP_RECIPIENT = env.text("BACKUP_RECIPIENT")  # age1...; empty: not encrypted

# --- Workers ------------------------------------------------------------------------------------
ALIVE_FILE = env.text("ALIVE_FILE")  # touched while a worker goes round; empty: none

# --- Sandbox ------------------------------------------------------------------------------------
SANDBOX = env.flag("SANDBOX")  # labels every page: the data is not real
SANDBOX_PORT = env.integer("SANDBOX_PORT", 8100, minimum=1)

# --- Stores -------------------------------------------------------------------------------------
DATABASE_URL = env.text("DATABASE_URL")
DATABASE_REPLICA_URL = env.text("DATABASE_REPLICA_URL")
LEGACY_DATABASE_URL = env.text("LEGACY_DATABASE_URL")
LEGACY_TIMEOUT_S = env.number("LEGACY_TIMEOUT_S", 3, minimum=0.1)
# What the sandbox fills in its place
LEGACY_FILE = DATA_DIR / "legacy.sqlite3" if SANDBOX and not LEGACY_DATABASE_URL else None
REDIS_URL = env.text("REDIS_URL")

# Seconds of a statement, by who waits for it (core.lib.postgres.limits); 0: any time
_timeout_s = env.number("DATABASE_TIMEOUT_S", 10, minimum=2)
DATABASE_TIMEOUTS_S = {
    "web": _timeout_s,
    "listener": _timeout_s,
    "task": env.number("DATABASE_TASK_TIMEOUT_S", 300),
    "command": 0,
}
DATABASES: dict[str, Any] = {
    "default": databases.postgres(DATABASE_URL, DATABASE_TIMEOUTS_S)
    if DATABASE_URL
    else databases.sqlite(DATA_DIR / "gateway.sqlite3"),
    "legacy": legacy_place(LEGACY_DATABASE_URL, LEGACY_FILE, timeout_s=LEGACY_TIMEOUT_S),
}
if DATABASE_URL and DATABASE_REPLICA_URL:
    DATABASES["replica"] = databases.replica(
        DATABASE_REPLICA_URL,
        max_lag_s=env.number("DATABASE_REPLICA_MAX_LAG_S", 1, minimum=0.1),
    )
DATABASE_ROUTERS = ["ocr.legacy.router.LegacyRouter"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

if REDIS_URL:
    CHANNEL_LAYERS = {
        "default": {
            "BACKEND": "channels_redis.core.RedisChannelLayer",
            # realtime.control sets the time limits: redis-py keeps its own with asyncio.wait_for,
            # which before Python 3.12 can swallow a cancellation, and then a task never ends
            "CONFIG": {
                "hosts": [
                    {"address": REDIS_URL, "socket_timeout": None, "socket_connect_timeout": 2}
                ]
            },
        }
    }
    CACHES = {
        "default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": REDIS_URL}
    }
else:
    CHANNEL_LAYERS = {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}
    CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}

# --- Django -------------------------------------------------------------------------------------
ROOT_URLCONF = "gateway_arq.urls"
WSGI_APPLICATION = "gateway_arq.wsgi.application"
ASGI_APPLICATION = "gateway_arq.asgi.application"
INSTALLED_APPS = [
    "daphne",
    "unfold.apps.BasicAppConfig",  # before the admin: its templates stand in for the admin's
    "unfold.contrib.import_export",
    "gateway_arq.staff.apps.GatewayAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "corsheaders",
    "import_export",
    "django_celery_beat",
    "django_otp",
    "django_otp.plugins.otp_totp",
    "django_otp.plugins.otp_static",
    "axes",
    "auditlog",
    "gateway_arq",
    "core.auth",
    "core.realtime",
    "core.workers",
    "gateway_arq.staff.apps.StaffConfig",
    "gateway_arq.backup.apps.BackupConfig",
    "webcom",
    "centralino",
    "webtv",
    "lotto",
    "ocr",
]
MIDDLEWARE = [
    "gateway_arq.middleware.RequestIdMiddleware",
    "gateway_arq.middleware.RepeatedReads",
    "gateway_arq.middleware.NoStoreMiddleware",
    "gateway_arq.middleware.CorsForBrowsers",
    "gateway_arq.middleware.BodyLimitMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "gateway_arq.middleware.ApiLanguageMiddleware",
    "gateway_arq.middleware.SessionsOfPeople",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "gateway_arq.middleware.UsersOfPeople",
    "gateway_arq.middleware.MessagesToPeople",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "gateway_arq.staff.middleware.AdminPolicy",
    "gateway_arq.staff.middleware.WhoChanges",
    "gateway_arq.staff.middleware.BusyLogin",
    "axes.middleware.AxesMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "gateway_arq.views.page_context",
            ],
        },
    }
]
PASSWORD_HASHERS = ["core.auth.hashing.QueuedPasswordHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
    )
]
LOGIN_URL = "admin:login"
LOGIN_REDIRECT_URL = "admin:index"
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",  # first: it refuses who is locked
    "django.contrib.auth.backends.ModelBackend",
]

# A lock is for one user at one address: no stranger locks the staff out, and no one the office;
# the handler locks an address too, where many users failed
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_HANDLER = "gateway_arq.staff.login_lock.LoginLock"
AXES_CLIENT_IP_CALLABLE = "core.auth.limits.login_address"
AXES_FAILURE_LIMIT = LOGIN_FAILURES
AXES_COOLOFF_TIME = timedelta(minutes=LOGIN_LOCK_MINUTES)
AXES_RESET_ON_SUCCESS = True
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False
AXES_LOCKOUT_CALLABLE = "gateway_arq.staff.login.locked_out"
AXES_DISABLE_ACCESS_LOG = True  # failures only
AXES_VERBOSE = False
OTP_TOTP_ISSUER = "Gateway ARQ"

AUDITLOG_MASK_CALLABLE = "gateway_arq.staff.audit.masked"
AUDITLOG_CID_GETTER = "core.lib.logs.current_context"
LANGUAGE_CODE = "it"
LANGUAGES = [("it", "Italiano"), ("en", "English")]
LOCALE_PATHS = [BASE_DIR / "locale"]
FORMAT_MODULE_PATH = "gateway_arq.formats"
USE_I18N = True
USE_TZ = True
TIME_ZONE = GATEWAY_TIME_ZONE = env.text("GATEWAY_TIME_ZONE", "Europe/Rome")
APPEND_SLASH = False
DATA_UPLOAD_MAX_MEMORY_SIZE = MAX_BODY_BYTES
STATIC_URL = "static/"
STATIC_ROOT = Path(env.text("STATIC_ROOT", str(DATA_DIR / "static")))
STATICFILES_DIRS = [BASE_DIR / "static"]
WHITENOISE_USE_FINDERS = not PRODUCTION

# --- HTTPS (production) -------------------------------------------------------------------------
HTTPS = env.flag("HTTPS", PRODUCTION)
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_SSL_REDIRECT = HTTPS
SECURE_REDIRECT_EXEMPT = [r"^livez$", r"^readyz$"]
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = HTTPS
if TRUSTED_PROXIES:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
X_FRAME_OPTIONS = "DENY"
CSRF_FAILURE_VIEW = "gateway_arq.errors.csrf_failure"

# --- REST ---------------------------------------------------------------------------------------
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "core.api.authentication.ApiKeyAuthentication",
        "core.api.authentication.StaffSessionAuthentication",
        "core.api.authentication.KeylessNetworkAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["core.api.authentication.Admission"],
    "DEFAULT_RENDERER_CLASSES": [
        "core.api.rest.JsonRenderer",
        "core.api.rest.BrowsableRenderer",
    ],
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": "core.api.rest.Negotiation",
    "DEFAULT_PARSER_CLASSES": ["core.api.rest.JsonParser"],
    "DEFAULT_SCHEMA_CLASS": "gateway_arq.apidocs.naming.NamedSchema",
    "EXCEPTION_HANDLER": "core.api.rest.error_response",
    "UNAUTHENTICATED_USER": None,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Gateway ARQ API",
    "VERSION": "1.5.0",
    "OAS_VERSION": "3.1.0",
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "core.api.security_schemes.add_errors",
        "gateway_arq.apidocs.snippets.add_snippets",
    ],
}
CORS_ALLOW_HEADERS = ["accept", "authorization", "content-type", "x-api-key", "x-request-id"]
CORS_EXPOSE_HEADERS = [
    "RateLimit",
    "RateLimit-Policy",
    "Retry-After",
    "X-RateLimit-Limit",
    "X-RateLimit-Remaining",
    "X-RateLimit-Reset",
    "X-Request-ID",
]

# --- Tasks --------------------------------------------------------------------------------------
CELERY_BROKER_URL = REDIS_URL or None
CELERY_TASK_IGNORE_RESULT = True
CELERY_TIMEZONE = GATEWAY_TIME_ZONE
CELERY_BEAT_SCHEDULER = "gateway_arq.beat:Scheduler"
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_RESULT_EXPIRES = None
# None of ours is acknowledged late, so none is cancelled; unset, a warning comes with each loss.
CELERY_WORKER_CANCEL_LONG_RUNNING_TASKS_ON_CONNECTION_LOSS = True
DJANGO_CELERY_BEAT_TZ_AWARE = True

# --- Logs ---------------------------------------------------------------------------------------
LOG_LEVEL = env.choice("LOG_LEVEL", "INFO", {"DEBUG", "INFO", "WARNING", "ERROR"})
LOG_FORMAT = env.choice("LOG_FORMAT", "text", {"text", "json"})
LOGGING_CONFIG = "core.lib.logs.configure"
LOGGING = logs.logging_of(LOG_LEVEL, LOG_FORMAT)
