"""The configuration of a server: files, environment and flags become one checked `Configuration`."""
