"""What a stack of template.yaml costs in a month in which nothing happens, item by item, from the resources that it really has.

    target/tools/python-…/bin/python tests/policy/idle_cost.py GradualDeployment=true CreateDashboard=true

AWS's list prices for us-east-1 (infra/cost/us-east-1.toml), in dollars, without free tiers. A type of resource that isn't known here
fails, so that a new one is a decision.
"""

import sys
import tomllib
from collections import Counter
from pathlib import Path

from deployed import Deployed, translated

LISTED = tomllib.loads(Path("infra/cost/us-east-1.toml").read_text(encoding="utf-8"))


def price(name):
    """Dollars of one unit."""
    return LISTED[name]["dollars"] / LISTED[name]["per"]


# Lambda polls an idle queue with five pollers, each of which waits for 20 seconds (Lambda developer guide, "Using Lambda with Amazon SQS").
POLLERS, POLLS_A_MINUTE, MINUTES = 5, 3, 30 * 24 * 60
POLLING = POLLERS * POLLS_A_MINUTE * MINUTES * price("sqs_request")

# The schedule itself is free. Each sweep is an invocation with a cold start (0.1 s of 512 MB on arm64), nine consistent reads and a
# write: docs/decisions/0064.
SWEEPS = 12 * 24 * 30
SWEEPING = SWEEPS * (0.20 + 0.1 * 0.5 * 13.33 + 9 * 0.125 + 0.625) / 1e6

PRICES = {
    "AWS::CloudWatch::Alarm": price("alarm"),
    "AWS::CloudWatch::CompositeAlarm": price("composite_alarm"),
    "AWS::CloudWatch::Dashboard": price("dashboard"),
    "AWS::SecretsManager::Secret": price("secret"),
    "AWS::Lambda::EventSourceMapping": POLLING,
    "AWS::Events::Rule": SWEEPING,
}
# Billed by use alone, or not at all.
FREE = {
    "AWS::ApiGatewayV2::Api", "AWS::ApiGatewayV2::Integration", "AWS::ApiGatewayV2::Route", "AWS::ApiGatewayV2::Stage",
    "AWS::CodeDeploy::Application", "AWS::CodeDeploy::DeploymentGroup", "AWS::DynamoDB::Table", "AWS::IAM::Policy", "AWS::IAM::Role",
    "AWS::IAM::RolePolicy", "AWS::Lambda::Alias", "AWS::Lambda::Function", "AWS::Lambda::Permission", "AWS::Lambda::Url",
    "AWS::Lambda::Version", "AWS::Logs::LogGroup", "AWS::SQS::Queue", "AWS::SQS::QueuePolicy",
}


def idle(given):
    """[(type, how many, dollars a month)] of what has a price."""
    resources = Deployed(translated("template.yaml", given), given).of("Resources").values()
    counted = Counter(resource["Type"] for resource in resources)
    unknown = set(counted) - set(PRICES) - FREE
    assert not unknown, f"what does an idle {', '.join(sorted(unknown))} cost?"
    return [(kind, counted[kind], counted[kind] * price) for kind, price in PRICES.items() if counted[kind]]


def total(given):
    return sum(dollars for _, _, dollars in idle(given))


def main(arguments):
    given = dict(argument.split("=", 1) for argument in arguments)
    for kind, count, dollars in idle(given):
        print(f"{count:3} {kind:32} {dollars:6.2f}")
    print(f"    {'a month':32} {total(given):6.2f}")


if __name__ == "__main__":
    main(sys.argv[1:])
