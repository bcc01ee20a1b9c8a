"""Measure how the 3D classifier's AUC climbs with the simulated severity: python benchmarks/severity/run.py OUT.

Writes OUT/calibration.json; the files beside this script were made by it (their `identity` says how).
"""

from __future__ import annotations

import argparse
from pathlib import Path

from tlesynth.classifier.severity import calibrate
from tlesynth.recipe import Simulate


def main() -> None:
    """Calibrate one preset."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--preset", default="default")
    parser.add_argument("--subjects", type=int, default=400)
    parser.add_argument("--wanted", type=float, default=0.88)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--jobs", type=int, default=0)
    given = parser.parse_args()
    settings = Simulate.model_validate({"preset": given.preset})
    how = {"wanted": given.wanted, "subjects": given.subjects, "seed": given.seed}
    calibrate(settings, given.out, **how, device=given.device, jobs=given.jobs)


if __name__ == "__main__":
    main()
