"""The REST API, through the test client and real PostgreSQL."""
