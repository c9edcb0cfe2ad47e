"""The plugins that ship with dlcv, each with an entry point of its own."""
