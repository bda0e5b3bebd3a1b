"""Log in to tiledkernel at any OpenID Connect provider."""
