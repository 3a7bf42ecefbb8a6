"""PyTorch's side of gptj-peers.py, in a process of its own: one JSON object in, one out.

A training step is forward, backward, clipping to norm 1 and AdamW, on transformers' GPTJForCausalLM.
"""

import contextlib
import json
import os
import sys
import time

import numpy
import torch
import transformers
from transformers.models.gptj import modeling_gptj


def fused_attention(self, query, key, value, attention_mask=None):
    """What GPTJAttention._attn computes, by the kernel that transformers does not use for GPT-J."""
    output = torch.nn.functional.scaled_dot_product_attention(
        query.to(value.dtype), key.to(value.dtype), value, is_causal=True,
        scale=1 / float(self.scale_attn))
    return output, None


def make_model(shape, variant):
    """Random weights, no dropout; `variant` is a row of gptj-peers.py's table."""
    if variant["attention"] == "sdpa":
        modeling_gptj.GPTJAttention._attn = fused_attention
    torch.manual_seed(42)
    model = transformers.GPTJForCausalLM(transformers.GPTJConfig(
        n_layer=shape["layers"], n_embd=shape["hidden"], n_head=shape["heads"],
        rotary_dim=shape["rotary"], n_positions=shape["sequence"], vocab_size=shape["vocabulary"],
        resid_pdrop=0.0, embd_pdrop=0.0, attn_pdrop=0.0, use_cache=False,
        tie_word_embeddings=False))
    if variant["attention"] == "sdpa":
        for block in model.transformer.h:
            block.mlp.act = torch.nn.GELU(approximate="tanh")
    model.train()
    return model.to(torch.bfloat16) if variant["precision"] == "pure bf16" else model


def steps(request):
    """Seconds and loss of each step, the time of compiling in the first."""
    shape, variant = request["shape"], request["variant"]
    model = make_model(shape, variant)
    optimizer = torch.optim.AdamW(
        model.parameters(), lr=1e-4, weight_decay=0.01,
        fused=True if variant["optimizer"] == "fused" else None)
    called = torch.compile(model) if variant["compiled"] else model
    chunks = numpy.load(request["tokens"])
    seconds, losses = [], []
    for step in range(request["steps"]):
        rows = [(step * shape["batch"] + row) % len(chunks) for row in range(shape["batch"])]
        tokens = torch.from_numpy(chunks[rows].astype("int64"))
        start = time.perf_counter()
        cast = (torch.autocast("cpu", torch.bfloat16) if variant["precision"] == "autocast"
                else contextlib.nullcontext())
        with cast:
            logits = called(tokens[:, :-1]).logits
            # As transformers' own loss does, in float32 whatever the logits are.
            loss = torch.nn.functional.cross_entropy(
                logits.flatten(0, 1).float(), tokens[:, 1:].flatten())
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        losses.append(loss.item())
        seconds.append(time.perf_counter() - start)
    return {"seconds": seconds, "losses": losses}


def pack(request):
    """The training file as rows of sequence + 1 tokens, packed as gptj-bench packs it."""
    peer = request["check_huggingface"]
    peer.SEQUENCE = request["sequence"]
    tokenizer = transformers.AutoTokenizer.from_pretrained(request["tokenizer"])
    chunks = list(peer.packed(peer.prompts(request["train"]), tokenizer))
    numpy.save(request["tokens"], numpy.array(chunks, dtype="int32"))
    return {"sequences": len(chunks)}


def losses(request):
    """Loss of each step from an exported start, in the order in which gptj-bench draws the rows."""
    peer = request["check_huggingface"]
    for name, value in request["training"].items():
        setattr(peer, name, value)
    # A cast weight that is kept for the next step would never learn.
    type, cast = {
        "float64": (torch.float64, contextlib.nullcontext()),
        "float32": (torch.float32, contextlib.nullcontext()),
        "autocast": (torch.float32, torch.autocast("cpu", torch.bfloat16, cache_enabled=False)),
        "pure bf16": (torch.bfloat16, contextlib.nullcontext()),
    }[request["precision"]]
    if type == torch.float64:
        modeling_gptj.GPTJAttention._attn = fused_attention  # GPT-J's own casts scores to float32
    model = transformers.GPTJForCausalLM.from_pretrained(request["start"], dtype=type)
    model.config.use_cache = False
    model.train()
    chunks = numpy.load(request["tokens"]).tolist()
    with cast:
        return {"losses": list(peer.torch_losses(model, chunks, request["steps"]))}


def versions(_):
    return {
        "torch": torch.__version__, "transformers": transformers.__version__,
        "python": sys.version.split()[0], "threads": torch.get_num_threads(),
    }


def check_huggingface(path):
    """The repository's Scripts/check-huggingface as a module: it packs, draws and trains already."""
    import importlib.machinery
    import importlib.util
    loader = importlib.machinery.SourceFileLoader("check_huggingface", path)
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader(loader.name, loader))
    loader.exec_module(module)
    return module


if __name__ == "__main__":
    sys.dont_write_bytecode = True
    request = json.loads(sys.argv[1])
    transformers.logging.set_verbosity_error()
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "1")))
    root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    if request["do"] in ("pack", "losses"):
        request["check_huggingface"] = check_huggingface(f"{root}/Scripts/check-huggingface")
    answer = {"steps": steps, "pack": pack, "losses": losses, "versions": versions}[request["do"]]
    print(json.dumps(answer(request)))
