"""What scores rows and verifies none: a worker of an executor, and a generator that chooses."""

from __future__ import annotations

import subprocess
import sys


def test_what_only_scores_does_not_import_the_suite() -> None:
    code = (
        "import sys\nfrom pipelines.generation import scored_blocks\n"
        "from pipelines.verification import row_scores\n"
        "print(*sorted({name.partition('.')[0] for name in sys.modules}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not set(done.stdout.split()) & {"great_expectations", "pandas", "scipy", "torch"}
