"""Encryption at rest with a key ring, and keyed hashes for search and for tokens. Keys come in; nothing is read here."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections.abc import Iterable, Sequence

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from salestio.lib.text import words


class UnreadableSecret(ValueError):
    """No key of the ring opens this value."""


class KeyRing:
    """Encrypts with the first key, decrypts with any; `rotate` re-encrypts with the first."""

    def __init__(self, keys: Sequence[str]) -> None:
        """Take Fernet keys, newest first. Raises ValueError when there is none or one is not a Fernet key."""
        if not keys:
            raise ValueError("at least one encryption key is needed")
        self._ring = MultiFernet([Fernet(key) for key in keys])

    def seal(self, text: str) -> bytes:
        """Return the text, encrypted."""
        return self._ring.encrypt(text.encode())

    def open(self, sealed: bytes) -> str:
        """Return the text. Raises `UnreadableSecret` when no key fits."""
        try:
            return self._ring.decrypt(bytes(sealed)).decode()
        except InvalidToken as error:
            raise UnreadableSecret("no key of the key ring opens this value") from error

    def seal_bytes(self, content: bytes) -> bytes:
        """Return a file's content, encrypted (a third larger than it was)."""
        return self._ring.encrypt(content)

    def open_bytes(self, sealed: bytes) -> bytes:
        """Return a file's content. Raises `UnreadableSecret` when no key fits."""
        try:
            return self._ring.decrypt(bytes(sealed))
        except InvalidToken as error:
            raise UnreadableSecret("no key of the key ring opens this file") from error

    def rotate(self, sealed: bytes) -> bytes:
        """Return the value encrypted with the newest key. Raises `UnreadableSecret` when no key fits."""
        try:
            return self._ring.rotate(bytes(sealed))
        except InvalidToken as error:
            raise UnreadableSecret("no key of the key ring opens this value") from error


def new_key() -> str:
    """Return a new Fernet key."""
    return Fernet.generate_key().decode()


def new_token(prefix: str = "") -> str:
    """Return an unguessable token of 256 bits, with a prefix that says what it is."""
    return prefix + secrets.token_urlsafe(32)


def token_hash(token: str) -> str:
    """Return what is stored of a token. A token has 256 random bits, so a plain hash is enough."""
    return hashlib.sha256(token.encode()).hexdigest()


def signature(secret: str, message: bytes) -> str:
    """Return base64 HMAC-SHA256."""
    return base64.b64encode(hmac.new(secret.encode(), message, hashlib.sha256).digest()).decode()


def same(one: str, other: str) -> bool:
    """Compare two secrets in constant time."""
    return hmac.compare_digest(one.encode(), other.encode())


def search_tokens(key: str, merchant_id: int, texts: Iterable[str]) -> list[int]:
    """Return signed 64-bit keyed hashes of the words in the texts, the merchant's id mixed in (MECHANISMS 13).

    An e-mail address is one token as a whole, besides its words.
    """
    found: set[int] = set()
    for text in texts:
        terms = words(text)
        if "@" in text:
            terms = [*terms, text.strip().casefold()]
        for term in terms:
            digest = hmac.new(key.encode(), f"{merchant_id}:{term}".encode(), hashlib.sha256).digest()
            found.add(int.from_bytes(digest[:8], "big", signed=True))
    return sorted(found)
