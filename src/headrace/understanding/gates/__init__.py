"""gates: what enters a memory, of frames by blocks of luma, and of tokens by their features."""
