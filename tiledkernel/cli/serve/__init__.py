"""`tiledkernel serve`: one command for each thing that can be served."""
