"""Nodes of a tree: what they can do, and those that live in memory or in files."""
