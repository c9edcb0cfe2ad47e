"""Weights that other libraries wrote: their files, and the names of their arrays."""
