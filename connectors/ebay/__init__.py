"""eBay's Sell APIs: orders in, and notifications about them. See README.md."""
