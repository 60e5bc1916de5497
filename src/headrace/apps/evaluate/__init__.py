"""evaluate: what `headrace eval` does: score responses, audit a benchmark, run a system over its recordings."""
