"""Subject: the small model that ships, on which methods are measured, and what its figures cannot show."""

from __future__ import annotations

#: The model, and the length of the rows that it was trained on.
MODEL, TRAINED = "zoo:tiny-llama", 512
#: What a reader must know of all figures of that model.
CAVEAT = (
    "tiny-llama was trained to lean on <bos>, and behind 4 sinks and a window at cache-relative positions: figures "
    "show what a method does to a model with a sink, and favour the method of its training."
)
