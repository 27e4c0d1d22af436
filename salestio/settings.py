"""Settings, read from the environment; a bad value stops the start and names itself.

`docs/configuration.md` lists every name. SALESTIO_MODE is `demo` (the bundled sandbox, random demo credentials),
`production` (refuses anything unsafe) or `test`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import bootstrap_wrapper
import environ
from django.core.exceptions import ImproperlyConfigured

from connectors import registry
from connectors.contract.settings import PlatformSettings, Value
from salestio.lib.crypto import KeyRing
from salestio.lib.times import scaled

BASE_DIR = Path(__file__).resolve().parent.parent
env = environ.Env()


def fail(name: str, why: str) -> ImproperlyConfigured:
    return ImproperlyConfigured(f"{name}: {why}")


def required(name: str) -> str:
    value = str(env.str(name, default=""))
    if not value:
        raise fail(name, "is not set")
    return value


def one_of(name: str, allowed: tuple[str, ...], default: str) -> str:
    value = str(env.str(name, default=default))
    if value not in allowed:
        raise fail(name, f"is {value!r}; use one of {', '.join(allowed)}")
    return value


def number(name: str, default: float, *, least: float = 0.0) -> float:
    text = str(env.str(name, default=str(default)))
    try:
        value = float(text)
    except ValueError:
        raise fail(name, f"is {text!r}; use a number") from None
    if value < least:
        raise fail(name, f"is {text}; use {least} or more")
    return value


def address(name: str, default: str = "") -> str:
    """Return a base URL without its last slash. Raises when it is no http(s) address."""
    value = str(env.str(name, default=default)).rstrip("/")
    if value and urlsplit(value).scheme not in ("http", "https"):
        raise fail(name, f"is {value!r}; use an http or https address")
    if MODE == "production" and urlsplit(value).hostname in ("127.0.0.1", "localhost", "::1"):
        raise fail(name, "points to this machine; that is only for demo mode")
    return value


# ── what kind of run this is ─────────────────────────────────────────────────────────────────────────────────────────
MODE = one_of("SALESTIO_MODE", ("demo", "production", "test"), "production")
DEMO = MODE == "demo"
DEBUG = False
BRAND_NAME = str(env.str("BRAND_NAME", default="Salestio"))
DATA_DIR = Path(str(env.str("SALESTIO_DATA_DIR", default=str(BASE_DIR / ".data"))))
WEB_URL = str(env.str("SALESTIO_WEB_URL", default="http://127.0.0.1:8000")).rstrip("/")
SANDBOX_URL = str(
    env.str("SALESTIO_SANDBOX_URL", default="http://127.0.0.1:8001" if MODE != "production" else "")
).rstrip("/")
RECOVERY = bool(env.bool("RECOVERY", default=False))
READ_ONLY = bool(env.bool("SALESTIO_READ_ONLY", default=False))
INSTANCE_ID = str(env.str("SALESTIO_INSTANCE_ID", default=""))
TIMES = scaled(number("SALESTIO_TIMES_DIVISOR", 1.0, least=0.001))
_ECB = "https://www.ecb.europa.eu/stats/eurofxref/eurofxref-hist-90d.xml"
RATES_URL = str(env.str("SALESTIO_RATES_URL", default=_ECB if MODE == "production" else ""))
"""A file of daily exchange rates in the ECB's format; empty (demo and tests): the bundled sample."""

# ── secrets ──────────────────────────────────────────────────────────────────────────────────────────────────────────
SECRET_KEY = required("SECRET_KEY")
if MODE == "production" and (len(SECRET_KEY) < 50 or SECRET_KEY.startswith("django-insecure")):
    raise fail("SECRET_KEY", "is too short or a default; use 50 random characters or more")
CREDENTIAL_KEYS = [key.strip() for key in required("SALESTIO_CREDENTIAL_KEYS").split(",") if key.strip()]
try:
    KEY_RING = KeyRing(CREDENTIAL_KEYS)
except ValueError as error:
    raise fail("SALESTIO_CREDENTIAL_KEYS", f"holds a value that is no Fernet key ({error})") from None
SEARCH_KEY = required("SALESTIO_SEARCH_KEY")

# ── databases and broker ─────────────────────────────────────────────────────────────────────────────────────────────
_POOL = {"CONN_MAX_AGE": None, "CONN_HEALTH_CHECKS": True}
# No JIT: its compiling costs 100 to 300 ms, and no query of ours runs long enough to earn that back.
_OPTIONS = {"connect_timeout": 5, "options": "-c lock_timeout=5s -c statement_timeout=30s -c jit=off"}


def database(name: str, url: str) -> dict[str, object]:
    try:
        config = dict(environ.Env.db_url_config(url))
    except (ValueError, ImproperlyConfigured) as error:
        raise fail(name, str(error)) from None
    if "postgresql" not in str(config.get("ENGINE", "")):
        raise fail(name, "is not a postgresql:// address; PostgreSQL is the only database")
    return config


DATABASES: dict[str, dict[str, object]] = {
    "default": database("DATABASE_URL", required("DATABASE_URL")) | _POOL | {"OPTIONS": _OPTIONS},
}
if env.str("DATABASE_OWNER_URL", default=""):
    DATABASES["owner"] = database("DATABASE_OWNER_URL", required("DATABASE_OWNER_URL")) | {
        "OPTIONS": {"connect_timeout": 5, "options": "-c lock_timeout=5s"},
        "TEST": {"MIRROR": None},
    }
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
REDIS_URL = required("REDIS_URL")
if urlsplit(REDIS_URL).scheme not in ("redis", "rediss"):
    raise fail("REDIS_URL", "is not a redis:// or rediss:// address")

# ── Django ───────────────────────────────────────────────────────────────────────────────────────────────────────────
INSTALLED_APPS = [
    "salestio.apps.SalestioConfig",
    "accounts",
    "salestio.outbox.apps.OutboxConfig",
    "salestio.inbox.apps.InboxConfig",
    "notifications",
    "inventory",
    "orders",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "django_htmx",
    "template_partials",
    "django_filters",
    "rest_framework",
    "drf_spectacular",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "salestio.middleware.RequestContext",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "accounts.middleware.MerchantMiddleware",
    "salestio.middleware.SecurityHeaders",
]
ROOT_URLCONF = "salestio.urls"
WSGI_APPLICATION = "salestio.wsgi.application"
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
                "salestio.context.product",
            ],
        },
    }
]
AUTH_USER_MODEL = "accounts.User"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "/sign-in/"
LOGIN_REDIRECT_URL = "/"
LANGUAGE_CODE = "en-us"
TIME_ZONE = "UTC"
USE_I18N = False
USE_TZ = True
FORMS_URLFIELD_ASSUME_HTTPS = True

_HOST = urlsplit(WEB_URL).hostname or "127.0.0.1"
ALLOWED_HOSTS = [h for h in env.list("SALESTIO_ALLOWED_HOSTS", default=[_HOST]) if h]
if MODE != "production":
    ALLOWED_HOSTS = [*ALLOWED_HOSTS, "127.0.0.1", "localhost", "[::1]", "testserver"]
SECURE = urlsplit(WEB_URL).scheme == "https"
if MODE == "production" and not SECURE:
    raise fail("SALESTIO_WEB_URL", "must be an https address in production")
CSRF_TRUSTED_ORIGINS = [WEB_URL]
CSRF_FAILURE_VIEW = "salestio.problems.csrf"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_AGE = 14 * 86400
SECURE_SSL_REDIRECT = SECURE and bool(env.bool("SALESTIO_SSL_REDIRECT", default=True))
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if SECURE else None
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$", r"^metrics$"]
SECURE_HSTS_SECONDS = 31536000 if SECURE else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = SECURE
SECURE_REFERRER_POLICY = "same-origin"
PROXY_HOPS = int(number("SALESTIO_PROXY_HOPS", 0))
"""How many proxies of ours stand in front; that many entries of X-Forwarded-For are believed, from the right."""
DATA_UPLOAD_MAX_MEMORY_SIZE = 2 * 1024 * 1024

STATIC_URL = "/static/"
STATIC_ROOT = Path(str(env.str("SALESTIO_STATIC_ROOT", default=str(DATA_DIR / "static"))))
# Bootstrap's files come from the wheel bootstrap-wrapper, beside it in a package named `bootstrap`.
STATICFILES_DIRS = [("bootstrap", Path(bootstrap_wrapper.__file__).parent.parent / "bootstrap")]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"
        if MODE == "production"
        else "django.contrib.staticfiles.storage.StaticFilesStorage"
    },
}
WHITENOISE_USE_FINDERS = MODE != "production"
WHITENOISE_AUTOREFRESH = False

DEFAULT_FROM_EMAIL = str(env.str("SALESTIO_MAIL_FROM", default=f"{BRAND_NAME} <no-reply@{_HOST}>"))
if MODE == "production":
    EMAIL_CONFIG = env.email_url("SALESTIO_MAIL_URL", default="smtp://localhost:25")
    vars().update(EMAIL_CONFIG)
elif MODE == "demo":
    EMAIL_BACKEND = "notifications.backend.FileMail"
else:
    EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
MAIL_DIR = DATA_DIR / "mail"

CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}

# ── REST API ─────────────────────────────────────────────────────────────────────────────────────────────────────────
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["accounts.authentication.MerchantToken"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["salestio.parsers.LimitedJSONParser"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "salestio.problems.handler",
    "UNAUTHENTICATED_USER": None,
}
SPECTACULAR_SETTINGS = {
    "TITLE": f"{BRAND_NAME} API",
    "DESCRIPTION": "Orders, accounts, events and SKU mappings of one merchant. Sign in with a merchant's API token.",
    "VERSION": "1.0.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SCHEMA_PATH_PREFIX": r"/api/v1",
    "COMPONENT_SPLIT_REQUEST": True,
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "salestio.openapi.with_problems",
    ],
}

# ── platforms: each folder under connectors declares what it reads; in demo the addresses point to the sandbox ───────
_PRETEND = SANDBOX_URL if MODE != "production" else ""


def declared(value: Value) -> Any:
    if isinstance(value.default, tuple):
        return tuple(env.list(value.env, default=list(value.default)))
    if isinstance(value.default, int):
        return int(number(value.env, value.default))
    return str(env.str(value.env, default=value.default))


PLATFORM_SETTINGS: dict[str, PlatformSettings] = {
    name: registry.load(line.settings) for name, line in registry.PLATFORMS.items()
}
PLATFORM_URLS: dict[str, dict[str, str]] = {
    platform: {
        name: address(where.env, f"{_PRETEND}{where.pretend}" if _PRETEND else where.real)
        for name, where in declaration.addresses.items()
    }
    for platform, declaration in PLATFORM_SETTINGS.items()
}
PLATFORM_APPS: dict[str, dict[str, Any]] = {
    platform: {name: declared(value) for name, value in declaration.app.items()}
    for platform, declaration in PLATFORM_SETTINGS.items()
}

# ── logs: one JSON line an event in production, plain lines elsewhere; configured in salestio/logs.py ────────────────
LOGGING_CONFIG = "salestio.logs.configure"
LOGGING = {
    "level": one_of("SALESTIO_LOG_LEVEL", ("DEBUG", "INFO", "WARNING", "ERROR"), "INFO"),
    "json": MODE == "production",
}
