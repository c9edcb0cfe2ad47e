"""Where the parts of work are done: in this process, or by those of a cluster."""
