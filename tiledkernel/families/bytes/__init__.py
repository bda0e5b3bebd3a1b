"""The bytes family."""
