"""The package as users get it: the locks, the licences, and the wheel, installed elsewhere."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
import venv
import zipfile
from pathlib import Path

import msgspec
import pytest

import todoku

ROOT = Path(__file__).parent.parent
LOCKS = sorted((ROOT / "requirements").glob("*.txt"))
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]

BOUNCE = b"""\
From: MAILER-DAEMON@mx1.example.co.jp (Mail Delivery System)
To: sato@example.co.jp
Subject: Undelivered Mail Returned to Sender
MIME-Version: 1.0
Content-Type: text/plain; charset=us-ascii

This is the mail system at host mx1.example.co.jp.

<suzuki@hotmail.com>: host mx2.hotmail.com[198.51.100.25] said: 550 SC-001
    (BAY004-MC3F26) Unfortunately, messages from 192.0.2.1 weren't sent.
    Please contact your Internet service provider since part of their network
    is on our block list. (in reply to MAIL FROM command)
"""


def run(*words: str | Path, **environ: str) -> subprocess.CompletedProcess[str]:
    environ = {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", **environ}
    return subprocess.run(
        [str(word) for word in words],
        cwd="/",
        env=environ,
        capture_output=True,
        text=True,
        check=False,
    )


class TestLocks:
    @pytest.mark.parametrize("lock", LOCKS, ids=lambda path: path.stem)
    def test_every_package_has_hashes_and_no_address(self, lock: Path) -> None:
        text = lock.read_text()
        assert "://" not in text
        assert "--index" not in text
        packages = re.findall(r"^[a-z0-9-]+==.*?(?=^[a-z0-9]|\Z)", text, re.MULTILINE | re.DOTALL)
        assert len(packages) == len(re.findall(r"==\S+", re.sub(r";.*", "", text)))
        for package in packages:
            assert "--hash=sha256:" in package

    def test_they_agree_with_each_other(self) -> None:
        pins: dict[str, set[frozenset[str]]] = {}
        for lock in LOCKS:
            found: dict[str, set[str]] = {}
            for name, version in re.findall(r"(?m)^([a-z0-9-]+)==(\S+)", lock.read_text()):
                found.setdefault(name, set()).add(version)
            for name, versions in found.items():
                pins.setdefault(name, set()).add(frozenset(versions))
        assert {name: found for name, found in pins.items() if len(found) > 1} == {}

    def test_they_hold_what_the_project_asks_for(self) -> None:
        extras = PROJECT["optional-dependencies"]
        wanted = {
            "runtime": PROJECT["dependencies"],
            "server": PROJECT["dependencies"] + extras["server"],
            "logs": PROJECT["dependencies"] + extras["logs"],
            "cluster": PROJECT["dependencies"] + extras["logs"] + extras["cluster"],
            "dev": PROJECT["dependencies"]
            + [
                each
                for name in ("server", "logs", "cluster", "bench", "dev")
                for each in extras[name]
            ],
            "fuzz": extras["fuzz"],
            "fit": extras["fit"],
            "lock": extras["lock"],
        }
        assert {lock.stem for lock in LOCKS} == set(wanted)
        for name, requirements in wanted.items():
            text = (ROOT / "requirements" / f"{name}.txt").read_text()
            for requirement in requirements:
                package = re.split(r"[\[><=;! ]", requirement)[0].lower().replace(".", "-")
                assert re.search(rf"^{package}==", text, re.MULTILINE), (name, package)

    def test_every_dependency_has_its_reason(self) -> None:
        reasons = (ROOT / "docs" / "dependencies.md").read_text()
        requirements = [*PROJECT["dependencies"]]
        for extra in PROJECT["optional-dependencies"].values():
            requirements += extra
        for requirement in requirements:
            assert f"`{re.split(r'[><=; ]', requirement)[0]}`" in reasons, requirement


def test_notice_is_current() -> None:
    done = run(sys.executable, ROOT / "scripts" / "licences.py", "--check")
    assert done.returncode == 0, done.stderr


def test_changelog_has_this_version() -> None:
    changelog = (ROOT / "CHANGELOG.md").read_text()
    assert re.search(rf"^## {re.escape(todoku.__version__)}\b", changelog, re.MULTILINE)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("dist")
    words = ["-m", "build", "--wheel", "--no-isolation", "--outdir", str(out), str(ROOT)]
    done = subprocess.run(
        [sys.executable, *words], check=False, capture_output=True, text=True, cwd=out
    )
    assert done.returncode == 0, done.stdout + done.stderr
    [wheel] = out.glob("*.whl")
    return wheel


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the programs."""
    folder = tmp_path_factory.mktemp("venv")
    venv.create(folder, with_pip=True)
    pip = [folder / "bin" / "python", "-m", "pip", "install", "-qq"]
    lock = ROOT / "requirements" / "runtime.txt"
    for words in (["--require-hashes", "-r", lock], ["--no-deps", wheel]):
        subprocess.run([*map(str, pip), *map(str, words)], check=True, cwd=folder)
    return folder / "bin"


@pytest.mark.slow
class TestWheel:
    """Built once, installed from the lock in an environment of its own, used from elsewhere."""

    def test_what_is_in_it(self, wheel: Path) -> None:
        with zipfile.ZipFile(wheel) as archive:
            names = set(archive.namelist())
            knowledge = archive.read("todoku/knowledge/knowledge.msgpack")
        assert wheel.name == f"todoku-{todoku.__version__}-py3-none-any.whl"
        assert "todoku/py.typed" in names
        assert "todoku/store/migrations/script.py.mako" in names
        assert "todoku/store/migrations/versions/0001_begin.py" in names
        info = f"todoku-{todoku.__version__}.dist-info"
        assert {f"{info}/licenses/LICENSE", f"{info}/licenses/NOTICE"} <= names
        assert not [n for n in names if not n.startswith(("todoku/", info))]
        assert not [n for n in names if "__pycache__" in n]
        assert msgspec.msgpack.decode(knowledge)

    def test_it_says_its_version(self, installed: Path) -> None:
        done = run(installed / "todoku", "--version")
        assert done.stdout == f"todoku {todoku.__version__}\n"

    def test_it_brings_no_database(self, installed: Path) -> None:
        done = run(installed / "python", "-c", "import sqlalchemy")
        assert "ModuleNotFoundError" in done.stderr

    @pytest.mark.parametrize("pure", ["", "1"])
    def test_it_diagnoses(self, installed: Path, tmp_path: Path, pure: str) -> None:
        bounce = tmp_path / "bounce.eml"
        bounce.write_bytes(BOUNCE)
        environ = {"HOME": str(tmp_path), **({"TODOKU_PURE": pure} if pure else {})}
        done = run(installed / "todoku", "diagnose", "--json", bounce, **environ)
        assert done.returncode == 0, done.stderr
        diagnosis = msgspec.json.decode(done.stdout)
        assert diagnosis["receiver_code"] == "SC-001"
        assert diagnosis["reason"] == "listed"
        told = run(installed / "todoku", "diagnose", "--lang", "ja", bounce, **environ)
        assert "192.0.2.1" in told.stdout

    def test_it_diagnoses_without_the_compiled_engine(
        self, installed: Path, tmp_path: Path
    ) -> None:
        """As on a machine that has no wheel of hyperscan."""
        bounce = tmp_path / "bounce.eml"
        bounce.write_bytes(BOUNCE)
        code = "import sys; sys.modules['hyperscan'] = None; from todoku.cli import main; main()"
        words: list[str | Path] = [installed / "python", "-c", code, "diagnose", "--json", bounce]
        done = run(*words, HOME=str(tmp_path))
        assert done.returncode == 0, done.stderr
        assert msgspec.json.decode(done.stdout)["receiver_code"] == "SC-001"
