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


def simulate(seed, most_executions):
    rng, day, backlog = random.Random(seed), Day(), deque()
    failing, dead = [], 0
    for minute in range(MINUTES):
        bulk = minute in BULK_IMPORT

        def ours(name, values, source=None, minute=minute, alone=True, **more):
            """One line of ours: its value with a source, and without one where the metric has that too."""
            if source is not None:
                day.put(OURS, name, {"source": source, **more}, minute, values)
                if more:
                    return
            if alone:
                day.put(OURS, name, {} if source is not None else more, minute, values)

        def aws(namespace, name, dimension, value, values, minute=minute):
            day.put("AWS/" + namespace, name, {dimension: value}, minute, values)

        # Requests: verified, claimed, queued.
        requests = accepted_here = forged = 0
        fresh = []
        for source in PEAK:
            events = poisson(rng, rate(source, minute) + (BULK_RATE if bulk and source == "shopify" else 0))
            again = poisson(rng, events * (0.03 if bulk else 0.006))
            signed = events + again
            requests += signed
            if source == "stripe" and minute in WRONG_SECRET:
                forged = signed
                ours("Received", [1] * signed, source)
                ours("Unauthentic", [1] * min(signed, SAMPLES), source)
                ours("Refused", [1] * signed, source, reason="mismatch")
                continue
            for name, values in (("Received", [1] * signed), ("Accepted", [1] * events), ("Unauthentic", [0] * min(signed, SAMPLES))):
                ours(name, values, source)
            for state, share in (("processed", 0.8), ("enqueued", 0.2)):
                count = sum(rng.random() < share for _ in range(again))
                if count:
                    ours("Duplicate", [1] * count, source, state=state)
            if source == "github" and minute in OLD_SECRET:
                ours("SecretAgeIndex", [1] * events, source)
            ours("ArrivalLag", times(rng, events, 1400 if source == "shopify" else 700, 0.6), source)
            accepted_here += events
            if events:
                fresh.append([minute, source, events])
        strangers = poisson(rng, 0.15)
        if strangers:
            ours("Refused", [1] * strangers, "unknown", reason="unknown_source")
        requests += strangers
        refused = strangers + forged
        slow = 2.2 if bulk else 1
        cold = poisson(rng, 0.03 + (2.5 if any(0 <= minute - at < 16 for at in NEW_BUILD) else 0) + (6 if minute in BULK_IMPORT[:2] else 0))
        latency = times(rng, requests, 24 * slow, 0.45) + times(rng, cold, 260, 0.15)
        aws("ApiGateway", "Latency", "ApiId", "Api", latency)
        aws("ApiGateway", "Count", "ApiId", "Api", [requests])
        aws("ApiGateway", "4xx", "ApiId", "Api", [refused])
        aws("ApiGateway", "5xx", "ApiId", "Api", [2 if minute == BULK_IMPORT[3] else 0])
        if minute == BULK_IMPORT[3]:
            ours("OutOfTime", [1] * 2, "shopify")
        ours("ClaimLatency", times(rng, accepted_here, 5.5 * slow, 0.4))
        ours("EnqueueLatency", times(rng, accepted_here, 8 * slow, 0.4))
        ours("ColdStart", times(rng, cold, 95, 0.12), function="receiver")
        aws("Lambda", "Invocations", "FunctionName", "Receiver", [requests])
        aws("Lambda", "Duration", "FunctionName", "Receiver", [requests * 17 * slow])
        aws("Lambda", "ConcurrentExecutions", "FunctionName", "Receiver", [1 + requests // 90 + poisson(rng, 0.8), 1])
        aws("DynamoDB", "ConsumedWriteCapacityUnits", "TableName", "ClaimsTable", [accepted_here * 2.0])

        # Events wait in their order; the processor takes what its executions manage.
        backlog.extend(fresh)
        waiting = sum(count for _, _, count in backlog)
        capacity = THROTTLED_RATE if minute < TABLE_GROWS else 4 * THROTTLED_RATE
        processed_here, throttled = 0, capacity < waiting
        while backlog and capacity:
            since, source, count = backlog[0]
            taken = min(count, capacity)
            capacity -= taken
            processed_here += taken
            backlog[0][2] -= taken
            if not backlog[0][2]:
                backlog.popleft()
            waited = (minute - since) * 60_000
            lags = [waited + rng.uniform(0, 40_000 if waited else 0) + lag for lag in times(rng, taken, 210 if not throttled else 1800, 0.55)]
            ours("Processed", [1] * taken, source)
            ours("ProcessingLag", lags, source)
            ours("Late", [int(lag > 30_000) for lag in lags], alone=True)
            ours("Stale", [1] * poisson(rng, taken * 0.002), source)
            night = not 7 <= minute / 60 < 22
            sent = poisson(rng, taken * (0.1 if night else 0.3)) if source != "shopify" else poisson(rng, taken * 0.06)
            held = poisson(rng, taken * (0.2 if night else 0.01)) if source != "shopify" else 0
            ours("Emitted", [1] * sent, source)
            ours("Deferred", [1] * held, source)
            if waited > 120_000 and source == "shopify":
                ours("Shed", [1] * poisson(rng, taken * 0.01), source)
        left = sum(count for _, _, count in backlog)
        ours("CommitLatency", times(rng, processed_here, 34 if not throttled else 260, 0.5))
        if throttled:
            ours("Conflicts", [1] * poisson(rng, 4))
        if minute == 7 * 60:
            ours("Emitted", [1] * 260, "whatsapp")

        # What fails is received five times, three minutes apart.
        if minute in WRONG_RULE or minute in LATE_FAILURE:
            failing += [[minute, "stripe"] for _ in range(2 if minute == WRONG_RULE[0] else 1)]
        for first, source in list(failing):
            receive, rest = divmod(minute - first, 3)
            if rest:
                continue
            if receive >= 2:
                ours("Struggling", [1], source)
            if receive < 4:
                ours("Retried", [1], source, reason="rule")
            else:
                ours("Dead", [1], source, reason="rule")
                failing.remove([first, source])
                dead += 1
        if minute == REDRIVE:
            ours("Processed", [1] * dead, "stripe")
            dead = 0

        # AWS's own.
        batches = max(1, round(processed_here / (BATCH if throttled else 2.4))) if processed_here else 0
        cold = poisson(rng, 0.02 + (1.2 if any(0 <= minute - at < 16 for at in NEW_BUILD) else 0) + (5 if minute in BULK_IMPORT[:2] else 0))
        ours("ColdStart", times(rng, cold, 120, 0.12), function="processor")
        aws("Lambda", "Invocations", "FunctionName", "Processor", [batches])
        aws("Lambda", "Duration", "FunctionName", "Processor", [batches * (28 + 16 * processed_here / max(batches, 1)) * (5 if throttled else 1)])
        aws("Lambda", "ConcurrentExecutions", "FunctionName", "Processor", [most_executions if throttled else 1 + batches // 40 + poisson(rng, 0.6)])
        for function in ("Receiver", "Processor"):
            for name in ("Errors", "Throttles"):
                aws("Lambda", name, "FunctionName", function, [0])
        aws("SQS", "NumberOfMessagesSent", "QueueName", "EventsQueue.QueueName", [accepted_here])
        aws("SQS", "NumberOfMessagesReceived", "QueueName", "EventsQueue.QueueName", [processed_here])
        # Calls, not messages: a batch is received and deleted at once, and an idle poller asks three times a minute.
        aws("SQS", "NumberOfMessagesDeleted", "QueueName", "EventsQueue.QueueName", [processed_here])
        aws("SQS", "NumberOfEmptyReceives", "QueueName", "EventsQueue.QueueName", [15])
        aws("SQS", "ApproximateNumberOfMessagesVisible", "QueueName", "EventsQueue.QueueName", [left or poisson(rng, 0.5)])
        aws("SQS", "ApproximateNumberOfMessagesNotVisible", "QueueName", "EventsQueue.QueueName", [len(failing) + (most_executions * BATCH if throttled else poisson(rng, 1.5))])
        aws("SQS", "ApproximateAgeOfOldestMessage", "QueueName", "EventsQueue.QueueName", [(minute - backlog[0][0]) * 60 if backlog else poisson(rng, 0.3)])
        aws("SQS", "ApproximateNumberOfMessagesVisible", "QueueName", "DeadLetterQueue.QueueName", [dead])
        aws("DynamoDB", "ConsumedWriteCapacityUnits", "TableName", "ContextTable", [processed_here * 3.1])
        aws("DynamoDB", "ConsumedReadCapacityUnits", "TableName", "ContextTable", [processed_here * 1.8])
        if throttled:
            aws("DynamoDB", "WriteThrottleEvents", "TableName", "ContextTable", [poisson(rng, 14)])
        aws("Logs", "IncomingBytes", "LogGroupName", "ReceiverLogGroup", [accepted_here * 1500])
        aws("Logs", "IncomingBytes", "LogGroupName", "ProcessorLogGroup", [processed_here * 1100 + batches * 700])
        aws("Logs", "IncomingBytes", "LogGroupName", "AccessLogGroup", [requests * 420])
    return day
