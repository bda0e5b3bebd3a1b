"""The command line: results on stdout, messages for people on stderr; a refusal ends with `Aborted.` and status 1."""
