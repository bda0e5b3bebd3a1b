"""Trees to try a server with."""
