"""apps: what the commands do."""
