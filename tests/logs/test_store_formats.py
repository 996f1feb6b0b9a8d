"""Formats of the generator, stored in steps: what is stored is what one pass over all of it stores."""

from __future__ import annotations

import gzip
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("sqlalchemy")
pytest.importorskip("pyarrow")

from tests.logs import test_accuracy
from tests.logs.stored import Place, Zygote, running
from tests.logs.test_accuracy import generated
from tests.maillogs import needs_generator

COLUMNS = (
    "time",
    "sender",
    "domain",
    "outcome",
    "reason",
    "receiver_code",
    "list",
    "identity",
    "ground",
)


@pytest.fixture(scope="module")
def zygote() -> Iterator[Zygote]:
    with running() as zygote:
        yield zygote


@needs_generator
@pytest.mark.slow
@pytest.mark.parametrize("format_", ["bsd", "journal", "qmail", "exchange"])
def test_in_steps_and_packed(
    zygote: Zygote, tmp_path: Path, format_: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(test_accuracy, "LINES", dict.fromkeys(test_accuracy.FORMATS, 5_000))
    data, truth = generated(tmp_path, format_)
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    one, two = Place(zygote, tmp_path / "one"), Place(zygote, tmp_path / "two")
    path = two.logs / "mail.log"
    (one.logs / "mail.log").write_bytes(data)
    one.store(one.logs)
    third = len(data) // 3
    for size in (third, 2 * third, len(data)):  # wherever a line is cut
        path.write_bytes(data[:size])
        two.store(path)
    packed = two.logs / "mail.log.1.gz"
    packed.write_bytes(gzip.compress(data))
    assert two.store(packed)["rows"] == 0
    assert two.store(stdin=data)["rows"] == 0
    assert one.outcomes() == two.outcomes()
    assert one.outcomes()["bounced"] + one.outcomes()["deferred"] == len(truth)

    def told(place: Place) -> Counter[str]:
        return Counter(str(sorted(row.items())) for row in place.rows(*COLUMNS))

    assert told(one) == told(two)
