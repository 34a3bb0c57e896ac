"""A byte-level BPE tokenizer, trained here and written to the GGUF in the form llama.cpp calls `gpt2`."""

import re
from collections import Counter, defaultdict

# Ids 0 and 1 never come out of text: `encode` cannot produce them, so nobody can type one.
BEGIN_TOKEN, END_TOKEN = "<|begin|>", "<|end|>"
BEGIN_ID, END_ID = 0, 1
SPECIAL_TOKENS = [BEGIN_TOKEN, END_TOKEN]

# GPT-2's rule for what a merge may not cross, in the ASCII form Python's `re` can say; the corpus is ASCII.
PIECES = re.compile(r"'s|'t|'re|'ve|'m|'ll|'d| ?[A-Za-z]+| ?[0-9]+| ?[^\sA-Za-z0-9]+|\s+(?!\S)|\s+")


def byte_alphabet():
    """GPT-2's printable stand-in for each byte, which `tokenizer.ggml.tokens` and `merges` are spelled in."""
    printable = [*range(ord("!"), ord("~") + 1), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    alphabet, spare = {byte: chr(byte) for byte in printable}, 256
    for byte in range(256):
        if byte not in alphabet:
            alphabet[byte] = chr(spare)
            spare += 1
    return alphabet


BYTE_TO_CHAR = byte_alphabet()
CHAR_TO_BYTE = {char: byte for byte, char in BYTE_TO_CHAR.items()}


def merge_pair(symbols, pair):
    merged, at = [], 0
    while at < len(symbols):
        if at + 1 < len(symbols) and (symbols[at], symbols[at + 1]) == pair:
            merged.append(symbols[at] + symbols[at + 1])
            at += 2
        else:
            merged.append(symbols[at])
            at += 1
    return merged


def train_merges(text, merge_count):
    """The `merge_count` most frequent pairs, greedily; ties go to the alphabetically first, so a run repeats."""
    counts = Counter(PIECES.findall(text))
    words = [[BYTE_TO_CHAR[byte] for byte in word.encode()] for word in counts]
    weights = list(counts.values())
    pair_weight, pair_words = Counter(), defaultdict(set)
    for index, word in enumerate(words):
        for pair in zip(word, word[1:]):
            pair_weight[pair] += weights[index]
            pair_words[pair].add(index)
    merges = []
    while len(merges) < merge_count:
        best = min(pair_weight, key=lambda pair: (-pair_weight[pair], pair))
        merges.append(best)
        for index in pair_words.pop(best):
            for pair in zip(words[index], words[index][1:]):
                pair_weight[pair] -= weights[index]
            words[index] = merge_pair(words[index], best)
            for pair in zip(words[index], words[index][1:]):
                pair_weight[pair] += weights[index]
                pair_words[pair].add(index)
        del pair_weight[best]
    return merges


class Tokenizer:
    def __init__(self, merges):
        self.merges = [tuple(pair) for pair in merges]
        self.tokens = SPECIAL_TOKENS + list(BYTE_TO_CHAR.values()) + [left + right for left, right in self.merges]
        self.ids = {token: index for index, token in enumerate(self.tokens)}
        self.ranks = {pair: rank for rank, pair in enumerate(self.merges)}
        self.cache = {}

    def encode(self, text):
        return [token for piece in PIECES.findall(text) for token in self.encode_piece(piece)]

    def encode_piece(self, piece):
        if piece not in self.cache:
            symbols = [BYTE_TO_CHAR[byte] for byte in piece.encode()]
            while len(symbols) > 1:
                best = min(zip(symbols, symbols[1:]), key=lambda pair: self.ranks.get(pair, len(self.merges)))
                if best not in self.ranks:
                    break
                symbols = merge_pair(symbols, best)
            self.cache[piece] = [self.ids[symbol] for symbol in symbols]
        return self.cache[piece]

    def decode(self, ids):
        text = "".join(self.tokens[index] for index in ids if index >= len(SPECIAL_TOKENS))
        return bytes(CHAR_TO_BYTE[char] for char in text).decode(errors="replace")
