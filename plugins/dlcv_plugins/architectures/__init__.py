"""The architectures that ship with dlcv."""
