"""Log in to tiledkernel with the passwords of an LDAP directory."""
