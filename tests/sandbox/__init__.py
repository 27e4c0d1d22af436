"""Tests of the pretend marketplaces and stores."""

from __future__ import annotations
