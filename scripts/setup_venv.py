"""Set up `.venv` from the hash-locked requirements. Run by `make`, with any Python 3.

    setup_venv.py LOCK [LOCK...]

Installs each lock that has changed since it was last installed, then todoku itself (editable).
Safe to run twice at once: the second waits for the first.
"""

import hashlib
import os
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
# What decides about the installation of todoku itself.
PROJECT = ["pyproject.toml", "hatch_build.py", "scripts/setup_venv.py"]


def fail(sentence: str) -> "int":
    print(f"make: {sentence}", file=sys.stderr)
    return 1


def run(*words: "str | Path") -> None:
    subprocess.run([str(word) for word in words], check=True, cwd=ROOT)


def digest(paths: "list[str]") -> str:
    total = hashlib.sha256()
    for path in paths:
        total.update((ROOT / path).read_bytes())
    return total.hexdigest()


def done(stamp: Path, wanted: str) -> bool:
    return stamp.is_file() and stamp.read_text() == wanted


def works() -> bool:
    """Whether `.venv` has a Python that starts (the one it was made from may be gone)."""
    if not PYTHON.exists():
        return False
    check = "import sys; raise SystemExit(sys.version_info < (3, 11))"
    return subprocess.run([str(PYTHON), "-c", check], check=False).returncode == 0


def install(locks: "list[str]") -> None:
    if not works():
        print("Making .venv", flush=True)
        run(sys.executable, "-m", "venv", "--clear", VENV)
    pip: list[str | Path] = [
        PYTHON,
        "-m",
        "pip",
        "--disable-pip-version-check",
        "--no-input",
        "-qq",
    ]
    changed = False
    for lock in locks:
        stamp = VENV / f".installed-{Path(lock).stem}"
        wanted = digest([lock])
        if not done(stamp, wanted):
            print(f"Installing {lock}", flush=True)
            run(*pip, "install", "--require-hashes", "--no-compile", "-r", lock)
            stamp.write_text(wanted)
            changed = True
    stamp = VENV / ".installed-todoku"
    wanted = digest(PROJECT)
    if changed or not done(stamp, wanted):
        run(*pip, "install", "--no-deps", "--no-build-isolation", "-e", ".")
        # Some machines set PYTHONDONTWRITEBYTECODE, which doubles the time of every import.
        # Files that do not compile (templates, Python 2 samples) are left alone.
        compile_all = [str(PYTHON), "-m", "compileall", "-q", "-q", "-j0", str(VENV / "lib")]
        subprocess.run(compile_all, check=False)
        stamp.write_text(wanted)


def main(locks: "list[str]") -> int:
    if sys.version_info < (3, 11):
        return fail(
            f"todoku needs Python 3.11 or newer; {sys.executable} is "
            f"{sys.version_info[0]}.{sys.version_info[1]}. Nothing was installed. "
            "Name a newer one: make PYTHON=python3.12"
        )
    import fcntl

    with (ROOT / ".venv.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        try:
            install(locks)
        except subprocess.CalledProcessError as error:
            return fail(
                f"setting up .venv stopped at: {' '.join(map(str, error.cmd))} "
                f"(exit {error.returncode}; its own words stand above). What was installed so far "
                "is kept; run make again, or `make clean` to begin anew."
            )
    # The sources are compiled each time: Python skips those that have not changed.
    subprocess.run([str(PYTHON), "-m", "compileall", "-q", "-q", str(ROOT / "src")], check=False)
    now = time.time()
    os.utime(VENV, (now, now))
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
