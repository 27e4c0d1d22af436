"""The pretend eBay alone, in a process of the test's own."""
