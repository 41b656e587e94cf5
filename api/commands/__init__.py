"""One module a verb of the command line; see api/cli.py."""
