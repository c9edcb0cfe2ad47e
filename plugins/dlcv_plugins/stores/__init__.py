"""The stores that ship with dlcv."""
