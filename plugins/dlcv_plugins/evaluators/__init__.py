"""The evaluators that ship with dlcv."""
