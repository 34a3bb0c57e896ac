"""The llama architecture as llama.cpp computes it (RMS norm, interleaved rotary pairs, SwiGLU, tied embedding)."""

import torch
from torch import nn
from torch.nn import functional as F

CONFIG = {
    "vocab_size": 2048,
    "context_length": 2048,
    "embedding_length": 192,
    "block_count": 3,
    "head_count": 6,
    "feed_forward_length": 512,
    "rms_epsilon": 1e-5,
    "rope_base": 10000.0,
}


class RmsNorm(nn.Module):
    def __init__(self, width, epsilon):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))
        self.epsilon = epsilon

    def forward(self, x):
        return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + self.epsilon) * self.weight


def rotary_tables(config):
    width = config["embedding_length"] // config["head_count"]
    frequencies = config["rope_base"] ** (-torch.arange(0, width, 2).float() / width)
    angles = torch.arange(config["context_length"]).float()[:, None] * frequencies
    return angles.cos(), angles.sin()


def rotate(x, cos, sin):
    """Turns neighbouring pairs (2i, 2i+1): llama.cpp's order for this architecture, so export permutes nothing."""
    even, odd = x[..., 0::2], x[..., 1::2]
    return torch.stack((even * cos - odd * sin, even * sin + odd * cos), -1).flatten(-2)


class Block(nn.Module):
    def __init__(self, config):
        super().__init__()
        width, inner = config["embedding_length"], config["feed_forward_length"]
        self.heads = config["head_count"]
        self.attn_norm = RmsNorm(width, config["rms_epsilon"])
        self.attn_q = nn.Linear(width, width, bias=False)
        self.attn_k = nn.Linear(width, width, bias=False)
        self.attn_v = nn.Linear(width, width, bias=False)
        self.attn_output = nn.Linear(width, width, bias=False)
        self.ffn_norm = RmsNorm(width, config["rms_epsilon"])
        self.ffn_gate = nn.Linear(width, inner, bias=False)
        self.ffn_up = nn.Linear(width, inner, bias=False)
        self.ffn_down = nn.Linear(inner, width, bias=False)

    def attend(self, x, cos, sin, mask):
        batch, length, width = x.shape
        split = lambda y: y.view(batch, length, self.heads, width // self.heads).transpose(1, 2)
        query = rotate(split(self.attn_q(x)), cos, sin)
        key = rotate(split(self.attn_k(x)), cos, sin)
        scores = query @ key.transpose(-1, -2) * (width // self.heads) ** -0.5 + mask
        mixed = scores.softmax(-1) @ split(self.attn_v(x))
        return self.attn_output(mixed.transpose(1, 2).reshape(batch, length, width))

    def forward(self, x, cos, sin, mask):
        x = x + self.attend(self.attn_norm(x), cos, sin, mask)
        y = self.ffn_norm(x)
        return x + self.ffn_down(F.silu(self.ffn_gate(y)) * self.ffn_up(y))


class Llama(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.config = config
        self.token_embd = nn.Embedding(config["vocab_size"], config["embedding_length"])
        self.blk = nn.ModuleList(Block(config) for _ in range(config["block_count"]))
        self.output_norm = RmsNorm(config["embedding_length"], config["rms_epsilon"])
        cos, sin = rotary_tables(config)
        self.register_buffer("cos", cos, persistent=False)
        self.register_buffer("sin", sin, persistent=False)
        for name, weight in self.named_parameters():
            if weight.dim() == 2:
                residual = name.endswith(("attn_output.weight", "ffn_down.weight"))
                nn.init.normal_(weight, std=0.02 if not residual else 0.02 / (2 * config["block_count"]) ** 0.5)

    def forward(self, ids):
        length = ids.shape[1]
        mask = torch.full((length, length), float("-inf")).triu(1)
        x = self.token_embd(ids)
        for block in self.blk:
            x = block(x, self.cos[:length], self.sin[:length], mask)
        return F.linear(self.output_norm(x), self.token_embd.weight)
