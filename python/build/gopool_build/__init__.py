"""How gopool is built: a PEP 517 backend around setuptools, and the command that runs gopy."""
