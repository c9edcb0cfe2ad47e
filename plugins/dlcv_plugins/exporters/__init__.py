"""Exporters: one file a format."""
