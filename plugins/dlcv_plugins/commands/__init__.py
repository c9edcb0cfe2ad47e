"""Commands beside those of the core, each in a file or folder of its own."""
