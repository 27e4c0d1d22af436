"""Amazon's Selling Partner API: orders in, and notifications about them. See README.md."""
