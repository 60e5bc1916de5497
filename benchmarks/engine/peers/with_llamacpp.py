"""llama.cpp's server inside this process, by the xllamacpp wheel: a slot for each session, batched continuously.

`plain` is a float32 cache without flash attention, the arithmetic of the other peers; else its defaults hold (a float16
cache, flash attention where it chooses so). The matrices are float32 or q8_0.
"""

from __future__ import annotations

import os
from functools import cache, partial

import xllamacpp

from benchmarks.engine.cases import ENTRIES, SESSIONS, places, prompts
from benchmarks.state.configs import CACHE, NAME, VOCABULARY
from benchmarks.state.gguf_file import gguf
from benchmarks.state.peers.harness import Repetition, serve, timed
from benchmarks.state.peers.with_llamacpp import complete, together

THREADS = int(os.environ["OMP_NUM_THREADS"])


@cache
def server(plain: bool, rounded: bool) -> xllamacpp.Server:
    params = xllamacpp.CommonParams()
    params.model.path = str(gguf(CACHE / NAME, rounded))
    params.n_ctx, params.n_parallel, params.kv_unified = ENTRIES * SESSIONS, SESSIONS, False
    if plain:
        params.cache_type_k = params.cache_type_v = xllamacpp.ggml_type.GGML_TYPE_F32
        params.flash_attn_type = xllamacpp.llama_flash_attn_type.LLAMA_FLASH_ATTN_TYPE_DISABLED
    for threads in (params.cpuparams, params.cpuparams_batch):
        threads.n_threads, threads.poll = THREADS, 0
    params.cache_ram_mib, params.verbosity = 0, 0
    return xllamacpp.Server(params)


def sessions(tokens: int, rounded: bool, plain: bool) -> Repetition:
    """All prompts at once, from nothing."""
    return partial(timed, partial(together, server(plain, rounded), prompts(), tokens, cache_prompt=False))


def greedy(tokens: int, rounded: bool) -> list[list[int]]:
    """What every session says."""
    at = server(True, rounded)
    found = [complete(at, ids, tokens, n_probs=1)["choices"][0]["logprobs"]["content"] for ids in prompts()]
    return [[one["id"] for one in content] for content in found]


def odds(rounded: bool) -> list[list[float]]:
    """What follows each place, logarithms of probabilities."""
    at, found = server(True, rounded), []
    for ids in places():
        content = complete(at, ids, 1, n_probs=VOCABULARY)["choices"][0]["logprobs"]["content"]
        row = [-50.0] * VOCABULARY
        for one in content[0]["top_logprobs"]:
            row[one["id"]] = one["logprob"]
        found.append(row)
    return found


if __name__ == "__main__":
    serve(str(xllamacpp.__version__), {"sessions": sessions}, tell={"greedy": greedy, "odds": odds})
