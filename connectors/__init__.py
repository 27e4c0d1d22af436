"""Connectors: one small folder a platform, all behind the same contract."""
