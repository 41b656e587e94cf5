"""Plain rules and use cases of the retailer: no I/O, no framework, nothing of the other rows."""
