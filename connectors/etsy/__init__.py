"""Etsy's Open API v3: orders (receipts) in, and webhooks about them. See README.md."""
