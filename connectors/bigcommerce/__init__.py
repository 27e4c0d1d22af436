"""BigCommerce as a store: orders go in, stock and catalog are read, webhooks are understood."""
