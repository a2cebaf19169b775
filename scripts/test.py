"""Set up the environment and run the whole test suite: `python scripts/test.py [pytest arguments]`.

Browser tests need Chromium. It is installed here when this is root on a system with apt; elsewhere those tests skip with a reason.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from environment import ROOT, TEST_REQUIREMENTS, prepare, run_in_venv, say

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
BROWSER_PACKAGES = ("chromium", "fonts-noto-core")
WHOLE_SUITE = ("-n", "2", "--dist", "loadfile")  # two workers, each with servers and folders of its own


def install_browser_if_possible() -> None:
    """apt-get Chromium and a font; a failure is no error, the browser tests then say why they skip."""
    if any(shutil.which(name) for name in BROWSERS) or not shutil.which("apt-get"):
        return
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        return
    say("installing Chromium for the browser tests")
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    install = ["apt-get", "install", "-y", "--no-install-recommends", *BROWSER_PACKAGES]
    for command in (install, ["apt-get", "update"], install):
        if subprocess.run(command, env=environment, capture_output=True, check=False).returncode == 0 and command is install:
            return


def main() -> int:
    run_in_venv(Path(__file__).resolve(), TEST_REQUIREMENTS)
    prepare()  # what the scripts under test would set up, before two workers could do so at once
    install_browser_if_possible()
    subprocess.call([sys.executable, str(ROOT / "install.py")], cwd=ROOT)  # the pose tests need the networks' weights
    names_tests = any((ROOT / argument.split("::")[0]).exists() for argument in sys.argv[1:])
    tests = [] if names_tests else ["tests", *WHOLE_SUITE]
    # one thread a worker: the networks are small, and two workers with two threads each would wait for each other
    environment = {**os.environ, "OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS", "1")}
    command = [sys.executable, "-m", "pytest", "-c", "tests/pytest.ini", *tests, *sys.argv[1:]]
    return subprocess.call(command, cwd=ROOT, env=environment)


if __name__ == "__main__":
    sys.exit(main())
