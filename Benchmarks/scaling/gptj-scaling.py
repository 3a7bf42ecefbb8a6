#!/usr/bin/env python3
"""Shows how the emulator's step grows with workers, layers, tokens and emulated ranks.

    Benchmarks/scaling/gptj-scaling.py [--alternations 5] [--wide]

Every alternation runs each plan once, in a process of its own; a run's figure is the median of its
steps after the first, a plan's the median of its runs, and a ratio the median of those of its
alternations. --wide adds plans of 4 layers, 1024 wide, 4 x 1024 tokens, which take minutes.
Needs .build/release/gptj-bench; the result goes to Benchmarks/Results/scaling.txt.
"""

import argparse
import datetime
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
BINARY = ROOT / ".build/release/gptj-bench"
CORES = len(os.sched_getaffinity(0))


def plan(name, tensor=1, data=1, layers=4, hidden=512, batch=8, sequence=256, micro=2,
         vocabulary=4096, workers=CORES, flags=()):
    settings = {
        "model": {
            "layers": layers, "hidden_size": hidden, "sequence_length": sequence,
            "precision": "float32", "embedding": {"vocab_size": vocabulary},
            "attention": {"heads": 16, "rotary_dim": 16}},
        "training": {"global_batch_size": batch, "stochastic_rounding": False},
        "execution": {
            "micro_batch_size": micro, "tensor_parallel": tensor, "data_parallel": data,
            "loss_scaling": 1, "recompute": "none", "head_serialisation": 4}}
    return dict(name=name, settings=settings, workers=workers, flags=list(flags))


def powers(most):
    return [2 ** n for n in range(most.bit_length())]


def wide(name, **more):
    return plan(name, hidden=1024, batch=4, sequence=1024, micro=1, vocabulary=50400, **more)


# The first plan of each curve is what the others are compared with.
CURVES = {
    "workers": [plan(f"{n} workers", workers=n) for n in powers(CORES)],
    "layers": [plan(f"{n} layers", layers=n) for n in (2, 4, 8, 16)],
    "tokens": [plan(f"{n * 512} tokens", batch=2 * n) for n in (1, 2, 4, 8)],
    "ranks": [
        plan(f"TP {t} x DP {d}: {t * d} ranks", tensor=t, data=d)
        for t, d in ((1, 1), (2, 1), (4, 1), (8, 1), (16, 1), (16, 2), (16, 4))],
    "faithful": [
        plan("TP 16 x DP 1", tensor=16),
        plan("TP 16 x DP 1 --faithful", tensor=16, flags=["--faithful"])],
}
WIDE = {
    "ranks, 4 layers of 1024, 4 x 1024 tokens": [
        wide("TP 1 x DP 1"), wide("TP 16 x DP 1", tensor=16),
        wide("TP 16 x DP 4", tensor=16, data=4)],
}


def step_seconds(plan, steps, folder):
    config, metrics = folder / "plan.yml", folder / "metrics.jsonl"
    metrics.unlink(missing_ok=True)
    config.write_text(json.dumps({"release": {"plan": plan["settings"]}}))  # JSON is YAML
    subprocess.run(
        [BINARY, "finetune", "--config", f"{config}:plan", "--steps", str(steps), "--answers", "0",
         "--workers", str(plan["workers"]), "--metrics", metrics, "--no-progress", *plan["flags"]],
        check=True, stdout=subprocess.DEVNULL)
    rows = [json.loads(line) for line in open(metrics)]
    return statistics.median(row["step_seconds"] for row in rows[1:])


def measure(curves, arguments):
    times = {(curve, plan["name"]): [] for curve, plans in curves.items() for plan in plans}
    with tempfile.TemporaryDirectory() as folder:
        for turn in range(arguments.alternations):
            for curve, plans in curves.items():
                for plan in plans:
                    steps = 3 if plan["settings"]["model"]["hidden_size"] > 512 else arguments.steps
                    seconds = step_seconds(plan, steps, pathlib.Path(folder))
                    times[curve, plan["name"]].append(seconds)
                    print(f"{turn + 1}: {plan['name']}: {seconds:.3f} s", file=sys.stderr)
    return times


def report(curves, times):
    for curve, plans in curves.items():
        yield curve
        first = times[curve, plans[0]["name"]]
        for plan in plans:
            mine = times[curve, plan["name"]]
            ratios = sorted(a / b for a, b in zip(mine, first))
            yield (f"  {plan['name']:<28}{statistics.median(mine):8.3f} s a step,"
                   f"{statistics.median(ratios):7.3f} times the first"
                   f" ({ratios[0]:.3f}-{ratios[-1]:.3f})")


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--alternations", type=int, default=5)
    parser.add_argument("--steps", type=int, default=6, help="of a run, the first one not counted")
    parser.add_argument("--wide", action="store_true", help="also the plans that take minutes")
    parser.add_argument("--only", default="", help="curves whose name has this text")
    parser.add_argument("--results", type=pathlib.Path, default=ROOT / "Benchmarks/Results/scaling.txt")
    arguments = parser.parse_args()
    curves = dict(CURVES, **(WIDE if arguments.wide else {}))
    curves = {name: plans for name, plans in curves.items() if arguments.only in name}
    times = measure(curves, arguments)
    model = next(line.split(":")[1].strip() for line in open("/proc/cpuinfo")
                 if line.startswith("model name"))
    version = subprocess.run([BINARY, "--version"], stdout=subprocess.PIPE, text=True).stdout.strip()
    commit = subprocess.run(["git", "-C", ROOT, "describe", "--always", "--dirty"],
                            stdout=subprocess.PIPE, text=True).stdout.strip()
    lines = [
        f"{datetime.datetime.now(datetime.timezone.utc):%Y-%m-%d %H:%M} UTC, {model}, {CORES} cores; "
        f"gptj-bench {version} ({commit}), float32",
        f"{arguments.alternations} alternations; 4 layers of 512, 8 x 256 tokens, vocabulary 4096, "
        "unless said otherwise", "", *report(curves, times)]
    arguments.results.write_text("\n".join(lines) + "\n")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
