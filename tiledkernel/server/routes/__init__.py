"""Routes that belong to no family."""
