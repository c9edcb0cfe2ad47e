"""`dlcv export`: a network in a format that runs elsewhere, described and compared."""
