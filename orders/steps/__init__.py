"""The steps of an order's way into the store; each reads and writes rows, the rules are in `orders/domain`."""
