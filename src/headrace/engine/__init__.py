"""engine: which work runs next, on one device or many, measured or simulated."""
