"""All of the tests in two lanes at once, each with a cloud of its own: most of their time is spent waiting.

Promises: builds once, before the lanes start; ends with 0 only if both do; a lane that fails doesn't stop the other. The first lane
prints as it goes, the second when both have ended. Told to end, it ends both.
"""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import cloud
from cloud import Failed
from tidings import Tidings

HERE = Path(__file__).resolve().parent
REPOSITORY = HERE.parents[1]
WORK = REPOSITORY / "target" / "e2e"
# About half of the time. Every other file, a new one too, is in the second lane.
FIRST = (
    "test_alarms.py", "test_context_api.py", "test_delivery.py", "test_failures.py", "test_game_day.py", "test_links.py",
    "test_order.py",
)


def lanes():
    files = sorted(file.name for file in HERE.glob("test_*.py"))
    if missing := set(FIRST) - set(files):
        raise Failed(f"{sorted(missing)} aren't here: correct FIRST in {__file__}")
    return [list(FIRST), [name for name in files if name not in FIRST]]


def build():
    """Gives the environment in which a lane takes what is built here."""
    given = os.environ.get("E2E_TIDINGS")
    tidings = Path(given) if given else Tidings.build(REPOSITORY, dict(os.environ))
    into = WORK / "build"
    if not (os.environ.get("E2E_SKIP_BUILD") and (into / "template.yaml").exists()):
        cloud.build(REPOSITORY, os.environ["E2E_SAM_BIN"], into, tidings)
    return os.environ | {"E2E_TIDINGS": str(tidings), "E2E_SKIP_BUILD": "1"}


def run(environment):
    """Runs each lane, and gives their exit statuses."""
    WORK.mkdir(parents=True, exist_ok=True)
    printed = WORK / "second-lane.log"
    running = []
    try:
        with printed.open("wb") as log:
            for files, output in zip(lanes(), (None, log), strict=True):
                chosen = [str(HERE / name) for name in files]
                command = [sys.executable, "-m", "pytest", "-c", str(HERE / "pytest.ini"), "--durations=10", *chosen]
                running.append(subprocess.Popen(command, env=environment, stdout=output, stderr=output))
            return [lane.wait() for lane in running]
    finally:
        # pytest ends its cloud then: conftest.py.
        for lane in running:
            if lane.poll() is None:
                lane.terminate()
        for lane in running:
            lane.wait()
        print(f"\n── the second lane ──\n{printed.read_text(errors='replace')}", flush=True)


def main():
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    begun = time.monotonic()
    try:
        statuses = run(build())
    except Failed as failure:
        sys.exit(str(failure))
    except KeyboardInterrupt:
        sys.exit(130)
    print(f"both lanes: {time.monotonic() - begun:.0f} s with the build, exit statuses {statuses}")
    sys.exit(0 if not any(statuses) else 1)


main()
