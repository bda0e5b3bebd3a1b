"""Accounts, sessions and API keys of those who log in to tiledkernel, in SQLite or PostgreSQL."""
