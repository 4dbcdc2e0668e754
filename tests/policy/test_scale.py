"""docs/performance.md and docs/scale.svg are what the model of a storm says, and the model says what it is there for."""

import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "docs/pictures"))
import scale  # noqa: E402


class Scale(unittest.TestCase):
    def test_the_page_and_the_picture_are_current(self):
        self.assertEqual([str(path) for path in scale.stale()], [], "python3 docs/pictures/scale.py writes them")

    def test_no_event_gets_lost_in_the_model(self):
        for steady, stacks in ((1_000, scale.SMALL), (10_000, scale.LARGE)):
            for stack in stacks:
                outcome = scale.simulate(stack, steady)
                self.assertGreaterEqual(min(outcome.backlog), -1e-3, stack.name)
                self.assertGreaterEqual(outcome.receives, 0.99, stack.name)

    def test_a_stack_bears_its_steady_rate(self):
        for steady, stack in ((500, scale.SMALL[0]), (10_000, scale.LARGE[0])):
            outcome = scale.simulate(stack, steady)
            self.assertLess(max(outcome.lag[: scale.STORM_AT]), 5, stack.name)

    def test_warm_tables_are_what_a_storm_needs_first(self):
        cold, warm = scale.simulate(scale.SMALL[2], 1_000), scale.simulate(scale.SMALL[3], 1_000)
        self.assertGreater(cold.dead, 0)
        self.assertEqual((warm.dead, warm.recovered), (0, 0))

    def test_more_of_a_limit_never_waits_longer_when_tables_are_warm(self):
        lags = [max(scale.simulate(scale.Stack("", 10_000, concurrency, warm=40_000), 1_000).lag) for concurrency in (20, 50, 100, 200)]
        self.assertEqual(lags, sorted(lags, reverse=True))


if __name__ == "__main__":
    unittest.main()
