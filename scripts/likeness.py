#!/usr/bin/env python3
"""Fit the second reader of desks' answers to the letters of tests/cases/answers (not those of `kept/`).

make fit                    # how good it is on letters that it was not fitted to (a minute)
make fit ARGS=--write       # into src/todoku/cases/answers/likeness.json
"""

from __future__ import annotations

import base64
import json
import sys
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.feature_extraction import DictVectorizer
from sklearn.feature_extraction.text import TfidfTransformer
from sklearn.linear_model import LogisticRegression

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests.cases.answers.samples import FOLDERS, Sample, digest, of  # noqa: E402
from todoku.cases.answers.letter import read  # noqa: E402
from todoku.cases.answers.likeness import FITTED, pieces  # noqa: E402

FOLDS = 5
SURE = (0.5, 0.6, 0.7, 0.8, 0.9)


def counts(sample: Sample) -> Counter[str]:
    return pieces(next(iter(read(sample.text()).texts), ""))


def fitted(found: Sequence[Counter[str]], classes: Sequence[str]) -> tuple[Any, Any, Any]:
    letters = Counter(piece for each in found for piece in each)
    table = DictVectorizer()
    rows = table.fit_transform(
        [{p: n for p, n in each.items() if letters[p] > 1} for each in found]
    )
    rarity = TfidfTransformer(sublinear_tf=True)
    model = LogisticRegression(C=20, max_iter=500, class_weight="balanced")
    model.fit(rarity.fit_transform(rows), classes)
    return table, rarity, model


def main() -> None:
    files = sorted(path for folder in FOLDERS for path in folder.glob("*.txt"))
    samples = [(n, sample) for n, path in enumerate(files) for sample in of(path)]
    found = [counts(sample) for _, sample in samples]
    classes = [sample.class_.split("/")[0] for _, sample in samples]
    if "--write" in sys.argv[1:]:
        write(*fitted(found, classes))
        return
    sure: list[tuple[float, bool]] = []
    for fold in range(FOLDS):
        known = [k for k, (n, _) in enumerate(samples) if n % FOLDS != fold]
        new = [k for k, (n, _) in enumerate(samples) if n % FOLDS == fold]
        table, rarity, model = fitted([found[k] for k in known], [classes[k] for k in known])
        shares = model.predict_proba(rarity.transform(table.transform([found[k] for k in new])))
        for k, row in zip(new, shares, strict=True):
            told = model.classes_[row.argmax()]
            sure.append((row.max(), told in samples[k][1].class_.split("/")))
    print(
        f"{len(sure):,} letters in {FOLDS} parts: {sum(ok for _, ok in sure) / len(sure):.1%} right"
    )
    for least in SURE:
        some = [ok for share, ok in sure if share >= least]
        print(
            f"share {least}: {len(some) / len(sure):.0%} of letters, {sum(some) / len(some):.1%} right"
        )


def write(table: Any, rarity: Any, model: Any) -> None:
    rarities, weights = rarity.idf_, model.coef_
    by_rarity, by_weight = rarities.max() / 255, np.abs(weights).max() / 127
    octets = np.vstack([np.round(rarities / by_rarity), np.round(weights / by_weight) % 256])
    names = table.get_feature_names_out()
    told = {
        "letters": digest(),
        "date": f"{datetime.now(UTC):%Y-%m-%d}",
        "classes": list(model.classes_),
        "bias": [round(float(each), 4) for each in model.intercept_],
        "rarity_unit": float(by_rarity),
        "weight_unit": float(by_weight),
        "pieces": {
            name: base64.b64encode(bytes(column.astype(np.uint8))).decode()
            for name, column in zip(names, octets.T, strict=True)
        },
    }
    FITTED.write_text(json.dumps(told, ensure_ascii=False, indent=0) + "\n", "utf-8")
    print(f"{FITTED.relative_to(ROOT)}: {len(names):,} pieces")


if __name__ == "__main__":
    main()
