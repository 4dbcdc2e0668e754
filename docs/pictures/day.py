"""One simulated day of a shop that sends 200,000 webhooks, minute by minute: what the functions would count, and a model of what AWS would
count beside them. It is made of a seed, so it is the same day each time. Nothing in it was measured."""

import math
import random
from collections import defaultdict, deque

OURS = "Tidings/tidings"
MINUTES = 24 * 60
BATCH = 10
# Values of one minute that a percentile is made of: enough for a line, and no more.
SAMPLES = 30

# Events per minute at the busiest time of the day.
PEAK = {"shopify": 150, "whatsapp": 90, "stripe": 45, "github": 18}

NEW_BUILD = (9 * 60 + 30, 11 * 60 + 50)
# More events per minute, and fewer that can be processed, until the table has grown.
BULK_RATE, THROTTLED_RATE, TABLE_GROWS = 330, 420, 14 * 60 + 36
# What waited for the end of the quiet hours is sent.
MORNING = 7 * 60
WRONG_RULE = range(11 * 60 + 8, 11 * 60 + 10)
REDRIVE = 11 * 60 + 58
BULK_IMPORT = range(14 * 60 + 5, 14 * 60 + 31)
OLD_SECRET = range(16 * 60, 17 * 60 + 10)
WRONG_SECRET = range(19 * 60 + 30, 19 * 60 + 50)
LATE_FAILURE = range(23 * 60 + 25, 23 * 60 + 26)

STORY = (
    ("09:30", "a gradual deployment: cold starts"),
    ("11:08", "a rule fails for three events: four retries, dead-lettered; corrected, and redriven at 11:58"),
    ("14:05", "a bulk import: twice the traffic, throttled writes, a backlog, late events"),
    ("16:00", "a secret is rotated"),
    ("19:30", "another is replaced at its provider only: its signatures fail for 20 minutes"),
    ("23:25", "one more event fails and is dead-lettered"),
)


class Day:
    """Values of each metric by minute, as CloudWatch is given them: it makes every statistic of them."""

    def __init__(self):
        self.values = defaultdict(lambda: defaultdict(list))

    def put(self, namespace, name, dimensions, minute, values):
        if 0 <= minute < MINUTES:
            self.values[namespace, name, tuple(sorted(dimensions.items()))][minute] += values


def poisson(rng, mean):
    if mean > 50:
        return max(0, round(rng.gauss(mean, math.sqrt(mean))))
    limit, count, product = math.exp(-mean), 0, rng.random()
    while product > limit:
        count, product = count + 1, product * rng.random()
    return count


def times(rng, count, median, spread):
    return [median * math.exp(rng.gauss(0, spread)) for _ in range(min(count, SAMPLES))]


def rate(source, minute):
    """A day: quiet at night, two humps, and CI by day only."""
    hour = minute / 60
    day = max(0.0, math.sin(math.pi * (hour - 5.5) / 18)) ** 1.4
    evening = 0.35 * math.exp(-((hour - 20) ** 2) / 3)
    if source == "github":
        day, evening = max(0.0, math.sin(math.pi * (hour - 7) / 12)) ** 1.2, 0
    return PEAK[source] * (0.05 + 0.8 * day + evening)


class Shop:
    """Its state from one minute to the next: what waits in the queue, and what fails."""

    def __init__(self, seed, most_executions):
        self.rng, self.day, self.most_executions = random.Random(seed), Day(), most_executions
        self.backlog, self.failing, self.dead = deque(), [], 0
        self.minute = 0

    def ours(self, name, values, source=None, **more):
        """A metric of ours: by source, by source and one more dimension, by function, or by none."""
        if source is not None:
            self.day.put(OURS, name, {"source": source, **more}, self.minute, values)
        if source is None or not more:
            self.day.put(OURS, name, {} if source is not None else more, self.minute, values)

    def aws(self, namespace, name, dimension, value, values):
        self.day.put("AWS/" + namespace, name, {dimension: value}, self.minute, values)

    def starts(self, usual, deployed, busy):
        """Cold starts: some always, more after a deployment, and more when the load grows."""
        new = any(0 <= self.minute - at < 16 for at in NEW_BUILD)
        return poisson(self.rng, usual + (deployed if new else 0) + (busy if self.minute in BULK_IMPORT[:2] else 0))

    def receive(self):
        """Requests: verified, claimed, queued."""
        rng, minute, bulk = self.rng, self.minute, self.minute in BULK_IMPORT
        requests = accepted = refused = 0
        for source in PEAK:
            events = poisson(rng, rate(source, minute) + (BULK_RATE if bulk and source == "shopify" else 0))
            again = poisson(rng, events * (0.03 if bulk else 0.006))
            signed = events + again
            requests += signed
            self.ours("Received", [1] * signed, source)
            if source == "stripe" and minute in WRONG_SECRET:
                refused += signed
                self.ours("Unauthentic", [1] * min(signed, SAMPLES), source)
                self.ours("Refused", [1] * signed, source, reason="mismatch")
                continue
            self.ours("Unauthentic", [0] * min(signed, SAMPLES), source)
            self.ours("Accepted", [1] * events, source)
            for state, share in (("processed", 0.8), ("received", 0.2)):
                count = sum(rng.random() < share for _ in range(again))
                if count:
                    self.ours("Duplicate", [1] * count, source, state=state)
            if source == "github" and minute in OLD_SECRET:
                self.ours("SecretAgeIndex", [1] * events, source)
            self.ours("ArrivalLag", times(rng, events, 1400 if source == "shopify" else 700, 0.6), source)
            accepted += events
            if events:
                self.backlog.append([minute, source, events])
        strangers = poisson(rng, 0.15)
        if strangers:
            self.ours("Refused", [1] * strangers, "unknown", reason="unknown_source")
        self.front_door(requests + strangers, refused + strangers, accepted, 2.2 if bulk else 1)

    def front_door(self, requests, refused, accepted, slow):
        """What the API, the receiver and the claims table count of these requests."""
        rng, cold, failed = self.rng, self.starts(0.03, 2.5, 6), 2 if self.minute == BULK_IMPORT[3] else 0
        self.aws("ApiGateway", "Latency", "ApiId", "Api", times(rng, requests, 24 * slow, 0.45) + times(rng, cold, 260, 0.15))
        for name, count in (("Count", requests), ("4xx", refused), ("5xx", failed)):
            self.aws("ApiGateway", name, "ApiId", "Api", [count])
        if failed:
            self.ours("OutOfTime", [1] * failed, "shopify")
        self.ours("ClaimLatency", times(rng, accepted, 5.5 * slow, 0.4))
        self.ours("EnqueueLatency", times(rng, accepted, 8 * slow, 0.4))
        self.ours("ColdStart", times(rng, cold, 95, 0.12), function="receiver")
        self.function("Receiver", requests, 17 * slow, 1 + requests // 90 + poisson(rng, 0.8))
        self.aws("SQS", "NumberOfMessagesSent", "QueueName", "EventsQueue.QueueName", [accepted])
        self.aws("DynamoDB", "ConsumedWriteCapacityUnits", "TableName", "ClaimsTable", [accepted * 2.0])
        self.aws("Logs", "IncomingBytes", "LogGroupName", "ReceiverLogGroup", [accepted * 1500])
        self.aws("Logs", "IncomingBytes", "LogGroupName", "/aws/vendedlogs/tidings/access", [requests * 420])

    def function(self, name, invocations, each_ms, executions):
        values = {"Invocations": invocations, "Duration": invocations * each_ms, "ConcurrentExecutions": executions, "Errors": 0, "Throttles": 0}
        for metric, value in values.items():
            self.aws("Lambda", metric, "FunctionName", name, [value])

    def process(self):
        """Events wait in their order; the processor takes what its executions and the context table manage."""
        rng = self.rng
        most = THROTTLED_RATE * (1 if self.minute < TABLE_GROWS else 4)
        throttled = sum(count for _, _, count in self.backlog) > most
        processed = 0
        while self.backlog and processed < most:
            since, source, count = self.backlog[0]
            taken = min(count, most - processed)
            processed += taken
            self.backlog[0][2] -= taken
            if taken == count:
                self.backlog.popleft()
            self.apply(source, taken, (self.minute - since) * 60_000, throttled)
        self.ours("CommitLatency", times(rng, processed, 260 if throttled else 34, 0.5))
        if throttled:
            self.ours("Conflicts", [1] * poisson(rng, 4))
            self.aws("DynamoDB", "WriteThrottleEvents", "TableName", "ContextTable", [poisson(rng, 14)])
        self.back_room(processed, throttled)

    def apply(self, source, taken, waited, throttled):
        """Facts, and what is said because of them: little at night, when it waits for the morning."""
        rng = self.rng
        usual = times(rng, taken, 1800 if throttled else 210, 0.55)
        lags = [waited + rng.uniform(0, 40_000 if waited else 0) + lag for lag in usual]
        self.ours("Processed", [1] * taken, source)
        self.ours("ProcessingLag", lags, source)
        self.ours("SloMiss", [int(lag > 30_000) for lag in lags])
        self.ours("Stale", [1] * poisson(rng, taken * 0.002), source)
        night = not 7 <= self.minute / 60 < 22
        sent, held = (0.06, 0) if source == "shopify" else (0.1, 0.2) if night else (0.3, 0.01)
        self.ours("Emitted", [1] * poisson(rng, taken * sent), source)
        self.ours("Deferred", [1] * poisson(rng, taken * held), source)
        if waited > 120_000 and source == "shopify":
            self.ours("Shed", [1] * poisson(rng, taken * 0.01), source)

    def back_room(self, processed, throttled):
        """What the queues, the processor and the context table count of these events."""
        rng, queue = self.rng, "EventsQueue.QueueName"
        batches = max(1, round(processed / (BATCH if throttled else 2.4))) if processed else 0
        self.ours("ColdStart", times(rng, self.starts(0.02, 1.2, 5), 120, 0.12), function="processor")
        each = (28 + 16 * processed / max(batches, 1)) * (5 if throttled else 1)
        self.function("Processor", batches, each, self.most_executions if throttled else 1 + batches // 40 + poisson(rng, 0.6))
        waiting, busy = sum(count for _, _, count in self.backlog), self.most_executions * BATCH if throttled else poisson(rng, 1.5)
        oldest = (self.minute - self.backlog[0][0]) * 60 if self.backlog else poisson(rng, 0.3)
        counts = {
            "NumberOfEmptyReceives": 15,
            "ApproximateNumberOfMessagesVisible": waiting or poisson(rng, 0.5),
            "ApproximateNumberOfMessagesNotVisible": len(self.failing) + busy,
            "ApproximateAgeOfOldestMessage": oldest,
        }
        for name, count in counts.items():
            self.aws("SQS", name, "QueueName", queue, [count])
        self.aws("SQS", "ApproximateNumberOfMessagesVisible", "QueueName", "DeadLetterQueue.QueueName", [self.dead])
        self.aws("SQS", "ApproximateAgeOfOldestMessage", "QueueName", "ActionsQueue.QueueName", [poisson(rng, 0.4)])
        self.aws("DynamoDB", "ConsumedWriteCapacityUnits", "TableName", "ContextTable", [processed * 3.1])
        self.aws("DynamoDB", "ConsumedReadCapacityUnits", "TableName", "ContextTable", [processed * 1.8])
        self.aws("Logs", "IncomingBytes", "LogGroupName", "ProcessorLogGroup", [processed * 1100 + batches * 700])

    def fail(self):
        """What fails is received five times, three minutes apart, and redriven when the rule is corrected."""
        if self.minute in WRONG_RULE or self.minute in LATE_FAILURE:
            self.failing += [(self.minute, at) for at in range(2 if self.minute == WRONG_RULE[0] else 1)]
        for event in [event for event in self.failing if (self.minute - event[0]) % 3 == 0]:
            receive = (self.minute - event[0]) // 3 + 1
            if receive >= 3:
                self.ours("HighReceiveCount", [1], "stripe")
            if receive < 5:
                self.ours("Retried", [1], "stripe", reason="rule")
            else:
                self.ours("Dead", [1], "stripe", reason="rule")
                self.failing.remove(event)
                self.dead += 1
        if self.minute == REDRIVE:
            self.ours("Processed", [1] * self.dead, "stripe")
            self.dead = 0


def simulate(seed, most_executions):
    shop = Shop(seed, most_executions)
    for shop.minute in range(MINUTES):
        shop.receive()
        shop.fail()
        shop.process()
        if shop.minute == MORNING:
            shop.ours("Emitted", [1] * 260, "whatsapp")
    return shop.day
