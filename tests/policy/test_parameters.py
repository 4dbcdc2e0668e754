"""Every combination of the parameters that add or leave something out: nothing names what isn't there, and an idle stack is cheap."""

import itertools
import re
import tomllib
import unittest
from pathlib import Path

from deployed import GIVEN, NOTHING, Deployed, translated
from idle_cost import idle, total

# A dollar more would be most of what a small bot pays.
MOST_IDLE_DOLLARS = 2.00

# With it SAM makes other resources; everything else is decided by conditions.
TRANSLATED = {value: translated("template.yaml", {"GradualDeployment": value}) for value in ("false", "true")}

CHOICES = {
    "ProcessorMinPollers": [0, 2],
    "TableWarmWrites": [0, 40000],
    "FrontDoor": ["HttpApi", "FunctionUrl"],
    "ReceiverMaxConcurrency": [0, 100],
    "CaptureSecrets": ["false", "true"],
    "Tenants": ["false", "true"],
    "GradualDeployment": ["false", "true"],
    "ApiSecrets": ["false", "true"],
    "ContextApi": ["false", "iam", "token"],
    "Publisher": ["false", "true"],
    **{name: ["", GIVEN[name]] for name in ("SinkBusArn", "SinkTopicArn", "SinkQueueArn", "SinkStreamArn", "SinkFirehoseArn")},
    "Kafka": ["false", "true"],
    **{name: ["", GIVEN[name]] for name in ("KafkaSubnetIds", "KafkaSecurityGroupIds")},
    "EndpointsApi": ["false", "true"],
    "Feed": ["false", "true"],
    "Sender": ["false", "true"],
    "SenderEmailIdentityArn": ["", "arn:aws:ses:eu-central-1:123456789012:identity/shop.example"],
    "KmsKeyArn": ["", GIVEN["KmsKeyArn"]],
    "AlarmTopicArn": ["", GIVEN["AlarmTopicArn"]],
    "PagingTopicArn": ["", GIVEN["PagingTopicArn"]],
    "CreateDashboard": ["false", "true"],
    "Tracing": ["PassThrough", "Active"],
}
# Those that add a property or a permission, and name no other. Kafka adds a function that only the publisher names, EndpointsApi one
# that nobody names; tenants add a table and a route that nothing else names.
PROPERTIES = (
    "Tenants", "ReceiverMaxConcurrency", "ProcessorMinPollers", "TableWarmWrites", "SenderEmailIdentityArn", "SinkBusArn", "SinkTopicArn",
    "SinkQueueArn", "SinkStreamArn", "SinkFirehoseArn", "Kafka", "KafkaSubnetIds", "KafkaSecurityGroupIds", "EndpointsApi",
)
# What is only a number or a text in a property.
PLAIN = {
    "Architecture", "ReceiverMemoryMb", "ProcessorMemoryMb", "ProcessorMaxConcurrency", "ThrottleRateLimit", "ThrottleBurstLimit",
    "ProcessorMaxPollers", "PublisherMaxConcurrency", "SenderMaxConcurrency", "FairQueue", "LogSampling", "SourceMetrics", "KeepEvents", "FeedOrigins", "ActionsVisibilitySeconds", "LogRetentionDays", "LogLevel",
}

ROLL_BACK = {"ReceiverFailedAlarm", "EnqueueAlarm", "ProcessorFailedAlarm", "LateFastAlarm"}


def stack(**given):
    return Deployed(TRANSLATED[given.get("GradualDeployment", "false")], given)


def stacks():
    """Those that CloudFormation makes. What is a property alone is tried together: none of it, and all of it."""
    others = {name: values for name, values in CHOICES.items() if name not in PROPERTIES}
    for values in itertools.product(*others.values()):
        for properties in zip(*(CHOICES[name] for name in PROPERTIES)):
            one = stack(**dict(zip(others, values)), **dict(zip(PROPERTIES, properties)))
            if not list(one.refusals()):
                yield one


def names(stack, value):
    """What a value of a stack names: parameters, pseudo parameters and resources."""
    if isinstance(value, list):
        for item in value:
            yield from names(stack, item)
    if not isinstance(value, dict):
        return
    if set(value) == {"Fn::If"}:
        condition, yes, no = value["Fn::If"]
        yield from names(stack, yes if stack.holds(condition) else no)
    elif set(value) == {"Ref"}:
        yield value["Ref"]
    elif set(value) == {"Fn::GetAtt"}:
        of = value["Fn::GetAtt"]
        yield (of if isinstance(of, list) else of.split("."))[0]
    elif set(value) == {"Fn::Sub"}:
        text, own = value["Fn::Sub"] if isinstance(value["Fn::Sub"], list) else (value["Fn::Sub"], {})
        yield from (found.split(".")[0] for found in re.findall(r"\$\{([^!}]+)\}", text) if found not in own)
        yield from names(stack, list(own.values()))
    else:
        for item in value.values():
            yield from names(stack, item)


def alarms(stack):
    return {name for name, resource in stack.of("Resources").items() if resource["Type"] == "AWS::CloudWatch::Alarm"}


class Parameters(unittest.TestCase):
    def test_every_parameter_is_one_that_is_tried_or_one_that_is_plain(self):
        self.assertEqual(set(CHOICES) | PLAIN, set(TRANSLATED["false"]["Parameters"]))
        text = str([resource for template in TRANSLATED.values() for resource in (template["Conditions"], template.get("Rules"))])
        self.assertEqual([name for name in PLAIN if f"'{name}'" in text], [], "a condition depends on it")

    def test_no_combination_of_parameters_names_what_is_not_there(self):
        seen = 0
        for one in stacks():
            resources, outputs = one.of("Resources"), one.of("Outputs")
            known = set(resources) | set(one.parameters)
            for name, part in [*resources.items(), *outputs.items()]:
                depends = part.get("DependsOn", [])
                named = {*names(one, part), *([depends] if isinstance(depends, str) else depends)}
                missing = {other for other in named - known if not other.startswith("AWS::")}
                self.assertFalse(missing, f"{name} of {one.parameters}")
            seen += 1
        # All but those with a read API, a feed or an API of the endpoints, and a function URL.
        self.assertEqual(seen, 2 ** 10 * (3 * 2 * 2 + 1))

    def test_a_read_api_behind_a_function_url_is_refused_with_what_to_do(self):
        for route in ({"ContextApi": "token"}, {"Feed": "true"}, {"EndpointsApi": "true"}):
            said, = stack(FrontDoor="FunctionUrl", **route).refusals()
            self.assertIn("FrontDoor=HttpApi", said)
        self.assertEqual(list(stack(FrontDoor="FunctionUrl").refusals()), [])

    def test_a_mapping_has_a_most_of_batches_or_pollers_of_its_own(self):
        def mapping(**given):
            one = stack(**given)
            return one.value(one.of("Resources")["ProcessorSource"]["Properties"])

        standard, provisioned = mapping(ProcessorMaxConcurrency=50), mapping(ProcessorMinPollers=2, ProcessorMaxPollers=100)
        self.assertEqual(standard["ScalingConfig"], {"MaximumConcurrency": 50})
        self.assertIn(standard.get("ProvisionedPollerConfig", NOTHING), (None, NOTHING))
        self.assertEqual(provisioned["ProvisionedPollerConfig"], {"MinimumPollers": 2, "MaximumPollers": 100})
        self.assertIn(provisioned.get("ScalingConfig", NOTHING), (None, NOTHING))
        self.assertIn("ProcessorMinPollers=2", *stack(ProcessorMinPollers=1).refusals())

    def test_tables_and_indexes_are_warmed_only_where_it_is_asked_for(self):
        def warm(**given):
            one = stack(**given)
            tables = [one.value(one.of("Resources")[name]["Properties"]) for name in ("ClaimsTable", "ContextTable")]
            return [part.get("WarmThroughput", NOTHING) for part in (*tables, *tables[0]["GlobalSecondaryIndexes"])]

        self.assertEqual([one for one in warm() if one not in (None, NOTHING)], [])
        self.assertEqual(warm(TableWarmWrites=40000), [{"ReadUnitsPerSecond": 12000, "WriteUnitsPerSecond": 40000}] * 4)

    def test_a_stack_has_one_front_door_and_nothing_of_the_other(self):
        for door, absent, present in (
            ("HttpApi", {"AWS::Lambda::Url"}, {"AWS::ApiGatewayV2::Api", "AWS::ApiGatewayV2::Stage"}),
            ("FunctionUrl", {"AWS::ApiGatewayV2::Api", "AWS::ApiGatewayV2::Route", "AWS::ApiGatewayV2::Stage"}, {"AWS::Lambda::Url"}),
        ):
            one = stack(FrontDoor=door)
            kinds = {resource["Type"] for resource in one.of("Resources").values()}
            self.assertFalse(kinds & absent)
            self.assertLessEqual(present, kinds)
            url = str(one.value(one.of("Outputs")["WebhookUrl"]["Value"]))
            self.assertEqual("execute-api" in url, door == "HttpApi", url)

    def test_nobody_may_call_the_receiver_but_through_its_front_door(self):
        def of_the_receiver(one):
            of_it = (r["Properties"] for r in one.of("Resources").values() if r["Type"] == "AWS::Lambda::Permission")
            return [permission for permission in of_it if "Receiver" in str(permission["FunctionName"])]

        allowed = of_the_receiver(stack(FrontDoor="FunctionUrl"))
        self.assertEqual(
            sorted((p["Action"], p["Principal"], p.get("FunctionUrlAuthType"), p.get("InvokedViaFunctionUrl")) for p in allowed),
            [("lambda:InvokeFunction", "*", None, True), ("lambda:InvokeFunctionUrl", "*", "NONE", None)],
        )
        api, = of_the_receiver(stack())
        self.assertEqual(api["Principal"], "apigateway.amazonaws.com")

    def test_an_alarm_exists_only_where_somebody_sees_it(self):
        self.assertEqual(alarms(stack()), set())
        self.assertEqual(alarms(stack(GradualDeployment="true")), ROLL_BACK)
        for seen in ({"AlarmTopicArn": GIVEN["AlarmTopicArn"]}, {"PagingTopicArn": GIVEN["PagingTopicArn"]}, {"CreateDashboard": "true"}):
            self.assertGreater(len(alarms(stack(**seen))), 20, seen)

    def test_a_deployment_watches_alarms_that_exist(self):
        for one in stacks():
            for name, resource in one.of("Resources").items():
                if resource["Type"] == "AWS::CodeDeploy::DeploymentGroup":
                    watched = {alarm["Name"]["Ref"] for alarm in resource["Properties"]["AlarmConfiguration"]["Alarms"]}
                    self.assertLessEqual(watched, alarms(one) & ROLL_BACK, name)

    def test_only_a_stack_that_traces_may_send_traces(self):
        def may(**given):
            return "xray:" in str(stack(**given).value(stack(**given).of("Resources")))

        self.assertFalse(may(ContextApi="token"))
        self.assertTrue(may(Tracing="Active"))

    def test_without_a_key_tables_are_encrypted_by_one_that_is_free(self):
        for given, expected in (
            ({}, {"SSEEnabled": False}),
            ({"KmsKeyArn": GIVEN["KmsKeyArn"]}, {"SSEEnabled": True, "SSEType": "KMS", "KMSMasterKeyId": GIVEN["KmsKeyArn"]}),
        ):
            one = stack(**given)
            for table in ("ClaimsTable", "ContextTable", "TimersTable"):
                self.assertEqual(one.value(one.of("Resources")[table]["Properties"]["SSESpecification"]), expected)

    def test_the_dashboard_of_either_front_door_names_its_own_metrics(self):
        for door, namespace, other in (("HttpApi", "AWS/ApiGateway", "UrlRequestCount"), ("FunctionUrl", "UrlRequestCount", "AWS/ApiGateway")):
            one = stack(FrontDoor=door, CreateDashboard="true")
            body = str(one.value(one.of("Resources")["Dashboard"]["Properties"]["DashboardBody"]))
            self.assertIn(namespace, body)
            self.assertNotIn(other, body)
            self.assertEqual(re.findall(r"\$\{Door(?!\})\w+\}", body), [], "a name that CloudFormation doesn't know")

    def test_a_versions_description_fits(self):
        longest = {"LogSampling": 100, "LogLevel": "x" * TRANSLATED["false"]["Parameters"]["LogLevel"]["MaxLength"], "ReceiverMemoryMb": 10240,
                   "ProcessorMemoryMb": 10240, "Architecture": "x86_64", "ContextApi": "token", "Feed": "true",
                   "FeedOrigins": "x" * 72}
        one = stack(**longest)
        described = [r["Properties"]["Description"] for r in one.of("Resources").values() if r["Type"] == "AWS::Lambda::Version"]
        self.assertEqual(len(described), 4)
        for text in map(one.value, described):
            self.assertIsNot(text, NOTHING)
            self.assertLessEqual(len(text), 256, text)


class IdleCost(unittest.TestCase):
    def from_samconfig(self):
        settings = tomllib.loads(Path("samconfig.toml").read_text(encoding="utf-8"))
        return dict(one.split("=", 1) for one in settings["default"]["deploy"]["parameters"]["parameter_overrides"].split())

    def test_an_idle_stack_costs_two_dollars_a_month_at_most(self):
        for given in ({}, self.from_samconfig(), {"FrontDoor": "FunctionUrl"}):
            self.assertLessEqual(total(given), MOST_IDLE_DOLLARS, idle(given))

    def test_the_docs_have_the_sums(self):
        page = Path("docs/deploy.md").read_text(encoding="utf-8")
        topics = {name: GIVEN[name] for name in ("AlarmTopicArn", "PagingTopicArn")}
        default = self.from_samconfig()
        for given in (default, default | topics, default | topics | {"CreateDashboard": "true"}):
            self.assertTrue(f"**${total(given):.2f}**" in page, f"docs/deploy.md hasn't ${total(given):.2f}, of {given}: {idle(given)}")


if __name__ == "__main__":
    unittest.main()
