"""capacity: how many live sessions a machine serves within their promises."""
