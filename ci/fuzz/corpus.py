# SPDX-License-Identifier: BSD-3-Clause
"""Write the files that fuzzing starts from: `python -m ci.fuzz.corpus`. Findings beside them are kept.

Small random models, of every op kind and with every step, as the tests of ops make them.
"""

from __future__ import annotations

import sys
from pathlib import Path

from ci.paths import ROOT

SEEDS = ROOT / "tests" / "fuzz" / "corpus"
FOUND = "found_"  # begins the names of files that once were findings
TRIES = 40  # random models, of which a small one is taken


def models() -> dict[str, bytes]:
    """Return name and content of every file."""
    sys.path.insert(0, str(ROOT / "tests"))
    from converter.dab_model import Kind, Step
    from model.cases import COMPUTERS, COMPUTING, EMITS, MAKERS, model_with_steps, random_model

    found = {}
    for kind in MAKERS:
        by_size = sorted((random_model(kind, seed)[0] for seed in range(TRIES)), key=len)
        for number, data in enumerate((by_size[0], by_size[TRIES // 4])):
            found[f"{kind.name.lower()}_{number}"] = data
    for number, step in enumerate([*COMPUTING, *EMITS, Step.EMIT_INT]):
        whole = step is Step.EMIT_INT  # takes sums of signs only
        kind = Kind.BCONV2D if whole else list(COMPUTERS)[number % len(COMPUTERS)]
        steps = [step, EMITS[number % len(EMITS)]]
        tries = (model_with_steps(kind, steps, seed)[0] for seed in range(TRIES))
        found[f"step_{step.name.lower()}"] = min(tries, key=len)
    return found


def main(folder: Path = SEEDS) -> None:
    """Write the files and take away others that are no findings."""
    for path in folder.glob("*.dab"):
        if not path.name.startswith(FOUND):
            path.unlink()
    for name, data in models().items():
        (folder / f"{name}.dab").write_bytes(data)


if __name__ == "__main__":
    main()
