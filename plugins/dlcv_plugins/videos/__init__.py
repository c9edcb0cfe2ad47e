"""Videos, whose frames are predicted like images."""
