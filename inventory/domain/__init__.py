"""The rules of stock: plain functions on plain data, no database."""
