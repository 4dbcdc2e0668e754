"""template.yaml as CloudFormation gets it: SAM's translation, with every parameter that adds something given.

Policies are held against what is deployed, so a resource that only some stacks have is looked at, too. Knows as much of
CloudFormation as the template uses, and fails on the rest.
"""

import json
import os
import re
import sys

# The translator asks boto3 for a region to know the partition.
os.environ.setdefault("AWS_DEFAULT_REGION", "us-east-1")

from samtranslator.translator.transform import transform
from samtranslator.yaml_helper import yaml_parse

GIVEN = {
    "KmsKeyArn": "arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab",
    "AlarmTopicArn": "arn:aws:sns:us-east-1:123456789012:alarms",
    "PagingTopicArn": "arn:aws:sns:us-east-1:123456789012:pages",
    "GradualDeployment": "true",
    "CaptureSecrets": "true",
    "ApiSecrets": "true",
    "ContextApi": "token",
    "LogRetentionDays": 365,
}
PSEUDO = {"AWS::Partition": "aws", "AWS::Region": "us-east-1", "AWS::AccountId": "123456789012", "AWS::StackName": "tidings"}
NOTHING = object()


class Deployed:
    def __init__(self, template, given):
        self.mappings, self.conditions = template["Mappings"], template["Conditions"]
        self.parameters = {name: given.get(name, parameter.get("Default")) for name, parameter in template["Parameters"].items()}
        unknown = set(given) - set(template["Parameters"])
        assert not unknown, f"template.yaml has no parameter {unknown}"

    def holds(self, condition):
        return self.truth(self.conditions[condition])

    def truth(self, condition):
        (function, arguments), = condition.items()
        if function == "Fn::Equals":
            left, right = map(self.value, arguments)
            return left == right
        if function == "Fn::Not":
            return not self.truth(arguments[0])
        if function == "Fn::And":
            return all(map(self.truth, arguments))
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
        if set(value) == {"Fn::Sub"} and isinstance(value["Fn::Sub"], str):
            return re.sub(r"\$\{([\w:]+)\}", lambda name: str((PSEUDO | self.parameters).get(name[1], name[0])), value["Fn::Sub"])
        if set(value) == {"Ref"}:
            name = value["Ref"]
            return NOTHING if name == "AWS::NoValue" else self.parameters.get(name, value)
        resolved = {name: self.value(item) for name, item in value.items()}
        return {name: item for name, item in resolved.items() if item is not NOTHING}


def deployed(path):
    template = yaml_parse(open(path, encoding="utf-8").read())
    for resource in template["Resources"].values():
        if resource["Type"] == "AWS::Serverless::Function":
            resource["Properties"]["CodeUri"] = "s3://bucket/code.zip"  # `sam package` puts it there.
    template = transform(template, GIVEN, None)
    stack = Deployed(template, GIVEN)
    resources = {n: r for n, r in template["Resources"].items() if "Condition" not in r or stack.holds(r["Condition"])}
    return {"Resources": stack.value(resources)}


if __name__ == "__main__":
    json.dump(deployed(sys.argv[1]), sys.stdout, indent=1)
