"""Which commit of the repository is running: records of training name it."""

import subprocess
from pathlib import Path


def checkout_commit() -> str | None:
    """The checkout's commit, marked where files differ from it; None outside of one."""
    command = ["git", "-C", Path(__file__).parent, "describe", "--always", "--abbrev=40", "--dirty"]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    return answer.stdout.strip() or None
