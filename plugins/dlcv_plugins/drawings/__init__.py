"""Drawings: what evaluators find, and figures by epoch, as pictures."""
