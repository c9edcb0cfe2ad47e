"""The report of a run: a page with its figures, its pictures, and what to do next."""
