"""Tokenizers: how one is loaded, and what its tokens stand for."""

import hashlib
import json
import re
from pathlib import Path

import numpy as np
from tokenizers import Tokenizer

from mixes.proxy.tokens import MOST_TOKENS
from pipeline.errors import PipelineError

ONE_BYTE = re.compile(r"<0x[0-9A-Fa-f]{2}>")  # SentencePiece's tokens for the bytes of what it has no piece for
BLANK = "▁"  # its blank
BYTE_LEVEL_PARTS = ("pre_tokenizer", "decoder")  # of a tokenizer.json, which say whether it works on bytes


def given_tokenizer(path: Path, end: str) -> Tokenizer:
    """The tokenizer that the experiment names.

    Raises:
        PipelineError: it has no ending token, or numbers tokens higher than a vocabulary can be large.
    """
    tokenizer = load_tokenizer(path)
    if tokenizer.token_to_id(end) is None:
        raise PipelineError(f"tokenizer.end: {end!r} is not a token of {path}")
    if vocabulary_size(tokenizer) > MOST_TOKENS:
        raise PipelineError(
            f"tokenizer.path: {path} numbers a token {vocabulary_size(tokenizer) - 1:,}, most is {MOST_TOKENS - 1:,} — "
            "a proxy would need a row for every number"
        )
    return tokenizer


def load_tokenizer(path: Path) -> Tokenizer:
    """A tokenizers.Tokenizer that takes texts whole, always splits them alike, and to which special tokens in them are
    text, whatever else the file asks for; PipelineError where the file is none."""
    try:
        tokenizer = Tokenizer.from_file(str(path))
    except Exception as error:  # the library raises bare Exception
        raise PipelineError(f"tokenizer {path}: not a tokenizer.json ({error})") from None
    tokenizer.encode_special_tokens = True  # a page that says <|endoftext|> does not end a document
    tokenizer.no_truncation()
    tokenizer.no_padding()
    if getattr(tokenizer.model, "dropout", None):
        tokenizer.model.dropout = None
    return tokenizer


def vocabulary_size(tokenizer: Tokenizer) -> int:
    """One more than the highest number of a token: some tokenizers leave numbers unused."""
    return max(tokenizer.get_vocab().values(), default=-1) + 1


def token_bytes(tokenizer: Tokenizer, end: str) -> np.ndarray:
    """(vocabulary,) UTF-8 bytes of text that each token stands for; 0 for special tokens, the ending one among them.

    In byte-level vocabularies a character is a byte; in SentencePiece's a token is written as it reads, but for blanks
    and for what falls back to bytes. Blanks that a tokenizer puts before a text count as text. Vocabularies that mark
    the parts of words (`##ing`, `ing</w>`) are counted with their marks.
    """
    added = tokenizer.get_added_tokens_decoder()
    byte_level = '"ByteLevel"' in json.dumps([json.loads(tokenizer.to_str())[part] for part in BYTE_LEVEL_PARTS])
    sizes = np.zeros(vocabulary_size(tokenizer), dtype=np.int64)
    pieces = tokenizer.get_vocab(with_added_tokens=False)
    for token, number in tokenizer.get_vocab().items():
        if token == end or (number in added and added[number].special):
            continue
        if token not in pieces:
            sizes[number] = len(token.encode())
        elif byte_level:
            sizes[number] = len(token)
        else:
            sizes[number] = 1 if ONE_BYTE.fullmatch(token) else len(token.replace(BLANK, " ").encode())
    return sizes


def vocabulary_hash(tokenizer: Tokenizer) -> str:
    """Hash of which token each number stands for: models of one vocabulary understand each other's token ids."""
    return hashlib.sha256(json.dumps(sorted(tokenizer.get_vocab().items())).encode()).hexdigest()
