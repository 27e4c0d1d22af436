"""The rules of an order's life, as plain functions on plain data."""
