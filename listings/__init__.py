"""Selling Lists and listings come with the issue that sends stock and prices out; this folder is their place."""
