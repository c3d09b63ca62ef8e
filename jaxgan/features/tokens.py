"""CLIP's tokens: text by byte pairs, merged in the order of a vocabulary file."""

from __future__ import annotations

import gzip
import html
import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Integer

LENGTH = 77
WORDS = 49408  # 256 bytes, each also as a word's end, the merges, start and end
START, END = "<|startoftext|>", "<|endoftext|>"
TAIL = "</w>"
SHORT = re.compile("'s|'t|'re|'ve|'m|'ll|'d")
MARKS = (START, END)


class Tokenizer(NamedTuple):
    """Phrases to tokens, as CLIP reads them.

    Args:
        numbers: {piece: token}.
        ranks: {pair of pieces: how early it is merged}.
        length: Tokens of a phrase, both ends included; shorter ones are filled with 0.
        repair: What is done to a text first, such as `ftfy.fix_text`, which the published code applies to text that
            went through a wrong encoding; Unicode's composed form (NFC) by default.
    """

    numbers: dict[str, int]
    ranks: dict[tuple[str, str], int]
    length: int = LENGTH
    repair: Callable[[str], str] = lambda text: unicodedata.normalize("NFC", text)

    def __call__(self, phrases: str | Sequence[str], cut: bool = False) -> Integer[np.ndarray, "k l"]:
        """Return the tokens of phrases, int32.

        Args:
            phrases: K of them, or one.
            cut: Whether a phrase that is too long is cut instead of refused.

        Raises:
            ValueError: A phrase has too many tokens.
        """
        phrases = [phrases] if isinstance(phrases, str) else phrases
        table = np.zeros((len(phrases), self.length), np.int32)
        for row, phrase in zip(table, phrases, strict=True):
            tokens = [self.numbers[START], *self.encode(phrase), self.numbers[END]]
            if len(tokens) > self.length:
                if not cut:
                    raise ValueError(f"{phrase[:60]!r} has {len(tokens)} tokens of at most {self.length}; shorten it.")
                tokens = [*tokens[: self.length - 1], self.numbers[END]]
            row[: len(tokens)] = tokens
        return table

    def encode(self, text: str) -> list[int]:
        """Return the tokens of one text, without its ends."""
        text = html.unescape(html.unescape(self.repair(text))).strip()
        text = " ".join(text.split()).lower()
        return [self.numbers[piece] for word in words(text) for piece in self.pieces(word)]

    def pieces(self, word: str) -> tuple[str, ...]:
        """Merge a word's bytes, the earliest pair of the vocabulary first, until no pair is known."""
        if word in MARKS:
            return (word,)
        letters = [byte_letters()[byte] for byte in word.encode("utf-8")]
        held = [*letters[:-1], letters[-1] + TAIL]
        while len(held) > 1:
            best = min(pairwise(held), key=lambda pair: self.ranks.get(pair, len(self.ranks)))
            if best not in self.ranks:
                break
            merged, i = [], 0
            while i < len(held):
                whole = tuple(held[i : i + 2]) == best
                merged.append("".join(best) if whole else held[i])
                i += 2 if whole else 1
            held = merged
        return tuple(held)


def words(text: str) -> Iterator[str]:
    """Split a text: marks and shortened endings, runs of letters, single digits, runs of anything else.

    ends of phrase | 's 't 're 've 'm 'll 'd | letters+ | number | neither space, letter nor number+
    """
    kinds = "".join(kind(c) for c in text)
    at = 0
    while at < len(text):
        mark = next((m for m in MARKS if text.startswith(m, at)), None) or SHORT.match(text, at)
        if mark is not None:
            end = at + len(mark if isinstance(mark, str) else mark[0])
        elif kinds[at] in "L.":
            end = at + len(kinds[at:]) - len(kinds[at:].lstrip(kinds[at]))
        else:
            end = at + 1
        if kinds[at] != " ":
            yield text[at:end]
        at = end


def kind(character: str) -> str:
    """Tell letters "L", numbers "N", spaces " " and anything else "." apart, by Unicode's categories."""
    if character.isspace():
        return " "
    major = unicodedata.category(character)[0]
    return major if major in "LN" else "."


@lru_cache
def byte_letters() -> dict[int, str]:
    """Name every byte by a letter that can be seen: itself where Latin-1 has one, others from U+0100 on."""
    plain = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    rest = [byte for byte in range(256) if byte not in plain]
    return {byte: chr(byte) for byte in plain} | {byte: chr(256 + i) for i, byte in enumerate(rest)}


def tokenizer(vocabulary: str | Path, *, repair: Callable[[str], str] | None = None) -> Tokenizer:
    """Read CLIP's tokenizer from its vocabulary, `bpe_simple_vocab_16e6.txt.gz`, or from its merges as `merges.txt`.

    Args:
        vocabulary: The file: a line of title, then one pair to merge a line, earliest first.
        repair: As for `Tokenizer`.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: It has not as many pairs as CLIP's.

    Source: Sennrich et al., "Neural Machine Translation of Rare Words with Subword Units" (2016), over bytes as in
    GPT-2, with the splitting of CLIP. Different: text that went through a wrong encoding is repaired only if asked.
    """
    path = Path(vocabulary)
    raw = path.read_bytes()
    text = (gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw).decode("utf-8")
    wanted = WORDS - 512 - 2
    lines = text.split("\n")[1 : wanted + 1]
    merges = [tuple(line.split()) for line in lines]
    if len(merges) != wanted or any(len(pair) != 2 for pair in merges):
        raise ValueError(f"{path}: holds no {wanted} pairs to merge; give CLIP's bpe_simple_vocab_16e6.txt.gz.")
    letters = list(byte_letters().values())
    pieces = [*letters, *(letter + TAIL for letter in letters), *("".join(pair) for pair in merges), START, END]
    ranks = {(a, b): i for i, (a, b) in enumerate(merges)}
    found = Tokenizer({piece: i for i, piece in enumerate(pieces)}, ranks)
    return found if repair is None else found._replace(repair=repair)
