"""Names for connections, with their settings, in YAML files; `tiledkernel.profiles` is the public face."""
