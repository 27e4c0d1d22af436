"""A merchant's day in a real browser."""
