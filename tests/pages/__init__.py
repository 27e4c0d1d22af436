"""The pages, through the test client and real PostgreSQL."""
