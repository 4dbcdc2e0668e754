"""A machine with a release and nothing else: an empty folder, an empty home, and a PATH with a few programs and no compiler.

Promises: what is run here inherits nothing of the caller's environment; every process it starts ends with it.
"""

import os
import shutil
import signal
import subprocess
import tempfile
from contextlib import contextmanager
from pathlib import Path

PROGRAMS = ("bash", "cat", "cp", "env", "grep", "gzip", "ls", "mkdir", "sh", "sha256sum", "tar", "uname")
ABSENT = ("cargo", "cargo-lambda", "cc", "gcc", "git", "make", "rustc", "zig")


class Failed(Exception):
    """What a newcomer would have stumbled over."""


def expect(condition, text):
    if not condition:
        raise Failed(text)


class Machine:
    def __init__(self):
        self.root = Path(tempfile.mkdtemp(prefix="tidings-newcomer-"))
        self.bin, self.home, self.work = self.root / "bin", self.root / "home", self.root / "work"
        for folder in (self.bin, self.home, self.work):
            folder.mkdir()
        for program in PROGRAMS:
            found = shutil.which(program)
            expect(found, f"this machine has no {program}")
            (self.bin / program).symlink_to(found)
        self.env = {"PATH": str(self.bin), "HOME": str(self.home), "TMPDIR": str(self.root), "NO_COLOR": "1", "LANG": "C.UTF-8"}
        self._running = []

    def install(self, name, program):
        """A program of a virtual environment: the environment's other programs stay unknown."""
        script = self.bin / name
        script.write_text(f'#!/bin/sh\nexec "{program}" "$@"\n')
        script.chmod(0o755)

    def has_no_toolchain(self):
        for program in ABSENT:
            expect(not shutil.which(program, path=str(self.bin)), f"{program} is on the newcomer's PATH")

    def run(self, *command, cwd=None, status=0, timeout_s=300, **env):
        """Runs a command, and gives all that it printed. Another exit status than this one is a stumble."""
        done = subprocess.run(
            [str(word) for word in command], cwd=cwd or self.work, env=self.env | env, timeout=timeout_s, text=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )
        ended = f"{' '.join(map(str, command))}\nended with {done.returncode}, expected {status}:\n"
        expect(done.returncode == status, f"{ended}{done.stdout[-6000:]}{done.stderr[-6000:]}")
        return done.stdout

    @contextmanager
    def background(self, *command, cwd, **env):
        """A command that goes on meanwhile. Gives the file that it prints to."""
        printed = self.root / f"printed-{len(self._running)}"
        with printed.open("wb") as output:
            process = subprocess.Popen(
                [str(word) for word in command], cwd=cwd, env=self.env | env, stdin=subprocess.DEVNULL, stdout=output,
                stderr=subprocess.STDOUT, start_new_session=True,
            )
        self._running.append(process)
        try:
            yield printed
        except Exception as failure:
            raise Failed(f"{failure}\n{' '.join(map(str, command))} had said:\n{printed.read_text()[-6000:]}") from failure
        finally:
            end(process)

    def close(self):
        for process in self._running:
            end(process)
        if os.environ.get("NEWCOMER_KEEP"):
            print(f"kept: {self.root}")
        else:
            shutil.rmtree(self.root)


def end(process):
    """Ends a process and what it started."""
    for sign in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, sign)
            process.wait(10)
        except (ProcessLookupError, subprocess.TimeoutExpired):
            continue
        return
