"""A second deployment under traffic, and the way back from it as docs/upgrade.md has it: nothing is lost, nothing is done twice.

Shown: SAM publishes a version of a changed build and CloudFormation moves the alias to it; the version before is kept, and the alias
goes back to it; requests and events go on all the while. Not shown, because the emulated cloud has no CodeDeploy: an alias on two
versions at once, and what CodeDeploy does with the alarms. Of its role it is shown on which resource the calls for an alias are
authorized: the emulator asks for the function, as Lambda does. It takes all of these calls for one action, so that each is the right
one is left to tests/policy/authorization.py.
"""

import json
import os
import shutil
import threading
import time

import pytest
from botocore.exceptions import ClientError

from cloud import ALIAS, HARNESS
from conftest import REPOSITORY
from test_deployment import region, translated  # noqa: F401, a fixture that `translated` needs

FUNCTIONS = ("Receiver", "Processor")
CASE = "orders-product-watched"
DENIED = {"AccessDenied", "AccessDeniedException"}
TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "codedeploy.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}


# The emulator calls every call for an alias `ListAliases`: allowed where, and only where, the template allows both of ours.
MOVES = {"lambda:GetAlias", "lambda:UpdateAlias"}
EMULATED = "lambda:ListAliases"


class Traffic:
    """A provider that sends one event after the other, each until it is answered 2xx."""

    def __init__(self, stack, tidings):
        self.stack, self.tidings = stack, tidings
        self.template = json.loads(tidings.sign(CASE).body)
        self.accepted, self.retried, self.failure = [], 0, None
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._over.set()
        self._thread.join(120)
        assert not self._thread.is_alive(), "the provider didn't end"
        if self.failure:
            raise self.failure

    def _run(self):
        try:
            while not self._over.is_set():
                self._deliver(f"upgrade-{len(self.accepted)}")
                time.sleep(0.2)
        except Exception as failure:  # Raised where the traffic ends: a thread's own is seen by nobody.
            self.failure = failure

    def _deliver(self, identifier):
        body = json.dumps(self.template | {"id": identifier}).encode()
        request, tries = self.tidings.sign(CASE, body=body), 0
        while not 200 <= self.stack.send(request).status < 300:
            tries += 1
            assert tries < 100, f"{identifier} is never taken"
            time.sleep(0.5)
        self.retried += tries > 0
        self.accepted.append(f"{request.source}#{identifier}")

    def more(self, count):
        """Waits until so many more were taken."""
        wanted = len(self.accepted) + count
        self.stack.until(f"{count} more events", lambda: self.failure or len(self.accepted) >= wanted, 120)


@pytest.fixture
def changed(built, tmp_path_factory):
    """Another build: both binaries differ, and do the same. What follows an ELF file's sections isn't loaded."""
    into = tmp_path_factory.mktemp("changed") / "build"
    shutil.copytree(built, into)
    for name in FUNCTIONS:
        with (into / name / "bootstrap").open("ab") as binary:
            binary.write(b"another build")
    return into


def test_a_second_deployment_and_the_way_back_lose_nothing_and_double_nothing(stack, tidings, changed):
    functions = stack.client("lambda")
    before = {name: stack.live(name) for name in FUNCTIONS}
    with Traffic(stack, tidings) as traffic:
        traffic.more(5)
        stack.deploy_again(os.environ["E2E_SAM_BIN"], changed, REPOSITORY)
        after = {name: stack.live(name) for name in FUNCTIONS}
        stack.make_up_for_the_emulator()
        stack.client("secretsmanager").put_secret_value(SecretId=stack.secret, SecretString=json.dumps(tidings.secrets))
        traffic.more(10)
        for name in FUNCTIONS:
            assert after[name] != before[name], f"{name}: the changed build is no new version"
            assert before[name] in stack.versions(name), f"{name}: the way back is gone"
            codes = [
                functions.get_function_configuration(FunctionName=stack.resources[name], Qualifier=version)["CodeSha256"]
                for version in (before[name], after[name])
            ]
            assert codes[0] != codes[1]
        # docs/upgrade.md, "Going back by hand".
        for name in FUNCTIONS:
            functions.update_alias(
                FunctionName=stack.resources[name], Name=ALIAS, FunctionVersion=before[name],
                RoutingConfig={"AdditionalVersionWeights": {}},
            )
        traffic.more(10)
        assert {name: stack.live(name) for name in FUNCTIONS} == before
    stack.until("all of them processed", lambda: {
        key for key, claim in stack.claims().items() if claim["state"] == "processed"
    } >= set(traffic.accepted), 60)
    stack.settle()
    effects = stack.proxy.effects()
    assert {key: effects[key] for key in traffic.accepted} == dict.fromkeys(traffic.accepted, 1)
    assert set(stack.claims()) == set(traffic.accepted)
    assert stack.depth(stack.dead_queue) == (0, 0)


@pytest.fixture
def codedeploy(stack):
    """Clients with the role that the template gives CodeDeploy, or with another policy in its place: role(policy)(service)."""
    roles, name = stack.client("iam"), "as-codedeploy"
    arn = roles.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(TRUST))["Role"]["Arn"]

    def role(policy):
        roles.put_role_policy(RoleName=name, PolicyName="deployment", PolicyDocument=json.dumps(policy))
        given = stack.client("sts").assume_role(RoleArn=arn, RoleSessionName=HARNESS)["Credentials"]
        return lambda service: stack.client(
            service, aws_access_key_id=given["AccessKeyId"], aws_secret_access_key=given["SecretAccessKey"],
            aws_session_token=given["SessionToken"],
        )

    yield role
    roles.delete_role_policy(RoleName=name, PolicyName="deployment")
    roles.delete_role(RoleName=name)


def policy_of_the_template(stack):
    """DeploymentRole's, as a stack with GradualDeployment=true has it, with this stack's functions in it."""
    text = json.dumps(translated(GradualDeployment="true")["DeploymentRole"]["Properties"]["Policies"][0]["PolicyDocument"])
    for name in FUNCTIONS:
        arn = stack.client("lambda").get_function_configuration(FunctionName=stack.resources[name])["FunctionArn"]
        text = text.replace(json.dumps({"Fn::GetAtt": [name, "Arn"]}), json.dumps(arn)).replace(f"${{{name}.Arn}}", arn)

    def plain(value):
        if isinstance(value, list):
            return [plain(item) for item in value]
        if isinstance(value, dict):
            return plain(value["Fn::Sub"]) if set(value) == {"Fn::Sub"} else {key: plain(item) for key, item in value.items()}
        assert "${" not in str(value), value
        return value

    policy = plain(json.loads(text))
    for statement in policy["Statement"]:
        if MOVES <= set(statement["Action"]):
            statement["Action"] = [*statement["Action"], EMULATED]
    return policy


def moves(stack, name):
    """What CodeDeploy does to an alias, each call by its name. The alias stays where it is."""
    alias = {"FunctionName": stack.resources[name], "Name": ALIAS}
    version = stack.live(name)
    return {
        "GetAlias": lambda client: client.get_alias(**alias),
        "UpdateAlias": lambda client: client.update_alias(**alias, FunctionVersion=version, RoutingConfig={"AdditionalVersionWeights": {}}),
    }


def refused(call, client):
    try:
        call(client)
    except ClientError as error:
        assert error.response["Error"]["Code"] in DENIED, error
        return True
    return False


@pytest.mark.parametrize("name", FUNCTIONS)
def test_codedeploys_role_may_move_the_alias_and_do_nothing_else(stack, codedeploy, name):
    clients = codedeploy(policy_of_the_template(stack))
    for action, call in moves(stack, name).items():
        assert not refused(call, clients("lambda")), f"CodeDeploy is refused {action}: each second deployment would fail"
    assert not refused(lambda client: client.describe_alarms(), clients("cloudwatch"))
    function = {"FunctionName": stack.resources[name]}
    for other in (
        lambda client: client.invoke(**function, Qualifier=ALIAS, Payload=b"{}"),
        lambda client: client.publish_version(**function),
        lambda client: client.update_function_configuration(**function, Description="not its to say"),
        lambda client: client.delete_function(**function),
    ):
        assert refused(other, clients("lambda"))


def test_a_role_that_names_the_alias_alone_may_not_move_it(stack, codedeploy):
    """As the template once had it. Lambda asks for the function, and so does the emulator: the test above can fail."""
    policy = policy_of_the_template(stack)
    aliases = next(s["Resource"] for s in policy["Statement"] if s["Sid"] == "SeeProvisionedConcurrency")
    policy["Statement"] = [s | {"Resource": aliases} if s["Sid"] == "MoveTheAliases" else s for s in policy["Statement"]]
    clients = codedeploy(policy)
    assert all(refused(call, clients("lambda")) for name in FUNCTIONS for call in moves(stack, name).values())
