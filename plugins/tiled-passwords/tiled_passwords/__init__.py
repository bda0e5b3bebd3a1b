"""Log in to tiledkernel with user name and password: those of a configuration, or of the machine (PAM)."""
