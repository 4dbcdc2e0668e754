"""Builds once, starts one emulated cloud, deploys once; every test begins with empty queues and tables and warm functions."""

import os
import signal
import tempfile
import time
from functools import partial
from pathlib import Path

import pytest

import cloud
from cloud import Emulator, Failed, Stack
from tidings import Corpus, Tidings
from watching import ask_status, door

REPOSITORY = Path(__file__).resolve().parents[2]
WORK = REPOSITORY / "target" / "e2e"
CORPUS = Corpus(REPOSITORY / "events" / "corpus.toml")


def _tool(variable):
    path = os.environ.get(variable)
    if not path:
        pytest.exit(f"{variable} is not set: start the tests with tests/e2e/run", returncode=2)
    return path


def _step(work):
    """A step that fails ends the run with its own words, not with a traceback a test."""
    try:
        return work()
    except Failed as failure:
        pytest.exit(str(failure), returncode=3)


def pytest_generate_tests(metafunc):
    if "wrong_order" in metafunc.fixturenames:
        pairs = CORPUS.wrong_orders
        metafunc.parametrize("wrong_order", pairs, ids=[older for _, older in pairs])


def pytest_configure():
    # Told to end, pytest ends what it started: without this a terminated run would leave the emulator behind.
    signal.signal(signal.SIGTERM, signal.default_int_handler)


@pytest.fixture(scope="session")
def built(tidings_binary):
    into = WORK / "build"
    if not (os.environ.get("E2E_SKIP_BUILD") and (into / "template.yaml").exists()):
        _step(lambda: cloud.build(REPOSITORY, _tool("E2E_SAM_BIN"), into, tidings_binary))
    return into


@pytest.fixture(scope="session")
def tidings_binary():
    given = os.environ.get("E2E_TIDINGS")
    return Path(given) if given else _step(lambda: Tidings.build(REPOSITORY, dict(os.environ)))


@pytest.fixture(scope="session")
def emulator(built, tidings_binary):
    WORK.mkdir(parents=True, exist_ok=True)
    data = Path(tempfile.mkdtemp(prefix="cloud-", dir=WORK))
    running = _step(lambda: Emulator(_tool("E2E_EMULATOR_BIN"), data))
    yield running
    running.stop()


@pytest.fixture(scope="session")
def tidings(emulator, tidings_binary):
    return Tidings(tidings_binary, REPOSITORY, emulator.proxy.url)


@pytest.fixture(scope="session")
def corpus():
    return CORPUS


@pytest.fixture(scope="session")
def deployed(emulator, built, tidings, corpus):
    """The stack, with the corpus's secrets in it. `fresh_reply` is what it said while it had none."""
    made = _step(lambda: Stack.deploy(emulator, _tool("E2E_SAM_BIN"), built, REPOSITORY))
    made.fresh_reply = made.send(tidings.sign(corpus.plain))
    made.fresh_claims = made.claims()
    made.make_ready(tidings.secrets)
    yield made


@pytest.fixture
def stack(deployed):
    deployed.wipe()
    deployed.since_ms = time.time() * 1000
    yield deployed
    deployed.proxy.heal()


@pytest.fixture
def status(stack, tidings):
    """Asks `tidings status`, and gives the exit status with what was printed."""
    with door(stack) as url:
        yield partial(ask_status, tidings, url)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    report = (yield).get_result()
    stack = item.funcargs.get("stack") if hasattr(item, "funcargs") else None
    if report.failed and report.when == "call" and stack:
        try:
            report.sections.extend(stack.describe(stack.since_ms))
        except Exception as error:  # The report of a failure must not hide it.
            report.sections.append(("no description", repr(error)))
        report.sections.append(("emulator log", stack.emulator.tail()))
