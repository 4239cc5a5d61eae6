"""What every test runs under: one thread per numeric library, no window, no deadlines."""

import os

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(variable, "1")
os.environ.setdefault("MPLBACKEND", "Agg")

import hypothesis  # noqa: E402 - numeric libraries read the variables above as they load

# The first example of a kernel compiles it, which no deadline foresees. The same examples every time, so that a change
# is judged by what it changed; `--hypothesis-profile=explore` looks for new ones.
hypothesis.settings.register_profile(
    "gym_suite", deadline=None, max_examples=50, derandomize=True, database=None
)
hypothesis.settings.register_profile("explore", deadline=None, max_examples=500)
hypothesis.settings.load_profile("gym_suite")
