"""Tests of the Etsy connector."""
