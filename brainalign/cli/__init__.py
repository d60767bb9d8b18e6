"""The command line: one file a verb, each parses, calls and prints."""

from brainalign.cli.app import main

__all__ = ["main"]
