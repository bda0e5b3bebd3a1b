"""Let an HTTP service, such as Open Policy Agent, say who may see and do what in tiledkernel."""
