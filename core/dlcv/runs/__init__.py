"""Runs: from a configuration to a directory with everything in it."""
