"""Attached: a transformers model whose attention reads headrace's state."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from headrace.core.errors import Unstreamable
from headrace.models.hf.attach import NAME, UNDER_WAY, Pass, Seen, Survey
from headrace.models.hf.frequencies import frequencies, rope_parameters
from headrace.models.hf.refuse import refuse_calls, refuse_layers, refuse_positions
from headrace.state import Container, Layout, Policy, Rotary, Site, Tick, absolute, everything

#: Inputs of the self-check, and how many of them come in one piece.
CHECKED, PIECE = 16, 9
#: Relative error that each type of weights may show in it.
TOLERANCE = {torch.float64: 1e-6, torch.float32: 1e-4, torch.float16: 3e-2, torch.bfloat16: 3e-2}


@dataclass(slots=True)
class Report:
    """What `load` found out about a model.

    Attributes:
        family: the model's class.
        sites: places that keep state.
        layout: how its rotary embedding pairs numbers: "half", "pairs" or "none".
        rope: type of its rotary embedding, by layer type if they differ.
        error: relative error of the self-check.
        notes: what to know, in sentences.
    """

    family: str
    sites: int = 0
    layout: str = ""
    rope: str = ""
    error: float = 0.0
    notes: list[str] = field(default_factory=list)


class Attached:
    """A decoder of transformers 5, run on packed rows; the model's code is not changed.

    Positions passed to the model are all 0, so that its own rotary embedding does nothing; headrace turns keys and
    queries with frequencies of its own. Building ends with a self-check: 16 inputs through the plain model and through
    the attached one, in two pieces, must agree.

    Args:
        model: a causal language model, or an encoder-decoder model of which the decoder is attached; in eval mode. It
            belongs to this object from now on.

    Raises:
        Unstreamable: the model cannot run as a stream, or the self-check disagrees; names the module or layer.
    """

    def __init__(self, model: Any) -> None:
        self.model, self.report = model, Report(type(model).__name__)
        self.config = model.config.get_text_config(decoder=True)
        self.has_encoder = bool(model.config.is_encoder_decoder)
        self.decoder: nn.Module = model.get_decoder() if self.has_encoder else model
        self.dtype: torch.dtype = model.dtype
        self.device: torch.device = model.device
        self.hidden = int(self.config.hidden_size)
        refuse_positions(self.decoder)
        refuse_layers(self.config)
        self._attach()

    @property
    def vocabulary(self) -> int:
        return int(self.config.vocab_size)

    def embed(self, ids: Tensor) -> Tensor:
        """[n, hidden] for ids [n]."""
        embedding: nn.Module = self.decoder.get_input_embeddings()
        found: Tensor = embedding(ids.to(self.device))
        return found

    def forward(
        self, inputs: Tensor, tick: Tick, keep: Sequence[int] | None = None, encoded: Sequence[Tensor] | None = None
    ) -> Tensor:
        """Logits of packed inputs.

        Args:
            inputs: ids int64 [n] or embeddings [n, hidden], of all rows one after the other.
            tick: the rows, each within a transaction.
            keep: places whose logits are wanted; None: all.
            encoded: of a model with an encoder, the states [frames, hidden] of each row.

        Returns:
            [len(keep), vocabulary].
        """
        frames = [len(states) for states in encoded or ()]
        stream = Pass(tick, self._numbers, self._crossing, frames)
        states = torch.cat(list(encoded))[None] if encoded else None
        return self._run(inputs, stream, keep, states)

    def _run(self, inputs: Tensor, stream: Pass | Survey | None, keep: Sequence[int] | None, states: Any) -> Tensor:
        """One forward pass; with `stream=None` it is the plain model's, at positions 0, 1, …"""
        n = len(inputs)
        given: dict[str, Any] = {"input_ids" if inputs.dim() == 1 else "inputs_embeds": inputs[None].to(self.device)}
        if stream is not None:
            given |= {"stream": stream, "position_ids": torch.zeros(1, n, dtype=torch.int64, device=self.device)}
        places = torch.tensor(list(range(n)) if keep is None else keep, device=self.device)
        token = UNDER_WAY.set(stream)
        try:
            with torch.no_grad():
                if self.has_encoder:
                    hidden = self.decoder(**given, encoder_hidden_states=states, use_cache=False).last_hidden_state
                    head: nn.Module = self.model.get_output_embeddings()
                    logits: Tensor = head(hidden[:, places])
                else:
                    logits = self.model(**given, use_cache=False, logits_to_keep=places).logits
        finally:
            UNDER_WAY.reset(token)
        return logits[0]

    # ── attaching ────────────────────────────────────────────────────────────────────────────────────────────────

    def _attach(self) -> None:
        ids = torch.arange(CHECKED) * 7919 % self.vocabulary
        states = None
        if self.has_encoder:
            draw = torch.Generator().manual_seed(0)
            states = torch.randn(1, 9, self.hidden, generator=draw).to(self.device, self.dtype)
        plain = self._run(ids, None, None, states)
        self.model.set_attn_implementation(NAME)
        survey = Survey()
        self._run(ids, survey, None, states)
        refuse_calls(self.config, survey.calls)
        crossing = [call for call in survey.calls if self.has_encoder and call.keys[2] != CHECKED]
        own = [call for call in survey.calls if call not in crossing]
        self._crossing = frozenset(id(call.module) for call in crossing)
        self._numbers = {id(call.module): number for number, call in enumerate(own)}
        encoded = [states[0]] if states is not None else None
        errors: dict[str, float] = {}
        for layout in ("half", "pairs", "none"):
            self.layout = self._layout(own, layout)
            errors[layout] = self._error(ids, plain, encoded)
            if errors[layout] <= TOLERANCE[self.dtype]:
                break
        best = min(errors, key=errors.__getitem__)
        self._report(own, best, errors[best])
        if self.report.error > TOLERANCE[self.dtype]:
            wrong = []
            for layout in errors:
                self.layout = self._layout(own, layout)
                wrong.append(self._worst(ids, encoded))
            deepest = max(wrong)  # a wrong layout is wrong from the first layer that turns
            raise Unstreamable(
                self.report.family if deepest < 0 else f"layer {deepest} of {self.report.family}",
                f"attached and plain forward differ by {self.report.error:.1e} (relative) on {CHECKED} tokens",
                ("a family that docs/state.md lists", "report it with the config"),
            )

    def _layout(self, calls: list[Seen], pairing: str) -> Layout:
        names = {id(module): name for name, module in self.decoder.named_modules()}
        rotaries: dict[str, Rotary] = {}
        sites = []
        for call in calls:
            rotary = None
            if pairing != "none" and getattr(call.module, "use_rope", True):
                rotary = self._rotary(call, pairing, rotaries)
            heads, kv_heads, dim = call.queries[1], call.keys[1], call.keys[3]
            sites.append(Site(names[id(call.module)], heads, kv_heads, dim, call.values[3], rotary))
        return Layout(tuple(sites), self.dtype, self.device)

    def _rotary(self, call: Seen, pairing: str, known: dict[str, Rotary]) -> Rotary:
        parameters = rope_parameters(self.config, int(getattr(call.module, "layer_idx", 0) or 0))
        declared = getattr(self.config, "head_dim", None) or self.hidden // self.config.num_attention_heads
        key = f"{sorted(parameters.items(), key=str)}/{call.keys[3]}"
        if key not in known:
            known[key] = Rotary(frequencies(parameters, int(declared), self.config), call.keys[3], pairing)
        return known[key]

    def _error(self, ids: Tensor, plain: Tensor, encoded: list[Tensor] | None, piece: int = PIECE) -> float:
        policy = Policy(everything(), place=absolute(), block=CHECKED, bounded=False, max_bytes=1 << 40)
        container = Container(self.layout, policy)
        found = torch.cat([self._piece(container, part, encoded) for part in ids.split(piece)])
        worst = (found - plain).abs().max() / plain.abs().max()
        return float(worst) if worst.isfinite() else float("inf")

    def _piece(self, container: Container, ids: Tensor, encoded: list[Tensor] | None) -> Tensor:
        container.begin(len(ids))
        found = self.forward(ids, Tick([container]), None, encoded)
        container.commit()
        return found

    def _worst(self, ids: Tensor, encoded: list[Tensor] | None) -> int:
        """The first layer after which attached and plain forward disagree; -1 if none of them does."""
        layers = [module for name, module in self.decoder.named_modules() if name.rsplit(".", 1)[-1].isdigit()]
        layers = [layer for layer in layers if any(id(m) in self._numbers for m in layer.modules())]

        def outputs(run: Any) -> list[Tensor]:
            seen: list[Tensor] = []
            hooks = [
                layer.register_forward_hook(lambda _m, _i, out: seen.append(out[0] if isinstance(out, tuple) else out))
                for layer in layers
            ]
            run()
            for hook in hooks:
                hook.remove()
            return seen

        attached = outputs(lambda: self._error(ids, torch.ones(1, device=self.device), encoded, CHECKED))
        self.model.set_attn_implementation("eager")
        plain = outputs(lambda: self._run(ids, None, None, encoded[0][None] if encoded else None))
        self.model.set_attn_implementation(NAME)
        for number, (a, b) in enumerate(zip(attached, plain, strict=True)):
            if not float((a - b).abs().max() / b.abs().max()) <= TOLERANCE[self.dtype]:
                return number
        return -1

    def _report(self, calls: list[Seen], pairing: str, error: float) -> None:
        kinds = {rope_parameters(self.config, number)["rope_type"] for number in range(self.config.num_hidden_layers)}
        self.report.sites, self.report.layout, self.report.error = len(calls), pairing, error
        self.report.rope = " and ".join(sorted(kinds))
        if "longrope" in kinds:
            self.report.notes.append("longrope is fixed to its short regime: positions are those of the kept entries")
