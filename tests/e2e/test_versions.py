"""While a deployment moves over, both versions run: the last release's receiver with this processor, and the other way round.

The last release is the commit in `last-release`, built from this repository's history.
"""

import io
import os
import re
import subprocess
import tarfile
from pathlib import Path

import pytest

from cloud import HEALTH, build_function, package
from tidings import known

REPOSITORY = Path(__file__).resolve().parents[2]
LAST_RELEASE = (REPOSITORY / "tests" / "e2e" / "last-release").read_text().split()[0]
FUNCTIONS = ("Receiver", "Processor")

# The version of the last release's crates ends so. In the target directory that they share with ours, cargo would otherwise take
# the ones for the others: it tells them by name, version and place in the workspace, and files by their age.
APART = "-last-release"


def git(*arguments):
    return subprocess.run(["git", *arguments], cwd=REPOSITORY, check=True, capture_output=True).stdout


@pytest.fixture(scope="module")
def old(deployed):
    """Both functions of the last release, as what is uploaded to Lambda."""
    known_here = subprocess.run(["git", "cat-file", "-e", f"{LAST_RELEASE}^{{commit}}"], cwd=REPOSITORY, capture_output=True)
    if known_here.returncode:
        pytest.skip(f"this clone's history has no {LAST_RELEASE}: git fetch --unshallow")
    at = REPOSITORY / "target" / "e2e" / f"release-{LAST_RELEASE}{APART}"
    if not (at / "Cargo.toml").exists():
        with tarfile.open(fileobj=io.BytesIO(git("archive", LAST_RELEASE))) as archive:
            archive.extractall(at, filter="data", members=[m for m in archive if m.name != "Cargo.toml"])
        manifest = git("show", f"{LAST_RELEASE}:Cargo.toml").decode()
        (at / "Cargo.toml").write_text(re.sub('^version = "(.*)"$', rf'version = "\1{APART}"', manifest, count=1, flags=re.M))
    return {name: package(build_function(at, os.environ["E2E_SAM_BIN"], name.lower())) for name in FUNCTIONS}


@pytest.fixture(scope="module")
def new(built):
    return {name: package(built / name) for name in FUNCTIONS}


def came_of(stack, tidings, corpus):
    """What became of the events of the corpus that need no other before them, each sent twice. Only of those whose id is signed: the
    keys of the others are not what they were in the last release (docs/upgrade.md)."""
    for request in map(tidings.sign, corpus.mates):
        assert stack.send(request).status in (200, 202)
        assert stack.send(request).status in (200, 202)
    stack.settle()
    claims = {key: (claim["state"], claim["outcome"], claim["conversation"]) for key, claim in stack.claims().items()}
    conversations = {conversation for _, _, conversation in claims.values()}
    actions = sorted((a["conversation"], a["id"]) for a in stack.actions())
    return claims, {c: known(tidings.context(c)) for c in conversations}, actions


@pytest.mark.parametrize("lagging", FUNCTIONS)
def test_a_version_and_the_one_before_it_make_the_same_of_events(stack, tidings, corpus, old, new, lagging):
    expected = came_of(stack, tidings, corpus)
    assert len(expected[0]) > 3 and all(state == "processed" for state, _, _ in expected[0].values())
    try:
        stack.release(lagging, code=old[lagging])
        stack.wipe()
        assert came_of(stack, tidings, corpus) == expected
    finally:
        stack.release(lagging, code=new[lagging])


def test_what_one_version_took_the_other_one_knows(stack, tidings, corpus, old, new):
    """The alias moves between a delivery and its retry, and back: one effect."""
    request = tidings.sign(corpus.mates[0])
    try:
        for code in (old, new, old):
            stack.release("Receiver", code=code["Receiver"])
            version = stack.http("GET", HEALTH).json["version"]
            assert version.endswith(APART) == (code is old), version
            assert stack.send(request).status in (200, 202)
        stack.settle()
    finally:
        stack.release("Receiver", code=new["Receiver"])
    assert [c["state"] for c in stack.claims().values()] == ["processed"]
    facts = [key for key in stack.context() if key[1].startswith("entity#")]
    assert facts and stack.writes() == {1}, "it was applied more than once"
