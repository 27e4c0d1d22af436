"""Pages about people, connections and settings."""
