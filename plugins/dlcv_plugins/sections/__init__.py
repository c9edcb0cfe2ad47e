"""The sections of the report that ship with dlcv."""
