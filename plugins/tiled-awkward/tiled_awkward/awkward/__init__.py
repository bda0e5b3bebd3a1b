"""The awkward family."""
