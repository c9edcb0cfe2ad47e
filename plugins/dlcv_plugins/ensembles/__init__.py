"""Ensembles: several networks that predict together."""
