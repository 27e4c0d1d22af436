"""The pretend Shopify, driven over HTTP and held to the official contracts."""

from __future__ import annotations
