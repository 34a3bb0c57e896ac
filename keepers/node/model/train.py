"""Trains the toy model on Debian's King James text: `python3 train.py --out DIR [--minutes 9]`. See README.md."""

import argparse
import json
import math
import os
import pathlib
import random
import re
import subprocess
import time

import torch
from torch.nn import functional as F

from bpe import BEGIN_ID, END_ID, SPECIAL_TOKENS, Tokenizer, train_merges
from llama import CONFIG, Llama

SEED = 1611
# One chapter in twenty is never trained on; the validation loss is measured there.
HELD_OUT_EVERY = 20
# Chance that a passage ends after a verse. A passage is one message of a chat, so this is how long answers get.
PASSAGE_END = 0.3
# (share of the time by which it ends, tokens a sequence, sequences a step): short ones first, being cheaper, then the whole context.
PHASES = [(0.75, 256, 4), (0.9, 1024, 1), (1.0, CONFIG["context_length"], 1)]
PEAK_RATE, WARMUP = 2e-3, 0.02


def read_chapters():
    """Chapters in order, each a list of verses without their numbers, from Debian's bible-kjv and bible-kjv-text."""
    text = subprocess.run(["bible", "-f", "Gen1:1-Rev22:21"], capture_output=True, text=True, check=True).stdout
    chapters = {}
    for name, verse in re.findall(r"^(\w+):\d+ (.*)$", text, re.M):
        chapters.setdefault(name, []).append(verse.strip())
    return list(chapters.values())


def to_tokens(chapters, tokenizer, rng):
    """One stream: each chapter begins with BEGIN; verses are joined by newlines, passages closed by END."""
    stream = []
    for chapter in chapters:
        stream.append(BEGIN_ID)
        for index, verse in enumerate(chapter):
            stream += tokenizer.encode(verse)
            last = index + 1 == len(chapter)
            stream += [END_ID] if last or rng.random() < PASSAGE_END else tokenizer.encode("\n")
    return stream


def batches(chapters, tokenizer, rng, phase):
    """Endless (batch, length + 1) tensors; every pass shuffles the chapters and cuts the passages anew."""
    _, length, count = phase
    while True:
        stream = torch.tensor(to_tokens(rng.sample(chapters, len(chapters)), tokenizer, rng))
        starts = list(range(rng.randrange(length), len(stream) - length - 1, length))
        rng.shuffle(starts)
        for at in range(0, len(starts) - count + 1, count):
            yield torch.stack([stream[start : start + length + 1] for start in starts[at : at + count]])


def loss_of(model, batch):
    logits = model(batch[:, :-1])
    return F.cross_entropy(logits.reshape(-1, logits.shape[-1]), batch[:, 1:].reshape(-1))


@torch.no_grad()
def validate(model, stream, length):
    """Mean loss a token over the whole held-out stream, in windows of `length`."""
    ids = torch.tensor(stream)
    windows = [ids[at : at + length + 1] for at in range(0, len(ids) - length - 1, length)]
    return sum(loss_of(model, window[None]).item() for window in windows) / len(windows)


@torch.no_grad()
def sample(model, tokenizer, prompt, rng, limit=120, temperature=0.7):
    ids, answer = [BEGIN_ID, *tokenizer.encode(prompt), END_ID], []
    while len(answer) < limit:
        weights = (model(torch.tensor([ids + answer]))[0, -1] / temperature).softmax(-1)
        token = torch.multinomial(weights, 1, generator=rng).item()
        if token == END_ID:
            break
        answer.append(token)
    return tokenizer.decode(answer)


def rate_at(progress):
    """Linear warm-up, then a cosine to a fiftieth of the peak."""
    if progress < WARMUP:
        return PEAK_RATE * max(progress / WARMUP, 0.05)
    return PEAK_RATE * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * (progress - WARMUP) / (1 - WARMUP))))


def optimise(model, chapters, tokenizer, seconds):
    """Schedules by elapsed time, so that a slower machine still ends on a finished schedule; returns tokens seen."""
    decayed = [weight for weight in model.parameters() if weight.dim() == 2]
    scales = [weight for weight in model.parameters() if weight.dim() != 2]
    groups = [{"params": decayed, "weight_decay": 0.1}, {"params": scales, "weight_decay": 0.0}]
    optimiser = torch.optim.AdamW(groups, lr=PEAK_RATE, betas=(0.9, 0.95))
    rng, started, seen, steps, progress = random.Random(SEED), time.monotonic(), 0, 0, 0.0
    for phase in PHASES:
        for batch in batches(chapters, tokenizer, rng, phase):
            progress = (time.monotonic() - started) / seconds
            if progress >= phase[0]:
                break
            for group in optimiser.param_groups:
                group["lr"] = rate_at(progress)
            loss = loss_of(model, batch)
            optimiser.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimiser.step()
            seen, steps = seen + batch[:, 1:].numel(), steps + 1
            if steps % 50 == 0:
                print(f"{progress:4.0%} step {steps} loss {loss.item():.3f} tokens {seen}", flush=True)
    return {"steps": steps, "tokensSeen": seen, "trainingSeconds": round(time.monotonic() - started)}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=pathlib.Path, required=True, help="folder for toy.pt and report.json")
    parser.add_argument("--minutes", type=float, default=9.0)
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(SEED)
    # OMP_WAIT_POLICY=PASSIVE makes this torch start with one thread.
    torch.set_num_threads(os.cpu_count() or 1)
    chapters = read_chapters()
    held_out = chapters[HELD_OUT_EVERY - 1 :: HELD_OUT_EVERY]
    training = [chapter for index, chapter in enumerate(chapters) if index % HELD_OUT_EVERY != HELD_OUT_EVERY - 1]
    text = "\n".join(verse for chapter in training for verse in chapter)
    tokenizer = Tokenizer(train_merges(text, CONFIG["vocab_size"] - len(SPECIAL_TOKENS) - 256))
    model = Llama(CONFIG)
    totals = optimise(model, training, tokenizer, options.minutes * 60)
    stream = to_tokens(held_out, tokenizer, random.Random(SEED))
    report = {
        "parameters": sum(weight.numel() for weight in model.parameters()),
        **totals,
        "validationTokens": len(stream),
        "validationLoss": round(validate(model, stream, 256), 4),
        "validationLossFullContext": round(validate(model, stream, CONFIG["context_length"]), 4),
        "sample": sample(model, tokenizer, "And it came to pass", torch.Generator().manual_seed(SEED)),
    }
    torch.save({"config": CONFIG, "merges": tokenizer.merges, "weights": model.state_dict()}, options.out / "toy.pt")
    (options.out / "report.json").write_text(json.dumps(report, indent=4) + "\n")
    print(json.dumps(report, indent=4))


if __name__ == "__main__":
    main()
