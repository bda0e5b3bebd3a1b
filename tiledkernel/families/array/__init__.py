"""The array family."""
