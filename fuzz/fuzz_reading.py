"""Feeds all readers, the diagnosis and both outputs with hostile input, for a time.

    make fuzz                              # one minute
    make fuzz ARGS='--seconds 3600'
    make fuzz ARGS='.fuzz/found/crash-…'   # one input again

atheris leads the way where there is a wheel of it (Linux, x86-64): inputs that reach new code are
kept in `.fuzz/corpus` and changed further. Elsewhere, or with `--plain`, inputs are changed
blindly. A fault (an exception, a second or more for less than 64 KiB, memory, an escape sequence
on the screen) prints the input, saves it in `.fuzz/found`, and ends the run with 1.
"""

from __future__ import annotations

import argparse
import os
import resource
import sys
import time
from pathlib import Path
from typing import Any

import mutation
from seeds import ROOT, seeds, tokens

PLACE = ROOT / ".fuzz"
FOUND = PLACE / "found"
CORPUS = PLACE / "corpus"
SLOWER = 4.0
"""What the instrumentation of atheris costs: so much longer may a step take under it."""


def tell(data: bytes, fault: Exception) -> Path:
    """Print and keep an input that does harm."""
    import hashlib

    FOUND.mkdir(parents=True, exist_ok=True)
    path = FOUND / f"crash-{hashlib.sha256(data).hexdigest()[:16]}"
    path.write_bytes(data)
    shown = ascii(data if len(data) <= 2000 else data[:1000] + b" [...] " + data[-1000:])
    print(f"\n{fault}\ninput of {len(data):,} bytes: {shown}\nkept as {path}", flush=True)
    return path


def again(paths: list[Path]) -> int:
    import harness

    check = harness.Check()
    code = 0
    for path in paths:
        data = path.read_bytes()
        try:
            found = check(data)
        except harness.Fault as fault:
            print(f"{path}: {fault}")
            code = 1
        else:
            print(f"{path}: good, {len(found)} diagnoses")
    return code


def plain(seconds: float, seed: int) -> int:
    """Without coverage: change and try, as often as the time allows."""
    import harness

    texts = seeds()
    check = harness.Check()
    mutator = mutation.Mutator(texts, tokens(texts), seed)
    number = 0
    for data in texts:  # as they are: these must do no harm either
        try:
            check(data)
        except harness.Fault as fault:
            tell(data, fault)
            return 1
    before = peak()
    began = time.monotonic()
    while time.monotonic() - began < seconds:
        number += 1
        data = mutator.fresh()
        try:
            check(data)
        except harness.Fault as fault:
            tell(data, fault)
            return 1
    grown = peak() - before
    print(
        f"{number:,} inputs from {len(texts):,} seeds in {time.monotonic() - began:.0f} s (seed {seed}):"
        f" no fault; peak memory grew by {grown >> 20} MB"
    )
    if grown > 200 << 20:
        print("that is too much: something is kept for every input")
        return 1
    return 0


def peak() -> int:
    """Bytes."""
    scale = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * scale


def guided(atheris: Any, seconds: int, seed: int) -> int:
    """With coverage. libFuzzer ends the process by itself, so it runs in one of its own."""
    CORPUS.mkdir(parents=True, exist_ok=True)
    FOUND.mkdir(parents=True, exist_ok=True)
    texts = seeds()
    words = tokens(texts)
    start = PLACE / "seeds"
    start.mkdir(exist_ok=True)
    for n, text in enumerate(texts):
        (start / f"{n:05d}").write_bytes(text)
    dictionary = PLACE / "words.dict"
    dictionary.write_text("".join(f'"{_escaped(w)}"\n' for w in words))
    with atheris.instrument_imports(include=["todoku"]):
        import harness
    check = harness.Check(harness.LONGEST * SLOWER)
    mutator = mutation.Mutator(texts, words, seed)

    def one(data: bytes) -> None:
        try:
            check(data)
        except harness.Fault as fault:
            tell(data, fault)
            raise

    def change(data: bytes, most: int, seed: int) -> bytes:
        mutator.rng.seed(seed)
        if mutator.rng.random() < 0.4:
            changed: bytes = atheris.Mutate(data, most)
            return changed
        return mutator.change(data)[:most]

    options = [
        f"-max_total_time={seconds}", f"-seed={seed}", f"-dict={dictionary}", "-timeout=60",
        f"-rss_limit_mb={harness.MEMORY >> 20}", f"-max_len={mutation.LARGEST}", "-len_control=0",
        f"-artifact_prefix={FOUND}/", "-print_final_stats=1", "-verbosity=1",
    ]  # fmt: skip
    arguments = [sys.argv[0], *options, str(CORPUS), str(start)]
    child = os.fork()
    if child == 0:
        atheris.Setup(arguments, one, custom_mutator=change)
        atheris.Fuzz()
        os._exit(0)
    return 1 if os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) else 0


def _escaped(word: bytes) -> str:
    return "".join(chr(c) if 32 <= c < 127 and c not in b'"\\' else f"\\x{c:02x}" for c in word)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("inputs", nargs="*", type=Path, help="inputs to try again")
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--plain", action="store_true", help="without atheris")
    options = parser.parse_args()
    if options.inputs:
        return again(options.inputs)
    if not options.plain:
        try:
            import atheris
        except ImportError:
            print("atheris is not installed here: inputs are changed without its guidance")
        else:
            return guided(atheris, options.seconds, options.seed)
    return plain(options.seconds, options.seed)


if __name__ == "__main__":
    sys.exit(main())
