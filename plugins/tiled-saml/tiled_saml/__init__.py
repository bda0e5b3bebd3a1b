"""Log in to tiledkernel at a SAML identity provider."""
