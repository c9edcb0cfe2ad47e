"""The preprocessors that ship with dlcv."""
