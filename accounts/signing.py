"""Signing in, with its limits: five failures a minute and account, fifty a minute and address (RELIABILITY 3.4)."""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.contrib.auth import authenticate, login
from django.http import HttpRequest
from django.utils.crypto import salted_hmac
from django.utils.timezone import now

from accounts.models import SignInAttempt, User

WRONG = "The e-mail address and the password do not fit together."
TOO_MANY = "Too many tries. Wait a minute, then try again."
WINDOW = timedelta(minutes=1)
LIMITS = {"account": 5, "address": 50}
KEPT = timedelta(days=1)


class SignInRefused(ValueError):
    """Signing in failed; the text is the same whether the account exists or not. `wait` is set at the limit."""

    def __init__(self, sentence: str, *, wait: bool = False) -> None:
        super().__init__(sentence)
        self.wait = wait


def client_address(request: HttpRequest) -> str:
    """Return who calls: the connection's address, or behind SALESTIO_PROXY_HOPS proxies what the first of them saw."""
    hops = settings.PROXY_HOPS
    forwarded = [part.strip() for part in request.headers.get("X-Forwarded-For", "").split(",") if part.strip()]
    if hops and len(forwarded) >= hops:
        return forwarded[-hops]
    return str(request.META.get("REMOTE_ADDR", ""))


def sign_in(request: HttpRequest, *, email: str, password: str) -> User:
    """Sign the browser in under a new session id and return the user. Raises `SignInRefused`."""
    email = email.strip().lower()
    check_limits(request, email)
    user = authenticate(request, username=email, password=password)
    if not isinstance(user, User):
        note_failure(request, email)
        raise SignInRefused(WRONG)
    login(request, user)
    return user


def check_limits(request: HttpRequest, email: str) -> None:
    """Raise `SignInRefused` when this account or this address failed too often within the last minute."""
    since = now() - WINDOW
    for kind, subject in _subjects(request, email).items():
        if SignInAttempt.objects.filter(kind=kind, subject_hash=subject, at__gt=since).count() >= LIMITS[kind]:
            raise SignInRefused(TOO_MANY, wait=True)


def note_failure(request: HttpRequest, email: str) -> None:
    """Count a failed try (a wrong password, or a mail asked for) for both limits."""
    SignInAttempt.objects.bulk_create(
        SignInAttempt(kind=kind, subject_hash=subject) for kind, subject in _subjects(request, email).items()
    )


def forget_old_attempts() -> int:
    """Delete attempts older than a day; return how many."""
    deleted, _ = SignInAttempt.objects.filter(at__lt=now() - KEPT).delete()
    return deleted


def _subjects(request: HttpRequest, email: str) -> dict[str, str]:
    # Keyed, because an e-mail address can be guessed from a plain hash.
    def hashed(text: str) -> str:
        return salted_hmac("accounts.signing", text, algorithm="sha256").hexdigest()

    return {"account": hashed(email), "address": hashed(client_address(request))}
