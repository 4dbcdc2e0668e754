"""The check of the statements finds what it is there to find: each mistake, put into the template, is the only thing it says."""

import copy
import unittest

from authorization import Reference, wrong
from deployed import deployed

REFERENCE = Reference.read()
TEMPLATE = deployed("template.yaml")


def statement(template, resource, sid):
    properties = template["Resources"][resource]["Properties"]
    documents = [policy["PolicyDocument"] for policy in properties.get("Policies", [])] + [properties.get("PolicyDocument", {})]
    return next(one for document in documents for one in document.get("Statement", []) if one.get("Sid") == sid)


class Statements(unittest.TestCase):
    def found(self, resource, sid, **changes):
        template = copy.deepcopy(TEMPLATE)
        statement(template, resource, sid).update(changes)
        return wrong(template, REFERENCE)[1]

    def test_the_template_as_it_is_has_nothing_wrong(self):
        self.assertEqual(wrong(TEMPLATE, REFERENCE)[1], [])

    def test_an_alias_is_moved_by_who_may_change_its_function(self):
        """As it once was: each second deployment would have failed."""
        aliases = ["${Receiver.Arn}:live", "${Processor.Arn}:live"]
        said = self.found("DeploymentRole", "MoveTheAliases", Resource=aliases)
        expected = [
            f"DeploymentRole, MoveTheAliases: lambda:{action} is authorized on a function, and "
            f"arn:aws:lambda:us-east-1:123456789012:function:{function}:live is none"
            for action in ("GetAlias", "UpdateAlias") for function in ("Receiver", "Processor")
        ]
        self.assertEqual(said, expected)

    def test_what_is_asked_of_an_alias_is_not_granted_on_its_function(self):
        functions = [{"Fn::GetAtt": ["Receiver", "Arn"]}]
        said, = self.found("DeploymentRole", "SeeProvisionedConcurrency", Resource=functions)
        self.assertIn("authorized on a function alias or a function version", said)

    def test_an_action_that_does_not_exist_is_found(self):
        said, = self.found("ReceiverRole", "Enqueue", Action="sqs:SendMessageBatch")
        self.assertEqual(said, "ReceiverRole, Enqueue: there is no action sqs:SendMessageBatch")
        said, = self.found("ProcessorRole", "CommitClaim", Action=["dynamodb:UpdateItem", "dynamodb:TransactWriteItem"])
        self.assertIn("no action dynamodb:TransactWriteItem", said)

    def test_a_resource_of_another_kind_is_found(self):
        said, = self.found("ReceiverRole", "Enqueue", Resource={"Fn::GetAtt": ["ClaimsTable", "Arn"]})
        self.assertIn("sqs:SendMessage is authorized on a queue", said)

    def test_everything_where_a_resource_can_be_named_is_found(self):
        said, = self.found("ReceiverRole", "Verify", Resource="*")
        self.assertIn("secretsmanager:GetSecretValue can name a Secret, and names everything", said)

    def test_a_resource_where_none_can_be_named_is_found(self):
        said = self.found("ReceiverRole", "Trace", Resource={"Fn::GetAtt": ["Receiver", "Arn"]})
        self.assertEqual(len(said), 2, said)

    def test_a_condition_that_its_service_does_not_know_is_found(self):
        condition = {"StringEquals": {"dynamodb:Attributes": "pk"}}
        said, = self.found("ReceiverRole", "Enqueue", Condition=condition)
        self.assertIn("sqs:SendMessage has no condition dynamodb:Attributes", said)
        self.assertEqual(self.found("ReceiverRole", "Claim", Condition=condition), [])

    def test_a_log_group_is_named_with_its_end(self):
        template = copy.deepcopy(TEMPLATE)
        statement(template, "ReceiverRole", "Log")["Resource"] = "arn:aws:logs:us-east-1:123456789012:log-group:/aws/lambda/x"
        said = wrong(template, REFERENCE)[1]
        self.assertEqual(len(said), 2, said)

    def test_a_policy_of_somebody_elses_cannot_be_looked_at(self):
        template = copy.deepcopy(TEMPLATE)
        template["Resources"]["ReceiverRole"]["Properties"]["ManagedPolicyArns"] = ["arn:aws:iam::aws:policy/ReadOnlyAccess"]
        with self.assertRaisesRegex(AssertionError, "ReceiverRole"):
            wrong(template, REFERENCE)


if __name__ == "__main__":
    unittest.main()
