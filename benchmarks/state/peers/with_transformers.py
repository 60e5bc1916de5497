"""transformers: its linear layers alone, forwards over its caches, `generate`, `generate_batch`, window recompute."""

from __future__ import annotations

import logging
import warnings
from functools import partial

import torch
import transformers
from transformers import (
    ContinuousBatchingConfig,
    DynamicCache,
    GenerationConfig,
    LlamaForCausalLM,
    StaticCache,
)

from benchmarks.state.configs import checkpoint, mixed_lengths, prompt
from benchmarks.state.peers.harness import Repetition, Sample, Stopwatch, serve, timed

torch.set_num_threads(1)
warnings.simplefilter("ignore")
transformers.logging.set_verbosity_error()
transformers.logging.disable_progress_bar()
logging.getLogger("ContinuousBatchingLogger").setLevel(logging.CRITICAL)
model = LlamaForCausalLM.from_pretrained(checkpoint()).eval()
generate = partial(model.generate, do_sample=False)


def prompts(batch: int, length: int) -> torch.Tensor:
    """int64 [batch, length]."""
    return torch.tensor([prompt(length, number) for number in range(batch)])


def linears(batch: int, steps: int) -> Repetition:
    """Every linear layer of the model on as many rows, and nothing else."""
    layers = [(m, torch.randn(batch, m.in_features)) for m in model.modules() if isinstance(m, torch.nn.Linear)]

    @torch.inference_mode()
    def run() -> int:
        for _ in range(steps):
            for layer, rows in layers:
                layer(rows)
        return steps * batch

    return partial(timed, run)


def dynamic(batch: int, steps: int, window: int) -> Repetition:
    """One token onto a DynamicCache of `window` entries. Cropping it back to that length is not counted."""
    cache = DynamicCache(config=model.config)
    ids = prompts(batch, window)
    with torch.inference_mode():
        model(ids, past_key_values=cache, logits_to_keep=1)
    newest = ids[:, -1:]

    @torch.inference_mode()
    def run() -> Sample:
        watch = Stopwatch()
        for _ in range(steps):
            with watch:
                model(newest, past_key_values=cache)
            cache.crop(-1)
        assert int(cache.get_seq_length()) == window
        return watch.sample(steps * batch)

    return run


def static(batch: int, steps: int, window: int) -> Repetition:
    """A StaticCache, filled from half of `steps` below the window to half above, where it is full."""
    cache = StaticCache(config=model.config, max_cache_len=window + steps // 2)
    ids = prompts(batch, window - steps // 2)
    newest = ids[:, -1:]

    @torch.inference_mode()
    def run() -> Sample:
        cache.reset()
        model(ids, past_key_values=cache, logits_to_keep=1)
        watch = Stopwatch()
        with watch:
            for _ in range(steps):
                model(newest, past_key_values=cache)
        return watch.sample(steps * batch)

    return run


def apart(steps: int, lengths: list[int]) -> Repetition:
    """Sessions of different age, each with a DynamicCache of its own, one forward after the other."""
    each = [dynamic(1, steps, length) for length in lengths]

    def run() -> Sample:
        parts = [repeat() for repeat in each]
        return Sample(sum(p.cpu for p in parts), sum(p.wall for p in parts), sum(p.tokens for p in parts))

    return run


def generated(batch: int, steps: int, window: int) -> Repetition:
    """`generate` from half of `steps` below the window to half above, without what comes before the second token."""
    ids = prompts(batch, window - steps // 2)

    def part(tokens: int) -> int:
        return generate(ids, max_new_tokens=tokens)[:, ids.shape[1] :].numel()

    def run() -> Sample:
        return timed(partial(part, steps + 1)).less(timed(partial(part, 1)))

    return run


def mixed_one_by_one(sessions: int, longest: int, tokens: int) -> Repetition:
    """`generate` for each prompt alone."""
    rows = [torch.tensor([prompt(n, k)]) for k, n in enumerate(mixed_lengths(sessions, longest))]

    def run() -> int:
        return sum(generate(ids, max_new_tokens=tokens).shape[1] - ids.shape[1] for ids in rows)

    return partial(timed, run)


def mixed_padded(sessions: int, longest: int, tokens: int) -> Repetition:
    """`generate` for all prompts, padded on the left to the longest."""
    lengths = mixed_lengths(sessions, longest)
    ids = torch.zeros(sessions, longest, dtype=torch.long)
    mask = torch.zeros_like(ids)
    for row, length in enumerate(lengths):
        ids[row, longest - length :] = torch.tensor(prompt(length, row))
        mask[row, longest - length :] = 1

    def run() -> int:
        return generate(ids, attention_mask=mask, pad_token_id=0, max_new_tokens=tokens)[:, longest:].numel()

    return partial(timed, run)


def mixed_continuous(sessions: int, longest: int, tokens: int) -> Repetition:
    """`generate_batch`. Without num_blocks it takes nearly all memory, so its cache is given the room it needs."""
    rows = [prompt(n, k) for k, n in enumerate(mixed_lengths(sessions, longest))]
    page = 256
    blocks = sessions * -(-(longest + tokens) // page)
    batching = ContinuousBatchingConfig(num_blocks=blocks, page_size=page, max_batch_tokens=512)
    settings = GenerationConfig(do_sample=False, eos_token_id=-1)

    def run() -> int:
        done = model.generate_batch(
            rows, settings, continuous_batching_config=batching, max_new_tokens=tokens, persistent_manager=True
        )
        errors = [result.error for result in done.values() if result.error]
        if errors:
            raise RuntimeError(errors[0])
        return sum(len(result.generated_tokens) for result in done.values())

    return partial(timed, run)


def recompute(window: int) -> Repetition:
    """One token by a forward over the whole window without any cache; logits at the last place only."""
    ids = prompts(1, window)

    @torch.inference_mode()
    def run() -> int:
        return model(ids, use_cache=False, logits_to_keep=1).logits.shape[1]

    return partial(timed, run)


def agree() -> dict[str, list[float]]:
    """32 greedy tokens after a prompt of 32, and their log-probabilities."""
    ids = prompts(1, 32)
    tokens = generate(ids, max_new_tokens=32)
    with torch.inference_mode():
        logs = model(tokens).logits[0, ids.shape[1] - 1 : -1].log_softmax(-1)
    chosen = tokens[0, ids.shape[1] :]
    return {"tokens": chosen.tolist(), "logs": logs.gather(1, chosen[:, None])[:, 0].tolist()}


if __name__ == "__main__":
    serve(
        f"{transformers.__version__}, torch {torch.__version__}",
        {
            "linears": linears,
            "dynamic": dynamic,
            "static": static,
            "apart": apart,
            "generate": generated,
            "mixed_one_by_one": mixed_one_by_one,
            "mixed_padded": mixed_padded,
            "mixed_continuous": mixed_continuous,
            "recompute": recompute,
        },
        agree,
    )
