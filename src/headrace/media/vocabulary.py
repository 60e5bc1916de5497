"""Vocabulary: the words of a grammar or of a small language, and how they are pronounced.

The dictionary is the one that pocketsphinx brings: CMUdict, American English, one line a pronunciation: the word,
"(2)", "(3)" … for further ones, and its phones. More words come from a file of the same form beside the grammar or
the text: `commands.dict` beside `commands.gram`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from headrace.core.errors import ConfigError, InputError

#: A dictionary: each word with its pronunciations, phones parted by spaces.
Pronunciations = dict[str, list[str]]

#: How many words a message names.
NAMED = 8


def read_text(path: Path) -> str:
    """The file as UTF-8; InputError if it cannot be read."""
    try:
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror or error}); check its name and rights") from None
    except UnicodeDecodeError:
        raise InputError(f"{path}: not a text in UTF-8; save it as one") from None


def read_dictionary(path: Path) -> Pronunciations:
    """All words of a dictionary file."""
    words: Pronunciations = {}
    for line in read_text(path).splitlines():
        word, _, phones = line.partition(" ")
        if word and phones.strip():
            words.setdefault(re.sub(r"\(\d+\)$", "", word), []).append(" ".join(phones.split()))
    return words


def pronunciations(base: Path, file: Path) -> Pronunciations:
    """The dictionary `base` with the words of the .dict file beside `file`, if there is one, put over it.

    Raises:
        ConfigError: the file beside has a phone that `base` never uses.
    """
    words = read_dictionary(base)
    own = file.with_suffix(".dict")
    if own == file or not own.is_file():
        return words
    phones = {phone for spoken in words.values() for one in spoken for phone in one.split()}
    added = {word.lower(): spoken for word, spoken in read_dictionary(own).items()}
    for word, spoken in added.items():
        if strange := {phone for one in spoken for phone in one.split()} - phones:
            known = " ".join(sorted(phones))
            raise ConfigError(f"{own}: {word!r} has the unknown phone {min(strange)!r}; the phones are {known}")
    return words | added


def cut(words: Iterable[str], known: Pronunciations, file: Path) -> str:
    """A dictionary file of these words alone; ConfigError names those that are not known."""
    wanted = sorted(set(words))
    if missing := [word for word in wanted if word not in known]:
        named = ", ".join(repr(word) for word in missing[:NAMED])
        more = f" and {len(missing) - NAMED} more" if len(missing) > NAMED else ""
        raise ConfigError(
            f"{file}: no pronunciation is known for {named}{more}; use other words (numbers as words), or add lines "
            f"such as 'gate G EY T' to {file.with_suffix('.dict').name} beside it"
        )
    lines = []
    for word in wanted:
        for number, phones in enumerate(known[word], 1):
            lines.append(f"{word}{f'({number})' if number > 1 else ''} {phones}\n")
    return "".join(lines)


def sentences(text: str, known: Pronunciations) -> Iterator[list[str]]:
    """The lines of a text as words in lower case, without punctuation; hyphens part words that are not known whole."""
    for line in text.lower().replace("’", "'").splitlines():
        words: list[str] = []
        for token in line.split():
            plain = re.sub(r"^[^\w']+|[^\w'.]+$", "", token)
            if plain not in known:
                plain = plain.rstrip(".")
            if plain not in known:
                plain = plain.strip("'") if plain.strip("'") in known else plain
            parts = [plain] if plain in known else re.split(r"[^\w'.]+", plain)
            words += [part for part in parts if part]
        if words:
            yield words


def arpa_words(text: str, path: Path) -> list[str]:
    """The words of an n-gram model in ARPA form, without <s>, </s> and <UNK>; ConfigError if it has none."""
    _, mark, rest = text.partition("\\1-grams:")
    words = []
    for line in rest.splitlines():
        if line.startswith("\\"):
            break
        parts = line.split()
        if len(parts) > 1 and not re.fullmatch(r"<.*>", parts[1]):
            words.append(parts[1])
    if not mark or not words:
        raise ConfigError(f"{path}: not an n-gram model with words; give a text with a sentence a line, or a model")
    return words
