"""The container family."""
