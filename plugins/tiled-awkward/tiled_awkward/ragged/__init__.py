"""The ragged family."""
