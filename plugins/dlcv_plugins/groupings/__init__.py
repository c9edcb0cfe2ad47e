"""Groupings that ship, and the hook by which divisions ask them."""
