"""The table family."""
