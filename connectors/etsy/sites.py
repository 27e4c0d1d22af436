"""Etsy is one site for the whole world: an account has no site to choose, and its currency is the shop's."""

from __future__ import annotations

SITE = "ETSY"
