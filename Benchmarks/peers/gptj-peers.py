#!/usr/bin/env python3
"""Trains GPT-J by gptj-bench and by PyTorch in turns, and prints how they compare.

    Benchmarks/peers/gptj-peers.py --train MNLI.jsonl --tokenizer GPT-J-DIRECTORY

Same model, tokens, precision and cores; a step is forward, backward, clipping to norm 1 and AdamW.
Every alternation runs each program once, in a process of its own, in an order that rotates; a run's
figure is the median of its steps after the first. After the first alternation a variant of PyTorch
that takes more than --within times the best of its kind (float32 or 16 bits, as shipped or not) is
left out of the others.
Needs .build/release/gptj-bench; torch and transformers are installed into --packages if missing.
The result goes to Benchmarks/Results/peers.txt and .json.
"""

import argparse
import datetime
import json
import os
import pathlib
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
BINARY = ROOT / ".build/release/gptj-bench"


def shape(layers, hidden, heads, batch, sequence):
    return dict(
        name=f"{layers} x {hidden}, {batch} x {sequence}", layers=layers, hidden=hidden, heads=heads,
        batch=batch, sequence=sequence, vocabulary=50400, rotary=min(64, hidden // heads))


SHAPES = [shape(6, 768, 12, 4, 512), shape(12, 768, 12, 1, 1024), shape(4, 1024, 16, 2, 1024)]


def torch_variant(precision, attention="eager", optimizer="fused", compiled=False):
    words = [precision, attention] + ["compiled"] * compiled
    return dict(
        program="torch", name=" ".join(words + ["default AdamW"] * (optimizer != "fused")),
        precision=precision, attention=attention, optimizer=optimizer, compiled=compiled,
        bits=32 if precision == "fp32" else 16)


PRECISIONS = ["fp32", "autocast", "pure bf16"]
VARIANTS = (
    [torch_variant("fp32", optimizer="default")]
    + [torch_variant(p, a) for p in PRECISIONS for a in ("eager", "sdpa")]
    + [torch_variant(p, a, compiled=True) for p in PRECISIONS for a in ("eager", "sdpa")])


def ours(precision, tensor_parallel):
    return dict(
        program="gptj-bench", name=f"gptj-bench {precision} TP{tensor_parallel}",
        precision=precision, tensor_parallel=tensor_parallel,
        bits=32 if precision == "float32" else 16)


def is_shipped(variant):
    return variant["program"] == "torch" and variant["attention"] == "eager"


# Running -----------------------------------------------------------------------------------------

class Runner:
    """Starts both programs on the same cores and reads what they say."""

    def __init__(self, arguments, folder):
        self.arguments, self.folder = arguments, folder
        self.cpus = sorted(os.sched_getaffinity(0))[:arguments.cores]
        os.sched_setaffinity(0, self.cpus)
        self.environment = dict(
            os.environ, OMP_NUM_THREADS=str(len(self.cpus)), OMP_PROC_BIND="true",
            OMP_PLACES=",".join(f"{{{cpu}}}" for cpu in self.cpus), THP_MEM_ALLOC_ENABLE="1",
            TOKENIZERS_PARALLELISM="false", HF_HUB_OFFLINE="1", PYTHONDONTWRITEBYTECODE="1")
        packages = str(arguments.packages)
        self.environment["PYTHONPATH"] = packages + os.pathsep + os.environ.get("PYTHONPATH", "")
        self.peak_program = self.compile_peak()

    def start(self, command, environment=None):
        """Output and peak resident bytes of a process."""
        with tempfile.TemporaryFile("w+") as output, tempfile.TemporaryFile("w+") as trouble:
            process = subprocess.Popen(
                list(map(str, command)), stdout=output, stderr=trouble, env=environment)
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
            output.seek(0), trouble.seek(0)
            if process.returncode:
                lines = trouble.read().strip().splitlines() or [f"exit {process.returncode}"]
                raise RuntimeError(lines[-1][:300])
            return output.read(), usage.ru_maxrss * 1024

    def torch(self, **request):
        text, peak = self.start(
            [sys.executable, HERE / "torch_gptj.py", json.dumps(request)], self.environment)
        return json.loads(text.splitlines()[-1]), peak

    def tokens(self, sequence):
        file = f"{self.folder}/tokens-{sequence}.npy"
        if not os.path.exists(file):
            self.torch(do="pack", train=self.arguments.train, tokenizer=self.arguments.tokenizer,
                       sequence=sequence, tokens=file)
        return file

    def steps(self, shape, variant):
        """A run: seconds of each step, losses, peak resident bytes."""
        if variant["program"] == "torch":
            answer, peak = self.torch(
                do="steps", shape=shape, variant=variant, steps=self.arguments.steps,
                tokens=self.tokens(shape["sequence"]))
            return dict(answer, peak_bytes=peak)
        rows, peak = self.finetune(
            shape, variant["precision"], variant["tensor_parallel"], self.arguments.steps)
        return dict(seconds=[row["step_seconds"] for row in rows],
                    losses=[row["Loss"] for row in rows], peak_bytes=peak)

    def finetune(self, shape, precision, tensor_parallel, steps, *more):
        """What gptj-bench writes of each step, and its peak resident bytes."""
        config, metrics = f"{self.folder}/peer.yml", f"{self.folder}/metrics.jsonl"
        pathlib.Path(metrics).unlink(missing_ok=True)
        pathlib.Path(config).write_text(
            json.dumps({"release": {"peer": settings(shape, precision, tensor_parallel)}}))
        _, peak = self.start(
            [BINARY, "finetune", "--config", f"{config}:peer", "--steps", steps, "--answers", 0,
             "--train", self.arguments.train, "--tokenizer", self.arguments.tokenizer,
             "--data-cache", f"{self.folder}/cache", "--workers", len(self.cpus),
             "--metrics", metrics, "--no-progress", *more])
        return [json.loads(line) for line in open(metrics)], peak

    def compile_peak(self):
        compiler, program = shutil.which("cc") or shutil.which("clang"), f"{self.folder}/peak"
        if compiler is None:
            return None
        built = subprocess.run(
            [compiler, "-O3", "-march=native", "-pthread", str(HERE / "peak.c"), "-o", program],
            stderr=subprocess.DEVNULL)
        return program if built.returncode == 0 else None

    def peaks(self):
        """FLOP/s of all cores in float32, and in the faster of it and bfloat16; None where nothing
        measures them."""
        if self.peak_program is None:
            return None
        text, _ = self.start([self.peak_program, len(self.cpus), 0.3])
        float32, bfloat16 = map(float, text.split())
        return {32: float32, 16: max(bfloat16, float32)}


def settings(shape, precision, tensor_parallel):
    """A preset of gptj-bench; JSON is YAML."""
    return {
        "model": {
            "layers": shape["layers"], "hidden_size": shape["hidden"],
            "sequence_length": shape["sequence"], "precision": precision,
            "embedding": {"vocab_size": shape["vocabulary"]},
            "attention": {"heads": shape["heads"], "rotary_dim": shape["rotary"]}},
        "training": {
            "global_batch_size": shape["batch"], "stochastic_rounding": precision == "float16",
            "optimizer": {
                "name": "adamw", "gradient_clipping": 1.0, "weight_decay": 0.01, "beta2": 0.999,
                "learning_rate": {"maximum": 1e-4, "warmup_proportion": 0.0}}},
        "execution": {
            "micro_batch_size": shape["batch"], "data_parallel": 1,
            "tensor_parallel": tensor_parallel, "recompute": "none",
            "loss_scaling": 4096 if precision == "float16" else 1}}


def tensor_parallel_sizes(shape):
    """One rank, and one for each head, up to 16."""
    return [1, max(n for n in range(1, 17) if shape["heads"] % n == 0)]


# Measuring ---------------------------------------------------------------------------------------

def flops(shape):
    """Model FLOPs of a step: causal attention counted once, recomputation not at all."""
    d, t = shape["hidden"], shape["sequence"]
    weights = shape["layers"] * 12 * d * d + shape["vocabulary"] * d
    return shape["batch"] * t * (6 * weights + 6 * shape["layers"] * d * t)


def counted_bytes(shape, bits):
    """Bytes that a step needs by count: weights, gradients, moments, and what layers save.

    A parameter takes 16: weight, gradient and two moments of float32; the weight of bfloat16 and what
    it lacks of float32 take as much as one of float32. For each token a layer saves its input, that
    normed, queries, keys and values, attention's result, and both sides of the gelu.
    """
    d, layers, tokens = shape["hidden"], shape["layers"], shape["batch"] * shape["sequence"]
    layer = 12 * d * d + 4 * d + d + 2 * d
    parameters = layers * layer + 2 * shape["vocabulary"] * d + shape["vocabulary"] + 2 * d
    saved = tokens * (layers * (1 + 1 + 3 + 1 + 4 + 4) + 1) * d
    return 16 * parameters + saved * bits // 8


def alternate(runner, shape, variants, log):
    """Runs of each variant by alternation, None for what failed or was left out; and the peaks."""
    runs, peaks, notes = {v["name"]: [] for v in variants}, [], []
    alive = list(variants)
    for turn in range(runner.arguments.alternations):
        peaks.append(runner.peaks())
        shift = turn * 3 % len(alive)
        answers = {}
        for variant in alive[shift:] + alive[:shift]:
            name = variant["name"]
            try:
                answers[name] = runner.steps(shape, variant)
                median = step_seconds(answers[name])
                log(f"{shape['name']}, alternation {turn + 1}: {name}: {median:.3f} s a step")
            except RuntimeError as error:
                notes.append(f"{name}: {error}")
                log(f"{shape['name']}: {name} failed: {error}")
        for name in runs:
            runs[name].append(answers.get(name))
        alive = [v for v in alive if v["name"] in answers]
        if turn == 0:
            alive = [v for v in alive
                     if is_worth_it(v, alive, answers, runner.arguments.within)]
    return runs, peaks, notes


def is_worth_it(variant, variants, answers, within):
    """Whether a variant takes at most so many times what the best of its kind does."""
    if variant["program"] != "torch":
        return True
    kind = [v for v in variants if v["program"] == "torch" and v["bits"] == variant["bits"]
            and is_shipped(v) == is_shipped(variant)]
    best = min(step_seconds(answers[v["name"]]) for v in kind)
    return step_seconds(answers[variant["name"]]) <= within * best


def step_seconds(run):
    return statistics.median(run["seconds"][1:])


def spread(values):
    values = sorted(values)
    return f"{statistics.median(values):.2f} ({values[0]:.2f}-{values[-1]:.2f})"


# Reporting ---------------------------------------------------------------------------------------

def report(shape, variants, runs, peaks, notes):
    tokens = shape["batch"] * shape["sequence"]
    lines = [f"{shape['name']} ({shape['heads']} heads, vocabulary {shape['vocabulary']}, "
             f"{flops(shape) / 1e12:.3f} TFLOP a step)"]
    if peaks[0]:
        # The clock of a machine that others use as well changes: each run has its alternation's peak.
        lines.append("  peak in GFLOP/s, of each alternation: " + ", ".join(
            f"{peak[32] / 1e9:.0f}" + (f" (bf16 {peak[16] / 1e9:.0f})" * (peak[16] > peak[32]))
            for peak in peaks))
    lines.append("  by count a step needs " + ", ".join(
        f"{counted_bytes(shape, bits) / 1e6:.0f} MB {name}"
        for bits, name in ((32, "fp32"), (16, "bf16"))))
    row = "  {:<34}{:>10}{:>11}{:>9}{:>11}{:>6}"
    lines.append(row.format("", "s/step", "tokens/s", "of peak", "peak MB", "runs"))
    for variant in variants:
        done = [run for run in runs[variant["name"]] if run]
        if not done:
            continue
        seconds = statistics.median(step_seconds(run) for run in done)
        shares = [flops(shape) / step_seconds(run) / peak[variant["bits"]]
                  for run, peak in zip(runs[variant["name"]], peaks) if run and peak]
        share = f"{statistics.median(shares):.1%}" if shares else ""
        memory = max(run["peak_bytes"] for run in done) / 1e6
        lines.append(row.format(variant["name"], f"{seconds:.3f}", f"{tokens / seconds:.0f}", share,
                                f"{memory:.0f}", len(done)))
    for bits in (32, 16):
        lines += ratios(bits, variants, runs)
    return lines + [f"  {note}" for note in notes]


def ratios(bits, variants, runs):
    """How much faster ours is than the best of each kind, pair by pair of an alternation."""
    kinds = {"as shipped": is_shipped, "of all": lambda v: v["program"] == "torch"}
    for mine in (v for v in variants if v["program"] != "torch" and v["bits"] == bits):
        for kind, belongs in kinds.items():
            theirs = {v["name"]: runs[v["name"]] for v in variants
                      if belongs(v) and v["bits"] == bits and any(runs[v["name"]])}
            if not theirs or not any(runs[mine["name"]]):
                continue
            name = min(theirs, key=lambda n: statistics.median(
                step_seconds(run) for run in theirs[n] if run))
            pairs = [step_seconds(b) / step_seconds(a)
                     for a, b in zip(runs[mine["name"]], theirs[name]) if a and b]
            yield f"  {mine['name']}: {spread(pairs)} times the best {kind} ({name})"


def machine():
    model = next((line.split(":")[1].strip() for line in open("/proc/cpuinfo")
                  if line.startswith("model name")), platform.processor())
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return f"{model}, {memory / 2**30:.0f} GiB, {platform.system()} {platform.release()}"


def heading(runner):
    versions, _ = runner.torch(do="versions")
    version, _ = runner.start([BINARY, "--version"])
    commit = subprocess.run(["git", "-C", str(ROOT), "describe", "--always", "--dirty"],
                            stdout=subprocess.PIPE, text=True).stdout.strip()
    return [
        f"{datetime.datetime.now(datetime.timezone.utc):%Y-%m-%d %H:%M} UTC, {machine()}, "
        f"{len(runner.cpus)} pinned threads, load {os.getloadavg()[0]:.1f} before",
        f"gptj-bench {version.strip()} ({commit}); torch {versions['torch']}, transformers "
        f"{versions['transformers']}, python {versions['python']}",
        f"{runner.arguments.alternations} alternations of {runner.arguments.steps} steps; seconds "
        "are the median of the runs' medians, ratios those of pairs of one alternation: median "
        "(least-largest)",
        "PyTorch with fused AdamW unless said otherwise, OMP_PROC_BIND, huge pages "
        "(THP_MEM_ALLOC_ENABLE=1); sdpa: attention and gelu replaced by PyTorch's fused ones; pure "
        "bf16 keeps no float32 weights", ""]


# Losses ------------------------------------------------------------------------------------------

def check_losses(runner):
    """Largest difference of each program's losses from float64's, all from one exported start."""
    small = dict(shape(2, 256, 16, 8, 128), name="losses", rotary=16)
    start, steps = f"{runner.folder}/start", runner.arguments.loss_steps
    warm = ["--set", "training.optimizer.learning_rate.warmup_proportion=0.2",
            "--set", "training.optimizer.learning_rate.maximum=0.001"]
    runner.finetune(small, "float32", 1, 1, "--export", start)
    tokens = runner.tokens(small["sequence"])
    training = dict(SEQUENCE=small["sequence"], BATCH=small["batch"], RATE=1e-3, WARMUP=0.2,
                    DECAY=0.01, CLIP=1.0)
    curves = {}
    for precision in ("float64", "float32", "autocast", "pure bf16"):
        curves[f"torch {precision}"] = runner.torch(
            do="losses", start=start, precision=precision, steps=steps, tokens=tokens,
            training=training)[0]["losses"]
    for precision in ("float32", "bfloat16", "float16"):
        for size in tensor_parallel_sizes(small):
            rows, _ = runner.finetune(small, precision, size, steps, "--pretrained", start, *warm)
            curves[f"gptj-bench {precision} TP{size}"] = [row["Loss"] for row in rows]
    exact = curves["torch float64"]
    lines = [f"losses of {steps} steps from one start ({small['layers']} x {small['hidden']}, "
             f"{small['batch']} x {small['sequence']}), against torch's float64: "
             f"{exact[0]:.4f} -> {exact[-1]:.4f}"]
    for name, curve in curves.items():
        errors = [abs(a - b) / b for a, b in zip(curve, exact)]
        lines.append(f"  {name:<34}{curve[0]:8.4f} -> {curve[-1]:.4f}, largest relative error "
                     f"{max(errors):.1e}, mean {statistics.mean(errors):.1e}")
    return lines + [""], curves


# The command -------------------------------------------------------------------------------------

def install(packages):
    """torch and transformers, by pip, into a folder that nothing else uses."""
    path = str(packages) + os.pathsep + os.environ.get("PYTHONPATH", "")
    there = subprocess.run(
        [sys.executable, "-c", "import numpy, torch, transformers"],
        env=dict(os.environ, PYTHONPATH=path), stderr=subprocess.DEVNULL)
    if there.returncode:
        subprocess.run([sys.executable, "-m", "pip", "install", "--target", str(packages),
                        "numpy", "torch", "transformers"], check=True)


def parse():
    cache = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--train", required=True, help="MNLI rows, .jsonl")
    parser.add_argument("--tokenizer", required=True, help="directory of GPT-J's tokenizer")
    parser.add_argument("--alternations", type=int, default=5)
    parser.add_argument("--steps", type=int, default=6, help="of a run, the first one not counted")
    parser.add_argument("--cores", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--shape", type=int, action="append", choices=range(len(SHAPES)),
                        help="0, 1 or 2; all of them by default")
    parser.add_argument("--filter", action="append", help="only PyTorch's variant of this name, or "
                        "those with this text; may be repeated")
    parser.add_argument("--precision", choices=["float32", "bfloat16"], help="only this of ours")
    parser.add_argument("--tp", type=int, action="append", help="only this tensor parallelism of "
                        "ours; may be repeated")
    parser.add_argument("--within", type=float, default=1.2, help="what keeps a variant of PyTorch")
    parser.add_argument("--no-compile", action="store_true", help="without torch.compile")
    parser.add_argument("--loss-steps", type=int, default=50, help="0 for no check of losses")
    parser.add_argument("--packages", type=pathlib.Path, default=f"{cache}/gptj-bench/peers")
    parser.add_argument("--results", type=pathlib.Path, default=ROOT / "Benchmarks/Results/peers")
    return parser.parse_args()


def torch_variants(arguments):
    """PyTorch's variants to run, and why some are not."""
    texts = arguments.filter or [""]
    names = [v["name"] for v in VARIANTS]
    wanted = [v for v in VARIANTS if any(
        text == v["name"] if text in names else text in v["name"] for text in texts)]
    has_compiler = shutil.which("g++") or shutil.which("clang++")
    if arguments.no_compile or not has_compiler:
        why = "not wanted" if arguments.no_compile else "there is no C++ compiler"
        return [v for v in wanted if not v["compiled"]], [f"torch.compile was left out: {why}"]
    return wanted, []


def main():
    arguments = parse()
    install(arguments.packages)
    with tempfile.TemporaryDirectory() as folder:
        measure(arguments, Runner(arguments, folder))


def measure(arguments, runner):
    def log(text):
        print(text, file=sys.stderr, flush=True)

    peers, remarks = torch_variants(arguments)
    lines = heading(runner) + remarks
    document = {"heading": [line for line in lines if line], "shapes": []}
    if arguments.loss_steps:
        more, document["losses"] = check_losses(runner)
        lines += more
    print("\n".join(lines), flush=True)
    for shape in [SHAPES[index] for index in arguments.shape or range(len(SHAPES))]:
        variants = [ours(precision, size) for precision in ("float32", "bfloat16")
                    if arguments.precision in (None, precision)
                    for size in arguments.tp or tensor_parallel_sizes(shape)] + peers
        runs, peaks, notes = alternate(runner, shape, variants, log)
        more = report(shape, variants, runs, peaks, notes) + [""]
        print("\n".join(more), flush=True)
        lines += more
        document["shapes"].append(
            dict(shape=shape, flops=flops(shape), variants=variants, runs=runs, peaks=peaks))
        write(arguments.results, lines, document)


def write(results, lines, document):
    results.parent.mkdir(parents=True, exist_ok=True)
    results.with_suffix(".txt").write_text("\n".join(lines))
    results.with_suffix(".json").write_text(json.dumps(document) + "\n")


if __name__ == "__main__":
    main()
