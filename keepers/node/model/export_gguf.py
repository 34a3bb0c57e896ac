"""Writes the trained toy as a GGUF file of type q8_0: `python3 export_gguf.py DIR/toy.pt cocoon-toy.gguf`."""

import struct
import sys

import torch

from bpe import BEGIN_ID, END_ID, SPECIAL_TOKENS, Tokenizer

MAGIC, VERSION, ALIGNMENT = b"GGUF", 3, 32
UINT32, INT32, FLOAT32, BOOL, STRING, ARRAY = 4, 5, 6, 7, 8, 9
F32, Q8_0, FILE_TYPE_Q8_0 = 0, 8, 7
NORMAL_TOKEN, CONTROL_TOKEN = 1, 3

# Every message is one passage. The end marker is a control token: what a user types can never become one.
CHAT_TEMPLATE = "{{ bos_token }}{% for message in messages %}{{ message['content'] }}{{ eos_token }}{% endfor %}"


def pack_string(text):
    raw = text.encode()
    return struct.pack("<Q", len(raw)) + raw


PACKERS = {
    UINT32: lambda value: struct.pack("<I", value),
    INT32: lambda value: struct.pack("<i", value),
    FLOAT32: lambda value: struct.pack("<f", value),
    BOOL: lambda value: struct.pack("<?", value),
    STRING: pack_string,
}


def pack_entry(key, kind, value):
    if not isinstance(value, list):
        return pack_string(key) + struct.pack("<I", kind) + PACKERS[kind](value)
    head = pack_string(key) + struct.pack("<IIQ", ARRAY, kind, len(value))
    return head + b"".join(PACKERS[kind](item) for item in value)


def metadata(config, tokenizer):
    """llama.cpp refuses or, worse, quietly misreads a file that lacks any of these."""
    kinds = [CONTROL_TOKEN] * len(SPECIAL_TOKENS) + [NORMAL_TOKEN] * (len(tokenizer.tokens) - len(SPECIAL_TOKENS))
    return [
        ("general.architecture", STRING, "llama"),
        ("general.name", STRING, "cocoon-toy"),
        ("general.description", STRING, "A toy trained for ten minutes on the King James Bible; it answers no question."),
        ("general.file_type", UINT32, FILE_TYPE_Q8_0),
        ("general.quantization_version", UINT32, 2),
        ("llama.vocab_size", UINT32, config["vocab_size"]),
        ("llama.context_length", UINT32, config["context_length"]),
        ("llama.embedding_length", UINT32, config["embedding_length"]),
        ("llama.block_count", UINT32, config["block_count"]),
        ("llama.feed_forward_length", UINT32, config["feed_forward_length"]),
        ("llama.attention.head_count", UINT32, config["head_count"]),
        ("llama.attention.head_count_kv", UINT32, config["head_count"]),
        ("llama.attention.layer_norm_rms_epsilon", FLOAT32, config["rms_epsilon"]),
        ("llama.rope.dimension_count", UINT32, config["embedding_length"] // config["head_count"]),
        ("llama.rope.freq_base", FLOAT32, config["rope_base"]),
        ("tokenizer.ggml.model", STRING, "gpt2"),
        ("tokenizer.ggml.pre", STRING, "gpt-2"),
        ("tokenizer.ggml.tokens", STRING, tokenizer.tokens),
        ("tokenizer.ggml.token_type", INT32, kinds),
        ("tokenizer.ggml.merges", STRING, [f"{left} {right}" for left, right in tokenizer.merges]),
        ("tokenizer.ggml.bos_token_id", UINT32, BEGIN_ID),
        ("tokenizer.ggml.eos_token_id", UINT32, END_ID),
        ("tokenizer.ggml.add_bos_token", BOOL, True),
        ("tokenizer.ggml.add_eos_token", BOOL, False),
        ("tokenizer.chat_template", STRING, CHAT_TEMPLATE),
    ]


def quantise(weight):
    """q8_0: for every 32 numbers of a row one half-precision scale and 32 signed bytes."""
    blocks = weight.float().reshape(-1, 32)
    scales = (blocks.abs().amax(1, keepdim=True) / 127).half()
    inverse = torch.where(scales > 0, 1 / scales.float(), torch.zeros_like(scales.float()))
    quants = (blocks * inverse).round().clamp(-127, 127).to(torch.int8)
    return b"".join(
        struct.pack("<e32b", scale, *row) for scale, row in zip(scales.flatten().tolist(), quants.tolist())
    )


def encode_tensor(weight):
    """Norms stay f32: llama.cpp kills the process on any other type there."""
    if weight.dim() == 2:
        return Q8_0, quantise(weight)
    return F32, struct.pack(f"<{weight.numel()}f", *weight.float().tolist())


def pad(data):
    return data + bytes(-len(data) % ALIGNMENT)


def build(checkpoint):
    tokenizer = Tokenizer(checkpoint["merges"])
    entries = metadata(checkpoint["config"], tokenizer)
    infos, data = b"", b""
    for name, weight in checkpoint["weights"].items():
        kind, raw = encode_tensor(weight)
        # GGUF counts dimensions from the fastest-moving one, torch from the slowest.
        shape = list(reversed(weight.shape))
        infos += pack_string(name) + struct.pack(f"<I{len(shape)}QIQ", len(shape), *shape, kind, len(data))
        data += pad(raw)
    head = MAGIC + struct.pack("<IQQ", VERSION, len(checkpoint["weights"]), len(entries))
    return pad(head + b"".join(pack_entry(*entry) for entry in entries) + infos) + data


def main():
    source, target = sys.argv[1:3]
    with open(target, "wb") as file:
        file.write(build(torch.load(source)))


if __name__ == "__main__":
    main()
