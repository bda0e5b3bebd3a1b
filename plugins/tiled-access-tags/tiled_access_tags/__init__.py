"""Say with tags who may see and do what in tiledkernel."""
