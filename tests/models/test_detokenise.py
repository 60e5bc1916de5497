from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.core import StateError
from headrace.models.hf.detokenise import HALF, Detokeniser

tokenizers = pytest.importorskip("tokenizers")
transformers = pytest.importorskip("transformers")

TEXT = [
    "the quick brown fox, the lazy dog; the end.",
    "  two  spaces and\n\nblank lines\tand tabs ",
    "Grüße aus Köln, café — naïve “quotes” 你好 你们 😀😀",
]
SPECIAL = ["<s>", "</s>"]


def byte_level():
    """As of GPT-2 and Llama 3: bytes as letters."""
    made = tokenizers.Tokenizer(tokenizers.models.BPE())
    made.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = tokenizers.decoders.ByteLevel()
    alphabet = tokenizers.pre_tokenizers.ByteLevel.alphabet()
    trainer = tokenizers.trainers.BpeTrainer(
        vocab_size=330, special_tokens=SPECIAL, initial_alphabet=alphabet, show_progress=False
    )
    made.train_from_iterator(TEXT, trainer)
    return made


def byte_fallback():
    """As of sentencepiece in Llama 2: ▁ for spaces, the first of which is dropped, and tokens of single bytes."""
    words = [*"▁abcdefghijklmnopqrstuvwxyz.,;\n", "▁the", "▁▁", "the", "▁fox", "▁.", "ing"]
    vocabulary = [*SPECIAL, *(f"<0x{byte:02X}>" for byte in range(256)), *words]
    numbers = {token: number for number, token in enumerate(vocabulary)}
    made = tokenizers.Tokenizer(tokenizers.models.BPE(numbers, [], byte_fallback=True, unk_token="<s>"))
    made.add_special_tokens(SPECIAL)
    decoders = tokenizers.decoders
    made.decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    )
    return made


def metaspace():
    """The same vocabulary, spaces handled by the Metaspace decoder, without bytes."""
    made = byte_fallback()
    made.decoder = tokenizers.decoders.Metaspace()
    return made


KINDS = {"byte-level": byte_level, "byte-fallback": byte_fallback, "metaspace": metaspace}


@pytest.fixture(scope="module")
def detokenisers():
    made = {}
    for name, build in KINDS.items():
        tokenizer = transformers.PreTrainedTokenizerFast(
            tokenizer_object=build(), bos_token="<s>", eos_token="</s>", clean_up_tokenization_spaces=False
        )
        made[name] = (tokenizer, Detokeniser(tokenizer))
    return made


def whole(tokenizer, ids):
    return tokenizer.decode(ids, skip_special_tokens=True, clean_up_tokenization_spaces=False)


def feed(detokeniser, ids):
    pieces = []
    for token in ids:
        pieces.append(detokeniser.push(token))
        assert detokeniser.nbytes() <= detokeniser.max_bytes()
    return pieces


def spell(tokenizer, text):
    """Ids of a text: its own for the first kind, letter by letter with single bytes for the others."""
    vocabulary, ids = tokenizer.get_vocab(), []
    if "Ġ" in vocabulary:
        return tokenizer.encode(text, add_special_tokens=False)
    for letter in text.replace(" ", "▁"):
        known = vocabulary.get(letter)
        ids += [known] if known is not None else [vocabulary[f"<0x{byte:02X}>"] for byte in letter.encode()]
    return ids


@pytest.mark.parametrize("kind", KINDS)
@given(st.lists(st.integers(0, 10_000), max_size=120))
def test_pieces_of_any_ids_are_the_decoded_whole(detokenisers, kind, numbers):
    tokenizer, built = detokenisers[kind]
    detokeniser = built.fork()
    ids = [number % len(tokenizer) for number in numbers]
    if kind == "byte-fallback":  # single bytes only of ASCII: other runs have their own test
        words = tokenizer.convert_ids_to_tokens(ids)
        ids = [n for n, word in zip(ids, words, strict=True) if not word.startswith("<0x") or int(word[1:-1], 16) < 128]
    seen, text = "", whole(tokenizer, ids)
    for token in ids:
        seen += detokeniser.push(token)
        assert text.startswith(seen)
        assert detokeniser.nbytes() <= detokeniser.max_bytes()
    assert seen + detokeniser.flush() == text


@pytest.mark.parametrize("kind", ["byte-level", "byte-fallback"])
@given(st.text(st.sampled_from("the fox.  \n é你好😀ü"), max_size=150), st.data())
def test_characters_come_whole_and_at_once(detokenisers, kind, text, data):
    tokenizer, built = detokenisers[kind]
    detokeniser = built.fork()
    ids = spell(tokenizer, text)
    for at in data.draw(st.lists(st.integers(0, 400), max_size=4)):
        ids.insert(at % (len(ids) + 1), data.draw(st.sampled_from(tokenizer.all_special_ids)))
    seen = ""
    for n, token in enumerate(ids, 1):
        seen += detokeniser.push(token)
        assert HALF not in seen
        assert seen == whole(tokenizer, ids[:n]).rstrip(HALF) or kind == "byte-fallback"
    assert detokeniser.flush() == ""
    assert seen == whole(tokenizer, ids)
    assert seen == text if kind == "byte-level" else seen == text.removeprefix(" ")


def test_the_space_before_a_word_stays_wherever_the_context_ends(detokenisers):
    tokenizer, built = detokenisers["byte-fallback"]
    detokeniser = built.fork()
    the = tokenizer.convert_tokens_to_ids("▁the")
    special = tokenizer.bos_token_id
    pieces = feed(detokeniser, [special, *[the, special, special] * 50])
    assert [piece for piece in pieces if piece] == ["the", *[" the"] * 49]


@pytest.mark.parametrize("kind", ["byte-level", "byte-fallback"])
def test_flush_shows_a_half_character_and_keeps_the_context(detokenisers, kind):
    tokenizer, built = detokenisers[kind]
    detokeniser = built.fork()
    ids, fox = spell(tokenizer, "the fox 界"), spell(tokenizer, " fox")
    assert "".join(feed(detokeniser, ids[:-1])) == "the fox "
    assert detokeniser.flush() == whole(tokenizer, ids[:-1]).removeprefix("the fox ") != ""
    assert detokeniser.flush() == ""
    assert "".join(feed(detokeniser, fox)) == " fox"
    detokeniser.reset()
    assert "".join(feed(detokeniser, fox)) == whole(tokenizer, fox)


@pytest.mark.parametrize("kind", ["byte-level", "byte-fallback"])
def test_garbage_is_shown_as_garbage_and_ends(detokenisers, kind):
    tokenizer, built = detokenisers[kind]
    bad = spell(tokenizer, "你")[0] if kind == "byte-fallback" else tokenizer.convert_tokens_to_ids("ÿ")
    detokeniser = built.fork()
    ids = [bad] * 300
    pieces = feed(detokeniser, ids)
    assert sum(map(len, pieces)) >= 296  # what is held is bounded
    ids += spell(tokenizer, "the fox")
    assert "".join(pieces + feed(detokeniser, ids[300:])) == whole(tokenizer, ids) == HALF * 300 + "the fox"


@pytest.mark.parametrize("kind", ["byte-level", "byte-fallback"])
def test_ids_that_the_tokenizer_does_not_know_change_nothing(detokenisers, kind):
    tokenizer, built = detokenisers[kind]
    detokeniser, fox = built.fork(), spell(tokenizer, " fox")
    unknown = [len(tokenizer) + 5] * 30
    ids = [*fox, *unknown, *fox]
    assert "".join(feed(detokeniser, ids)) == whole(tokenizer, ids)
    feed(detokeniser, spell(tokenizer, "界")[:1])
    assert detokeniser.flush() == HALF
    assert "".join(feed(detokeniser, [*unknown[:9], *fox])) == " fox"


def test_what_is_whole_is_shown_though_a_half_follows_in_the_same_token():
    class Bytes:
        added_tokens_decoder = {}

        def decode(self, ids, **options):
            return b"".join(table[number] for number in ids).decode(errors="replace")

        def get_vocab(self):
            return {str(token): number for number, token in enumerate(table)}

    you = "你".encode()
    table = [b"a " + you[:1], you[1:] + you[:2], you[2:], b"b"]
    assert feed(Detokeniser(Bytes()), [0, 1, 2, 3, 0, 3]) == ["a ", "你", "你", "b", "a ", HALF + "b"]


def test_bytes_shown_before_an_invalid_one_stay_shown(detokenisers):
    tokenizer, built = detokenisers["byte-fallback"]
    good, bad = spell(tokenizer, "你"), tokenizer.convert_tokens_to_ids("<0xFF>")
    ids = [*good, bad, *spell(tokenizer, " fox")]
    assert whole(tokenizer, ids) == HALF * 4 + " fox"
    detokeniser = built.fork()
    assert "".join(feed(detokeniser, ids)) + detokeniser.flush() in ("你" + HALF + " fox", "你" + HALF + "fox")


@pytest.mark.parametrize("kind", KINDS)
@given(st.lists(st.integers(0, 10_000), max_size=60), st.integers(0, 60))
def test_a_restored_detokeniser_and_a_fork_go_on_the_same(detokenisers, kind, numbers, done):
    tokenizer, built = detokenisers[kind]
    ids = [number % len(tokenizer) for number in numbers]
    detokeniser, restored = built.fork(), built.fork()
    feed(detokeniser, ids[:done])
    snapshot = detokeniser.snapshot()
    snapshot.meta = json.loads(json.dumps(snapshot.meta))
    restored.restore(snapshot)
    fork = detokeniser.fork()
    rest = feed(detokeniser, ids[done:])
    assert rest == feed(restored, ids[done:]) == feed(fork, ids[done:])
    assert detokeniser.flush() == restored.flush() == fork.flush()


@pytest.mark.parametrize("kind", ["byte-level", "byte-fallback"])
def test_memory_is_bounded_and_so_is_what_is_decoded(detokenisers, kind):
    tokenizer, _ = detokenisers[kind]

    class Counting:
        longest = 0
        added_tokens_decoder, get_vocab = tokenizer.added_tokens_decoder, tokenizer.get_vocab

        def decode(self, ids, **options):
            self.longest = max(self.longest, len(ids))
            return tokenizer.decode(ids, **options)

    counting = Counting()
    detokeniser = Detokeniser(counting)
    text = "the fox. 你好😀 " * 40 + "你" * 300
    assert "".join(feed(detokeniser, spell(tokenizer, text))) == text
    assert counting.longest <= 20
    snapshot = detokeniser.snapshot()
    snapshot.meta["open"] = 500
    with pytest.raises(StateError, match="damaged snapshot of a detokeniser"):
        detokeniser.restore(snapshot)
