"""Weights from elsewhere: their files, and the names of their arrays."""
