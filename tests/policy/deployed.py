"""template.yaml as CloudFormation gets it: SAM's translation, with the parameters that are given.

`deployed` gives every parameter that adds something: policies are held against what is deployed, so a resource that only some stacks
have is looked at, too. Knows as much of CloudFormation as the template uses, and fails on the rest.
"""

import json
import logging
import os
import re
import sys
from pathlib import Path

# The translator asks boto3 for a region to know the partition.
os.environ.setdefault("AWS_DEFAULT_REGION", "us-east-1")

from samtranslator.translator.transform import transform
from samtranslator.yaml_helper import yaml_parse

# It warns of its own feature toggles and metrics.
logging.getLogger("samtranslator").setLevel(logging.ERROR)

GIVEN = {
    "KmsKeyArn": "arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab",
    "AlarmTopicArn": "arn:aws:sns:us-east-1:123456789012:alarms",
    "PagingTopicArn": "arn:aws:sns:us-east-1:123456789012:pages",
    "GradualDeployment": "true",
    "CaptureSecrets": "true",
    "Tenants": "true",
    "ApiSecrets": "true",
    "ContextApi": "token",
    "Publisher": "true",
    "SinkBusArn": "arn:aws:events:us-east-1:123456789012:event-bus/orders",
    "SinkTopicArn": "arn:aws:sns:us-east-1:123456789012:orders.fifo",
    "SinkQueueArn": "arn:aws:sqs:us-east-1:123456789012:orders",
    "SinkStreamArn": "arn:aws:kinesis:us-east-1:123456789012:stream/orders",
    "SinkFirehoseArn": "arn:aws:firehose:us-east-1:123456789012:deliverystream/orders",
    "Kafka": "true",
    "KafkaSubnetIds": "subnet-0123456789abcdef0",
    "KafkaSecurityGroupIds": "sg-0123456789abcdef0",
    "EndpointsApi": "true",
    "Feed": "true",
    "Sender": "true",
    "CreateDashboard": "true",
    "Tracing": "Active",
    "ReceiverMaxConcurrency": 100,
    "LogRetentionDays": 365,
}
# The same behind the other front door, which has no read API and no feed.
WITH_FUNCTION_URL = GIVEN | {"FrontDoor": "FunctionUrl", "ContextApi": "false", "EndpointsApi": "false", "Feed": "false"}
PSEUDO = {"AWS::Partition": "aws", "AWS::Region": "us-east-1", "AWS::AccountId": "123456789012", "AWS::StackName": "tidings"}
NOTHING = object()


class Deployed:
    """A stack of the translated template with these parameters; the others have their defaults."""

    def __init__(self, template, given):
        self.known = {}
        self.template, self.mappings, self.conditions = template, template["Mappings"], template["Conditions"]
        self.parameters = {name: given.get(name, parameter.get("Default")) for name, parameter in template["Parameters"].items()}
        unknown = set(given) - set(template["Parameters"])
        assert not unknown, f"template.yaml has no parameter {unknown}"
        for name, parameter in template["Parameters"].items():
            allowed = parameter.get("AllowedValues")
            assert not allowed or self.parameters[name] in allowed, f"{name} can't be {self.parameters[name]}"

    def refusals(self):
        """What CloudFormation refuses of these parameters together: its rules."""
        for rule in self.template.get("Rules", {}).values():
            if "RuleCondition" not in rule or self.truth(rule["RuleCondition"]):
                for assertion in rule["Assertions"]:
                    if not self.truth(assertion["Assert"]):
                        yield assertion["AssertDescription"]

    def of(self, part):
        """Its resources or outputs: those whose condition holds."""
        return {n: r for n, r in self.template[part].items() if "Condition" not in r or self.holds(r["Condition"])}

    def holds(self, condition):
        if condition not in self.known:
            self.known[condition] = self.truth(self.conditions[condition])
        return self.known[condition]

    def truth(self, condition):
        (function, arguments), = condition.items()
        if function == "Fn::Equals":
            left, right = map(self.value, arguments)
            return str(left) == str(right)
        if function == "Fn::Not":
            return not self.truth(arguments[0])
        if function == "Fn::And":
            return all(map(self.truth, arguments))
        if function == "Fn::Or":
            return any(map(self.truth, arguments))
        if function == "Condition":
            return self.holds(arguments)
        raise NotImplementedError(f"a condition with {function}")

    def value(self, value):
        if isinstance(value, list):
            return [item for item in map(self.value, value) if item is not NOTHING]
        if not isinstance(value, dict):
            return value
        if set(value) == {"Fn::If"}:
            condition, yes, no = value["Fn::If"]
            return self.value(yes if self.holds(condition) else no)
        if set(value) == {"Fn::FindInMap"}:
            of, key, name = map(self.value, value["Fn::FindInMap"])
            return self.mappings[of][key][name]
        if set(value) == {"Fn::Sub"}:
            return self.substituted(value["Fn::Sub"])
        if set(value) == {"Ref"}:
            name = value["Ref"]
            return NOTHING if name == "AWS::NoValue" else self.parameters.get(name, value)
        resolved = {name: self.value(item) for name, item in value.items()}
        return {name: item for name, item in resolved.items() if item is not NOTHING}

    def substituted(self, value):
        """`Fn::Sub`: what is known is filled in. What only AWS knows (a resource) stays as it is."""
        text, own = value if isinstance(value, list) else (value, {})
        known, unknown = PSEUDO | self.parameters, {}
        for name, item in own.items():
            item = self.value(item)
            (unknown if isinstance(item, dict) else known)[name] = item
        text = re.sub(r"\$\{([\w:]+)\}", lambda name: str(known.get(name[1], name[0])), text)
        return {"Fn::Sub": [text, unknown]} if unknown else text


def translated(path, given):
    template = yaml_parse(Path(path).read_text(encoding="utf-8"))
    for resource in template["Resources"].values():
        if resource["Type"] == "AWS::Serverless::Function":
            resource["Properties"]["CodeUri"] = "s3://bucket/code.zip"  # `sam package` puts it there.
    return transform(template, given, None)


def deployed(path, given=GIVEN):
    stack = Deployed(translated(path, given), given)
    refused = list(stack.refusals())
    assert not refused, refused
    return {"Resources": stack.value(stack.of("Resources"))}


if __name__ == "__main__":
    json.dump(deployed(sys.argv[1]), sys.stdout, indent=1)
