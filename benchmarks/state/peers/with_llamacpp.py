"""llama.cpp's server inside this process, by the xllamacpp wheel: float32 weights, one thread.

`plain` is its best here and the same arithmetic as the other peers': a float32 cache and no flash attention. Otherwise
the server's defaults hold: a float16 cache, and flash attention where it chooses so. A prompt that a slot still holds
costs one token again, so a long completion less a short one of the same prompt is decoding alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache, partial
from typing import Any

import xllamacpp

from benchmarks.state.configs import CACHE, NAME, mixed_lengths, prompt
from benchmarks.state.gguf_file import gguf
from benchmarks.state.peers.harness import Repetition, Sample, serve, timed

MODEL = gguf(CACHE / NAME)


@cache
def server(plain: bool, context: int, slots: int = 1, keep: int | None = None) -> xllamacpp.Server:
    """A server with `slots` contexts of `context` entries; `keep`: it shifts a full one, but for its first entries."""
    params = xllamacpp.CommonParams()
    params.model.path = str(MODEL)
    params.n_ctx, params.n_parallel, params.kv_unified = context * slots, slots, False
    if plain:
        params.cache_type_k = params.cache_type_v = xllamacpp.ggml_type.GGML_TYPE_F32
        params.flash_attn_type = xllamacpp.llama_flash_attn_type.LLAMA_FLASH_ATTN_TYPE_DISABLED
    for threads in (params.cpuparams, params.cpuparams_batch):
        threads.n_threads, threads.poll = 1, 0
    params.ctx_shift, params.n_keep = keep is not None, keep or 0
    params.cache_ram_mib, params.verbosity = 0, 0
    return xllamacpp.Server(params)


def complete(at: xllamacpp.Server, ids: Sequence[int], tokens: int, **options: Any) -> dict[str, Any]:
    """Greedy tokens after a prompt."""
    greedy = {"temperature": 0.0, "top_k": 1, "samplers": ["top_k"], "ignore_eos": True}
    reply = at.handle_completions({"prompt": list(ids), "max_tokens": tokens, **greedy, **options})
    if "choices" not in reply:
        raise RuntimeError(str(reply))
    return reply


def completed(reply: dict[str, Any]) -> int:
    count: int = reply["usage"]["completion_tokens"]
    return count


def together(at: xllamacpp.Server, rows: Sequence[Sequence[int]], tokens: int, **options: Any) -> int:
    """Every prompt in a slot of its own, all at once; how many tokens came out."""
    with ThreadPoolExecutor(len(rows)) as pool:
        asked = [pool.submit(complete, at, ids, tokens, id_slot=slot, **options) for slot, ids in enumerate(rows)]
        return sum(completed(one.result()) for one in asked)


def decode(plain: bool, batch: int, steps: int, window: int) -> Repetition:
    """From half of `steps` below the window to half above. Slots hold the prompts before anything is counted."""
    at = server(plain, 2 * window, batch)
    rows = [prompt(window - steps // 2, number) for number in range(batch)]

    def run() -> Sample:
        together(at, rows, 1)
        return timed(partial(together, at, rows, steps + 1)).less(timed(partial(together, at, rows, 1)))

    return run


def shift(plain: bool, steps: int, window: int, keep: int) -> Repetition:
    """`steps` tokens past a context of `window`: when it is full, half of what is not kept goes and the rest moves."""
    at = server(plain, window, 1, keep)
    full = prompt(window - 1)

    def part(tokens: int) -> int:
        return completed(complete(at, full, tokens, cache_prompt=False))

    def run() -> Sample:
        return timed(partial(part, steps + 1)).less(timed(partial(part, 1)))

    return run


def mixed(plain: bool, sessions: int, longest: int, tokens: int) -> Repetition:
    """Prompts of mixed length in slots of one server, from nothing."""
    at = server(plain, 2 * longest, sessions)
    rows = [prompt(n, k) for k, n in enumerate(mixed_lengths(sessions, longest))]
    return partial(timed, partial(together, at, rows, tokens, cache_prompt=False))


def agree() -> dict[str, list[float]]:
    """32 greedy tokens after a prompt of 32, and their log-probabilities."""
    content = complete(server(True, 512), prompt(32), 32, n_probs=1)["choices"][0]["logprobs"]["content"]
    return {"tokens": [one["id"] for one in content], "logs": [one["logprob"] for one in content]}


if __name__ == "__main__":
    serve(str(xllamacpp.__version__), {"decode": decode, "shift": shift, "mixed": mixed}, agree)
