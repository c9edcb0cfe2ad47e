"""The checks behind `dlcv.testing`: a module for each kind of plugin, and one for all.

Each has a function `checks(cls)`, which an entry point of the group `dlcv.testing` names.
"""
