"""Before the first test: what the programs that ours are compared with load from the system."""

import pytest


def pytest_sessionstart() -> None:
    """Stop with one line and exit status 2 where a library is missing, rather than with the errors of those programs."""
    from estimator.system import COMPARISON_LIBRARIES, explain_missing_files, missing_libraries  # after jaxtyping has set up its hooks

    missing = missing_libraries(COMPARISON_LIBRARIES)
    if missing:
        pytest.exit(f"the tests compare with MediaPipe, and {explain_missing_files(missing)}", returncode=2)
