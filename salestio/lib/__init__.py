"""Small pure functions that every app may use: no Django, no network, no database."""
