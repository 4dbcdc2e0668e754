//! The template agrees with the code.

use processor::lambda::Invocation;
use publisher::aws::DUE_INDEX;
use publisher::limits as webhooks;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use tidings_config::limits::{
    BATCH_RESERVE, EVENTS_VISIBILITY, MAX_BATCH_MESSAGES, MAX_DEFERRAL, MAX_EVENT_AGE, MAX_MESSAGE_BYTES, MAX_TIMER_DELAY,
    SENDER_RECEIVES, SENDER_TIMEOUT, STORED_TIMER_KEPT, SWEEP_INTERVAL, SWEEP_OVERDUE, SWEEP_PROVEN, SWEEP_RESERVE,
};
use tidings_core::aws::{OPERATION_TIMEOUT, OUTBOX_INDEX, TIMELINE_INDEX};
use tidings_core::settings::{
    FeedSettings, KafkaSettings, ProcessorSettings, PublisherSettings, ReaderSettings, ReceiverSettings, SenderSettings,
};
use tidings_project::limits::MAX_JOIN_WITHIN;
use tidings_tests::template::{FrontDoor, Template};

fn set<'a>(texts: impl IntoIterator<Item = &'a str>) -> BTreeSet<&'a str> {
    texts.into_iter().collect()
}

#[test]
fn each_function_gets_the_variables_that_it_reads_and_no_other() {
    let template = Template::read();
    for (function, reads) in [
        ("Receiver", ReceiverSettings::VARIABLES),
        ("Processor", ProcessorSettings::VARIABLES),
        ("Reader", ReaderSettings::VARIABLES),
        ("PublisherFunction", PublisherSettings::VARIABLES),
        ("FeedReader", FeedSettings::VARIABLES),
        ("SenderFunction", SenderSettings::VARIABLES),
        ("KafkaFunction", KafkaSettings::VARIABLES),
    ] {
        let variables = template.property(function, "/Environment/Variables").as_object().unwrap();
        let expected: BTreeSet<&str> = reads.iter().copied().chain(["RUST_LOG"]).collect();
        assert_eq!(set(variables.keys().map(String::as_str)), expected, "{function}");
    }
    assert_eq!(template.text("Receiver", "/Environment/Variables/CLAIMS_TABLE"), "ClaimsTable");
    assert_eq!(template.text("Receiver", "/Environment/Variables/EVENTS_QUEUE_URL"), "EventsQueue");
    assert_eq!(template.text("Processor", "/Environment/Variables/CLAIMS_TABLE"), "ClaimsTable");
    assert_eq!(template.text("Processor", "/Environment/Variables/CONTEXT_TABLE"), "ContextTable");
    assert_eq!(template.text("Processor", "/Environment/Variables/TIMERS_TABLE"), "TimersTable");
    assert_eq!(template.text("Processor", "/Environment/Variables/EVENTS_QUEUE_URL"), "EventsQueue");
    assert_eq!(template.text("Processor", "/Environment/Variables/LINKS_QUEUE_ARN"), "LinksQueue.Arn");
    assert_eq!(template.text("Processor", "/Environment/Variables/ACTIONS_QUEUE_URL"), "ActionsQueue");
    assert_eq!(template.text("Reader", "/Environment/Variables/CONTEXT_TABLE"), "ContextTable");
    assert_eq!(template.text("Reader", "/Environment/Variables/CONTEXT_API"), "ContextApi");
}

#[test]
fn the_processor_dead_letters_on_the_receive_after_which_sqs_moves_the_message() {
    let template = Template::read();
    let redrive = template.number("EventsQueue", "/RedrivePolicy/maxReceiveCount");
    assert_eq!(template.number("Processor", "/Environment/Variables/MAX_RECEIVE_COUNT"), redrive);
    assert!(redrive >= 5, "fewer would dead_letter what a throttled moment delayed");
    assert_eq!(template.text("EventsQueue", "/RedrivePolicy/deadLetterTargetArn"), "DeadLetterQueue.Arn");
}

#[test]
fn timeouts_fit_into_each_other() {
    let template = Template::read();
    let visibility = template.number("EventsQueue", "/VisibilityTimeout");
    let processor = template.number("Processor", "/Timeout");
    assert!(visibility >= 6 * processor, "{visibility} s of visibility, {processor} s of processor");
    let receiver = template.number("Receiver", "/Timeout");
    assert!(receiver > 3 * OPERATION_TIMEOUT.as_secs(), "claim, send and mark must fit into {receiver} s");
    assert!(receiver < 30, "an HTTP API gives up after 30 s");
    assert!(
        processor > BATCH_RESERVE.as_secs() + 2 * OPERATION_TIMEOUT.as_secs(),
        "a load and a commit must fit before the reserve"
    );
}

#[test]
fn a_claim_outlives_all_the_time_that_its_message_can_wait() {
    let template = Template::read();
    let retention = |queue| template.number(queue, "/MessageRetentionPeriod");
    let (events, dead) = (retention("EventsQueue"), retention("DeadLetterQueue"));
    assert_eq!((events, dead), (14 * 86_400, 14 * 86_400), "SQS's longest");
    assert!(MAX_EVENT_AGE.as_secs() > events + dead, "a redrive on the last day must still be applied, not parked");
}

#[test]
fn the_queues_accept_the_receivers_messages() {
    let template = Template::read();
    let queues: Vec<&String> =
        template.resources().filter(|(_, r)| r["Type"] == "AWS::SQS::Queue").map(|(name, _)| name).collect();
    assert_eq!(queues.len(), 13);
    for queue in queues {
        assert_eq!(template.number(queue, "/MaximumMessageSize"), MAX_MESSAGE_BYTES as u64);
        let policy = &format!("{queue}Policy");
        assert_eq!(template.property(policy, "/Queues"), &json!([queue]));
        let statement = template.property(policy, "/PolicyDocument/Statement/0");
        assert_eq!((&statement["Effect"], &statement["Action"]), (&json!("Deny"), &json!("sqs:*")));
        assert_eq!(statement["Condition"], json!({"Bool": {"aws:SecureTransport": "false"}}));
    }
}

#[test]
fn actions_are_in_the_order_of_their_conversation_and_delay_no_other() {
    let template = Template::read();
    for queue in ["ActionsQueue", "ActionsDeadLetterQueue"] {
        assert_eq!(template.property(queue, "/FifoQueue"), true, "{queue}");
    }
    assert_eq!(template.text("ActionsQueue", "/DeduplicationScope"), "messageGroup");
    assert_eq!(template.text("ActionsQueue", "/FifoThroughputLimit"), "perMessageGroupId");
    assert_eq!(template.text("ActionsQueue", "/RedrivePolicy/deadLetterTargetArn"), "ActionsDeadLetterQueue.Arn");
}

/// SQS's default of 30 s would deliver an action to a second consumer while the first still processes it.
#[test]
fn an_action_is_hidden_for_as_long_as_the_bot_says() {
    let template = Template::read();
    assert_eq!(template.text("ActionsQueue", "/VisibilityTimeout"), "ActionsVisibilitySeconds");
    let parameter = template.parameter("ActionsVisibilitySeconds");
    let default = parameter["Default"].as_u64().unwrap();
    assert_eq!((&parameter["MinValue"], &parameter["MaxValue"]), (&json!(1), &json!(43_200)), "SQS's longest");
    for bot in ["python", "node"] {
        let example = Template::of(&format!("examples/bots/{bot}/template.yaml"));
        let timeout = example.number("Bot", "/Timeout");
        assert!(6 * timeout <= default, "{bot}: {timeout} s of function, {default} s of visibility");
        assert_eq!(example.property("BotSource", "/FunctionResponseTypes"), &json!(["ReportBatchItemFailures"]), "{bot}");
        assert_eq!(example.text("BotSource", "/EventSourceArn"), "ActionsQueueArn", "{bot}");
    }
}

/// Lambda stops loops after about 16 rounds. A timer loops by design.
#[test]
fn the_processor_may_send_to_its_own_queue() {
    assert_eq!(Template::read().text("Processor", "/RecursiveLoop"), "Allow");
}

#[test]
fn timers_end_within_the_lifetime_of_their_claim() {
    let template = Template::read();
    assert_eq!(MAX_TIMER_DELAY.as_secs(), 900, "SQS's longest delay");
    let wait = MAX_JOIN_WITHIN.max(MAX_DEFERRAL).as_secs();
    let retention = template.number("EventsQueue", "/MessageRetentionPeriod");
    assert!(wait + retention < MAX_EVENT_AGE.as_secs());
    assert_eq!(STORED_TIMER_KEPT.as_secs(), retention, "a stored timer waits for its sweep as long as a message for its receive");
}

/// The function itself: an alias may lead to a version that knows no sweeps.
#[test]
fn the_schedule_sweeps_the_timers_as_often_as_the_code_expects() {
    let template = Template::read();
    let minutes = SWEEP_INTERVAL.as_secs() / 60;
    assert_eq!(template.text("SweepSchedule", "/ScheduleExpression"), format!("rate({minutes} minutes)"));
    assert_eq!(template.text("SweepSchedule", "/Targets/0/Arn"), "Processor.Arn");
    let input: Invocation = serde_json::from_str(template.text("SweepSchedule", "/Targets/0/Input")).expect("an invocation");
    assert!(input.is_sweep());
    assert_eq!(template.text("SweepPermission", "/FunctionName"), "Processor");
    assert_eq!(template.text("SweepPermission", "/Principal"), "events.amazonaws.com");
    assert_eq!(template.text("SweepPermission", "/SourceArn"), "SweepSchedule.Arn");
    let processor = template.number("Processor", "/Timeout");
    assert!(processor > SWEEP_RESERVE.as_secs() + 2 * OPERATION_TIMEOUT.as_secs(), "a sweep gets on in {processor} s");
    let alarm = template.number("SweepAlarm", "/Period") * template.number("SweepAlarm", "/EvaluationPeriods");
    assert_eq!(alarm, SWEEP_OVERDUE.as_secs(), "when timers are no longer stored");
    // Linear10PercentEvery3Minutes ends after 27 minutes.
    assert!(SWEEP_PROVEN.as_secs() > 2 * 27 * 60, "a deployment that is rolled back ends before the first timer is stored");
    let dimensions = template.property("ProcessorIdleAlarm", "/Dimensions");
    assert_eq!(dimensions[1], json!({"Name": "Resource", "Value": "${Processor}:live"}), "a sweep is no batch");
}

#[test]
fn a_batch_fails_in_part_and_never_as_a_whole() {
    let template = Template::read();
    assert_eq!(template.property("ProcessorSource", "/FunctionResponseTypes"), &json!(["ReportBatchItemFailures"]));
    assert_eq!(template.text("ProcessorSource", "/EventSourceArn"), "EventsQueue.Arn");
    assert_eq!(template.text("ProcessorSource", "/FunctionName"), "Processor.Alias");
    assert_eq!(template.number("ProcessorSource", "/BatchSize"), 10, "a larger batch needs a window, which delays every event");
}

/// An event that is postponed after an abort is received no earlier than the others.
#[test]
fn the_processor_knows_the_queues_visibility_timeout() {
    let template = Template::read();
    assert_eq!(template.number("EventsQueue", "/VisibilityTimeout"), EVENTS_VISIBILITY.as_secs());
    assert_eq!(template.number("ProcessorSource", "/BatchSize"), MAX_BATCH_MESSAGES as u64, "one call hides all of a batch");
    assert!(6 * template.number("Processor", "/Timeout") <= EVENTS_VISIBILITY.as_secs(), "as AWS asks for");
}

/// A sender of links may not send events, and each dead-letter queue has one source queue.
#[test]
fn links_have_a_separate_queue_with_the_settings_of_the_events_queue() {
    let template = Template::read();
    for property in ["/VisibilityTimeout", "/MessageRetentionPeriod", "/MaximumMessageSize", "/RedrivePolicy/maxReceiveCount"] {
        assert_eq!(template.property("LinksQueue", property), template.property("EventsQueue", property), "{property}");
    }
    assert_eq!(template.text("LinksQueue", "/RedrivePolicy/deadLetterTargetArn"), "LinksDeadLetterQueue.Arn");
    // With a sender the bot has a queue of its own.
    for (dead, queues) in [("DeadLetterQueue", 1), ("LinksDeadLetterQueue", 1), ("ActionsDeadLetterQueue", 2)] {
        let from = template.property(dead, "/RedriveAllowPolicy/sourceQueueArns").as_array().unwrap();
        assert_eq!(from.len(), queues, "{dead} takes the dead letters of one kind of queue");
    }
    assert_eq!(template.property("LinksSource", "/FunctionResponseTypes"), &json!(["ReportBatchItemFailures"]));
    assert_eq!(template.text("LinksSource", "/EventSourceArn"), "LinksQueue.Arn");
    assert_eq!(template.number("LinksSource", "/BatchSize"), template.number("ProcessorSource", "/BatchSize"));
    assert!(template.number("LinksSource", "/ScalingConfig/MaximumConcurrency") <= 2, "links mustn't starve events");
    let senders = ["ReceiverRole", "ProcessorRole"].map(|role| template.grants(role).contains("sqs:SendMessage LinksQueue.Arn"));
    assert_eq!(senders, [false, false], "programs alone send there");
}

#[test]
fn each_role_has_what_its_ports_need_and_no_more() {
    let template = Template::read();
    let receiver = [
        "dynamodb:PutItem ClaimsTable.Arn",
        "dynamodb:UpdateItem ClaimsTable.Arn",
        "logs:CreateLogStream ReceiverLogGroup.Arn",
        "logs:PutLogEvents ReceiverLogGroup.Arn",
        "secretsmanager:GetSecretValue Secret.Id",
        "sqs:GetQueueAttributes EventsQueue.Arn",
        "sqs:SendMessage EventsQueue.Arn",
    ];
    let processor = [
        "dynamodb:BatchGetItem ClaimsTable.Arn",
        "dynamodb:BatchGetItem ContextTable.Arn",
        "dynamodb:ConditionCheckItem ContextTable.Arn",
        "dynamodb:DeleteItem ContextTable.Arn",
        "dynamodb:GetItem ClaimsTable.Arn",
        "dynamodb:PutItem ContextTable.Arn",
        "dynamodb:PutItem TimersTable.Arn",
        "dynamodb:Query ${ClaimsTable.Arn}/index/outbox",
        "dynamodb:Query ContextTable.Arn",
        "dynamodb:Query TimersTable.Arn",
        "dynamodb:UpdateItem ClaimsTable.Arn",
        "logs:CreateLogStream ProcessorLogGroup.Arn",
        "logs:PutLogEvents ProcessorLogGroup.Arn",
        "sqs:ChangeMessageVisibility EventsQueue.Arn",
        "sqs:DeleteMessage EventsQueue.Arn",
        "sqs:DeleteMessage LinksQueue.Arn",
        "sqs:GetQueueAttributes EventsQueue.Arn",
        "sqs:GetQueueAttributes LinksQueue.Arn",
        "sqs:ReceiveMessage EventsQueue.Arn",
        "sqs:ReceiveMessage LinksQueue.Arn",
        "sqs:SendMessage ActionsQueue.Arn",
        "sqs:SendMessage EventsQueue.Arn",
    ];
    let reader =
        ["dynamodb:Query ContextTable.Arn", "logs:CreateLogStream ReaderLogGroup.Arn", "logs:PutLogEvents ReaderLogGroup.Arn"];
    let publisher = [
        "dynamodb:GetItem DeliveriesTable.Arn",
        "dynamodb:GetItem EndpointsTable.Arn",
        "dynamodb:PutItem DeliveriesTable.Arn",
        "dynamodb:PutItem EndpointsTable.Arn",
        "dynamodb:Query ${DeliveriesTable.Arn}/index/due",
        "dynamodb:Query EndpointsTable.Arn",
        "dynamodb:UpdateItem DeliveriesTable.Arn",
        "logs:CreateLogStream PublisherLogGroup.Arn",
        "logs:PutLogEvents PublisherLogGroup.Arn",
        "secretsmanager:GetSecretValue EndpointsSecret.Id",
        "sqs:DeleteMessage DeliveriesQueue.Arn",
        "sqs:DeleteMessage PublishedQueue.Arn",
        "sqs:GetQueueAttributes DeliveriesQueue.Arn",
        "sqs:GetQueueAttributes PublishedQueue.Arn",
        "sqs:ReceiveMessage DeliveriesQueue.Arn",
        "sqs:ReceiveMessage PublishedQueue.Arn",
        "sqs:SendMessage DeliveriesQueue.Arn",
        "sqs:SendMessage PublishedQueue.Arn",
    ];
    let feed = [
        "dynamodb:BatchGetItem ContextTable.Arn",
        "dynamodb:GetItem ClaimsTable.Arn",
        "dynamodb:GetItem ContextTable.Arn",
        "dynamodb:PutItem ContextTable.Arn",
        "dynamodb:Query ContextTable.Arn",
        "logs:CreateLogStream FeedLogGroup.Arn",
        "logs:PutLogEvents FeedLogGroup.Arn",
        "secretsmanager:GetSecretValue FeedSecret.Id",
        "secretsmanager:GetSecretValue FeedStatusSecret.Id",
    ];
    let sender = [
        "dynamodb:PutItem SendsTable.Arn",
        "logs:CreateLogStream SenderLogGroup.Arn",
        "logs:PutLogEvents SenderLogGroup.Arn",
        "secretsmanager:GetSecretValue ChannelSecrets.Id",
        "sqs:ChangeMessageVisibility ActionsQueue.Arn",
        "sqs:DeleteMessage ActionsQueue.Arn",
        "sqs:GetQueueAttributes ActionsQueue.Arn",
        "sqs:ReceiveMessage ActionsQueue.Arn",
        "sqs:SendMessage ActionsDeadLetterQueue.Arn",
        "sqs:SendMessage BotActionsQueue.Arn",
    ];
    let kafka = [
        "logs:CreateLogStream KafkaLogGroup.Arn",
        "logs:PutLogEvents KafkaLogGroup.Arn",
        "secretsmanager:GetSecretValue KafkaSecret.Id",
        "sqs:DeleteMessage KafkaQueue.Arn",
        "sqs:GetQueueAttributes KafkaQueue.Arn",
        "sqs:ReceiveMessage KafkaQueue.Arn",
    ];
    for (function, role, expected) in [
        ("Receiver", "ReceiverRole", &receiver[..]),
        ("Processor", "ProcessorRole", &processor[..]),
        ("Reader", "ReaderRole", &reader[..]),
        ("PublisherFunction", "PublisherRole", &publisher[..]),
        ("FeedReader", "FeedRole", &feed[..]),
        ("SenderFunction", "SenderRole", &sender[..]),
        ("KafkaFunction", "KafkaRole", &kafka[..]),
    ] {
        assert_eq!(template.text(function, "/Role"), format!("{role}.Arn"));
        assert_eq!(template.grants(role), expected.iter().map(|g| (*g).to_owned()).collect(), "{role}");
    }
    let roles: Vec<&str> =
        template.resources().filter(|(_, r)| r["Type"] == "AWS::IAM::Role").map(|(name, _)| name.as_str()).collect();
    assert_eq!(
        roles,
        ["ReceiverRole", "ProcessorRole", "ReaderRole", "PublisherRole", "KafkaRole", "SenderRole", "FeedRole", "DeploymentRole"],
        "one for each function, one for moving them"
    );
    for (name, resource) in template.resources().filter(|(_, r)| r["Type"] == "AWS::Serverless::Function") {
        assert_eq!(resource["Properties"].get("Policies"), None, "{name}: SAM would add `*` of its own");
    }
}

#[test]
fn tenants_are_read_one_by_one_by_the_receiver_alone_and_always_encrypted_with_a_key_of_kms() {
    let template = Template::read();
    let read = json!([{"Sid": "ReadTenants", "Effect": "Allow", "Action": "dynamodb:GetItem", "Resource": "TenantsTable.Arn"}]);
    assert_eq!(template.property("ReceiverTenantsPolicy", "/PolicyDocument/Statement"), &read);
    assert_eq!(template.text("ReceiverTenantsPolicy", "/RoleName"), "ReceiverRole");
    let key = json!(["HasKey", "KmsKeyArn", "AWS::NoValue"]);
    let encrypted = json!({"SSEEnabled": true, "SSEType": "KMS", "KMSMasterKeyId": key});
    assert_eq!(template.property("TenantsTable", "/SSESpecification"), &encrypted);
    let named = template.resources().filter(|(_, resource)| resource.to_string().contains("TenantsTable"));
    assert_eq!(named.map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["Receiver", "ReceiverTenantsPolicy"]);
    for name in ["TenantRoute", "TenantsTable", "ReceiverTenantsPolicy"] {
        let conditional =
            template.resources().find(|(one, _)| *one == name).is_some_and(|(_, resource)| resource["Condition"] != Value::Null);
        assert!(conditional, "{name}: a stack without tenants has nothing of it");
    }
}

#[test]
fn the_tables_are_what_the_adapters_expect() {
    let template = Template::read();
    let keys = |table: &str, path: &str| -> Vec<(String, String)> {
        let schema = template.property(table, path).as_array().unwrap().clone();
        let text = |v: &Value| v.as_str().unwrap().to_owned();
        schema.iter().map(|k| (text(&k["AttributeName"]), text(&k["KeyType"]))).collect()
    };
    let pair = |name: &str, kind: &str| (name.to_owned(), kind.to_owned());
    assert_eq!(keys("ClaimsTable", "/KeySchema"), [pair("pk", "HASH")]);
    assert_eq!(keys("TenantsTable", "/KeySchema"), [pair("pk", "HASH")]);
    assert_eq!(keys("ContextTable", "/KeySchema"), [pair("pk", "HASH"), pair("sk", "RANGE")]);
    for table in ["TimersTable", "EndpointsTable", "DeliveriesTable", "SendsTable"] {
        assert_eq!(keys(table, "/KeySchema"), [pair("pk", "HASH"), pair("sk", "RANGE")]);
    }
    assert_eq!(template.text("ClaimsTable", "/GlobalSecondaryIndexes/0/IndexName"), TIMELINE_INDEX);
    let index = keys("ClaimsTable", "/GlobalSecondaryIndexes/0/KeySchema");
    assert_eq!(index, [pair("conversation", "HASH"), pair("occurred", "RANGE")]);
    assert_eq!(template.text("ClaimsTable", "/GlobalSecondaryIndexes/1/IndexName"), OUTBOX_INDEX);
    let index = keys("ClaimsTable", "/GlobalSecondaryIndexes/1/KeySchema");
    assert_eq!(index, [pair("outbox_partition", "HASH"), pair("received_at", "RANGE")]);
    let projected = template.text("ClaimsTable", "/GlobalSecondaryIndexes/1/Projection/ProjectionType");
    assert_eq!(projected, "KEYS_ONLY", "a message is written once");
    for table in ["ClaimsTable", "ContextTable", "TimersTable", "DeliveriesTable", "SendsTable"] {
        assert_eq!(template.text(table, "/BillingMode"), "PAY_PER_REQUEST");
        assert_eq!(
            template.property(table, "/TimeToLiveSpecification"),
            &json!({"AttributeName": "expires_at", "Enabled": true})
        );
        assert_eq!(template.property(table, "/PointInTimeRecoverySpecification/PointInTimeRecoveryEnabled"), true);
        // `true` without the operator's key would be the account's managed key, whose calls are billed.
        assert_eq!(template.property(table, "/SSESpecification/SSEEnabled"), &json!(["HasKey", true, false]));
        assert_eq!(template.property(table, "/SSESpecification/SSEType"), &json!(["HasKey", "KMS", "AWS::NoValue"]));
    }
}

/// Nothing of it exists unless it is asked for: tests/policy/test_parameters.py checks the stacks without.
#[test]
fn the_publisher_is_off_by_default_and_what_it_has_is_what_its_code_expects() {
    let template = Template::read();
    assert_eq!(template.parameter("Publisher")["Default"], "false");
    let of_it = template.resources().filter(|(name, _)| {
        ["Publish", "Deliveries", "Endpoint", "WebhookFailed"].iter().any(|part| name.starts_with(part))
            || *name == "ProcessorPublishPolicy"
    });
    for (name, resource) in of_it {
        let condition = resource["Condition"].as_str().unwrap_or_default();
        assert!(condition.starts_with("Publishes"), "{name}: {condition:?}");
    }
    let variable = template.property("Processor", "/Environment/Variables/PUBLISHED_QUEUE_URL");
    assert_eq!(variable, &json!(["Publishes", "PublishedQueue", ""]));
    assert_eq!(template.text("DeliveriesTable", "/GlobalSecondaryIndexes/0/IndexName"), DUE_INDEX);
    let index = template.property("DeliveriesTable", "/GlobalSecondaryIndexes/0");
    assert_eq!(index["Projection"], json!({"ProjectionType": "INCLUDE", "NonKeyAttributes": ["attempts"]}));
    assert_eq!(
        (&index["KeySchema"][0]["AttributeName"], &index["KeySchema"][1]["AttributeName"]),
        (&json!("due_partition"), &json!("due_at"))
    );
    for queue in ["PublishedQueue", "DeliveriesQueue"] {
        let visibility = template.number(queue, "/VisibilityTimeout");
        assert!(visibility >= 6 * template.number("PublisherFunction", "/Timeout"), "{queue}: as AWS asks for");
        assert!(visibility > webhooks::ATTEMPT_LEASE.as_secs(), "{queue}: an attempt that was lost is seen at the next receive");
        assert!(template.number(queue, "/RedrivePolicy/maxReceiveCount") >= 5);
    }
    for source in ["PublishedSource", "DeliveriesSource"] {
        assert_eq!(template.property(source, "/FunctionResponseTypes"), &json!(["ReportBatchItemFailures"]));
    }
    let timeout = template.number("PublisherFunction", "/Timeout");
    let attempt = webhooks::ATTEMPT_TIMEOUT + webhooks::BATCH_RESERVE + 4 * OPERATION_TIMEOUT;
    assert!(timeout > attempt.as_secs(), "an attempt fits into {timeout} s with its reads and writes");
    assert_eq!(
        template.text("DeliveriesSchedule", "/ScheduleExpression"),
        format!("rate({} minute)", webhooks::SWEEP_INTERVAL.as_secs() / 60)
    );
    let input: publisher::lambda::Invocation =
        serde_json::from_str(template.text("DeliveriesSchedule", "/Targets/0/Input")).expect("an invocation");
    assert!(input.is_sweep());
}

#[test]
fn kafka_is_off_by_default_and_its_queue_waits_for_two_days_of_an_outage() {
    let template = Template::read();
    assert_eq!(template.parameter("Kafka")["Default"], "false");
    let of_it = template.resources().filter(|(name, _)| name.starts_with("Kafka") || *name == "SinkKafkaPolicy");
    for (name, resource) in of_it {
        let condition = resource["Condition"].as_str().unwrap_or_default();
        assert!(condition.starts_with("HasKafka"), "{name}: {condition:?}");
    }
    for (name, resource) in template.resources().filter(|(name, _)| name.starts_with("Sink")) {
        let condition = resource["Condition"].as_str().unwrap_or_default();
        assert!(condition.starts_with("SendsTo") || condition == "HasKafka", "{name}: {condition:?}");
    }
    for queue in ["KafkaQueue", "KafkaDeadLetterQueue"] {
        assert_eq!(template.property(queue, "/FifoQueue"), true, "{queue}");
    }
    assert_eq!(template.text("KafkaQueue", "/FifoThroughputLimit"), "perMessageGroupId");
    let (visibility, timeout) =
        (template.number("KafkaQueue", "/VisibilityTimeout"), template.number("KafkaFunction", "/Timeout"));
    assert!(visibility >= 6 * timeout, "{visibility} s of visibility, {timeout} s of function");
    assert!(kafka::limits::WRITE_TIMEOUT + kafka::limits::BATCH_RESERVE < std::time::Duration::from_secs(timeout));
    assert_eq!(template.number("KafkaQueue", "/RedrivePolicy/maxReceiveCount") * visibility, 2 * 86_400);
    assert_eq!(template.property("KafkaSource", "/FunctionResponseTypes"), &json!(["ReportBatchItemFailures"]));
}

#[test]
fn the_sender_is_off_by_default_and_what_it_has_is_what_its_code_expects() {
    let template = Template::read();
    assert_eq!(template.parameter("Sender")["Default"], "false");
    let of_it =
        template.resources().filter(|(name, _)| ["Send", "BotActions", "Channel"].iter().any(|part| name.starts_with(part)));
    for (name, resource) in of_it {
        let condition = resource["Condition"].as_str().unwrap_or_default();
        assert!(condition.starts_with("HasSender"), "{name}: {condition:?}");
    }
    let seconds = |limit: std::time::Duration| Value::from(limit.as_secs());
    let actions = |name: &str| template.mapping("Delivery", "Actions", name);
    assert_eq!(actions("SenderTimeoutSeconds"), &seconds(SENDER_TIMEOUT));
    assert_eq!(actions("SenderReceives"), &Value::from(SENDER_RECEIVES));
    assert!(template.parameter("ActionsVisibilitySeconds")["Default"].as_u64().unwrap() >= 6 * SENDER_TIMEOUT.as_secs());
    assert_eq!(template.property("SenderSource", "/FunctionResponseTypes"), &json!(["ReportBatchItemFailures"]));
    for name in ["DeduplicationScope", "FifoThroughputLimit", "FifoQueue", "VisibilityTimeout", "MessageRetentionPeriod"] {
        let path = format!("/{name}");
        assert_eq!(template.property("BotActionsQueue", &path), template.property("ActionsQueue", &path), "{name}");
    }
    assert_eq!(template.text("BotActionsQueue", "/RedrivePolicy/deadLetterTargetArn"), "ActionsDeadLetterQueue.Arn");
}

#[test]
fn the_front_door_has_the_routes_that_the_receiver_answers() {
    let template = Template::read();
    let mut routes: Vec<String> = template
        .resources()
        .filter(|(_, r)| r["Type"] == "AWS::ApiGatewayV2::Route")
        .map(|(name, _)| template.text(name, "/RouteKey").to_owned())
        .collect();
    routes.sort();
    let expected = [
        "ANY /feed/{conversation+}",
        "ANY /webhooks/{source}",
        "ANY /webhooks/{source}/{tenant}",
        "GET /context/{conversation+}",
        "GET /events/{token}",
        "GET /health",
        "GET /ready",
        "HEAD /health",
        "HEAD /ready",
    ];
    assert_eq!(routes, expected);
    for route in &routes {
        // A route's name is a key that contains slashes.
        let mut settings = &template.property("Stage", "/RouteSettings")[route];
        // !If [condition, settings, nothing]
        if let Some([_, given, _]) = settings.as_array().map(Vec::as_slice) {
            settings = given;
        }
        assert!(settings["ThrottlingRateLimit"] != Value::Null && settings["ThrottlingBurstLimit"] != Value::Null, "{route}");
    }
    assert_eq!(template.text("Stage", "/StageName"), "$default", "another stage would be part of the path");
    assert_eq!(template.text("Stage", "/AccessLogSettings/DestinationArn"), "AccessLogGroup.Arn");
}

/// tests/policy/test_parameters.py checks the resources of each front door, and that every name has its resource with
/// any parameters.
#[test]
fn an_address_of_the_receiver_itself_is_watched_as_the_api_is() {
    let template = Template::behind(FrontDoor::FunctionUrl);
    for (alarm, metric) in [("ReceiverAlarm", "Url5xxCount"), ("SlowReceiverAlarm", "UrlRequestLatency")] {
        assert_eq!((template.text(alarm, "/Namespace"), template.text(alarm, "/MetricName")), ("AWS/Lambda", metric), "{alarm}");
        assert_eq!(template.property(alarm, "/Dimensions"), &json!([{"Name": "FunctionName", "Value": "Receiver"}]), "{alarm}");
    }
    assert_eq!(template.text("ReceiverUrl", "/AuthType"), "NONE", "the receiver verifies the provider's signature");
    for (name, kind) in [("ReceiverUrlPermission", "FunctionName"), ("ReceiverUrlInvokePermission", "FunctionName")] {
        assert_eq!(template.text(name, &format!("/{kind}")), "Receiver.Alias", "{name}");
    }
    assert_eq!(template.text("ReceiverUrl", "/TargetFunctionArn"), "Receiver.Alias");
}

#[test]
fn traces_are_off_unless_they_are_asked_for() {
    let template = Template::read();
    assert_eq!(template.parameter("Tracing")["Default"], "PassThrough");
    assert_eq!(template.condition("Traced"), &json!(["Tracing", "Active"]));
    for (function, role) in [
        ("Receiver", "ReceiverRole"),
        ("Processor", "ProcessorRole"),
        ("Reader", "ReaderRole"),
        ("PublisherFunction", "PublisherRole"),
        ("SenderFunction", "SenderRole"),
        ("FeedReader", "FeedRole"),
    ] {
        assert_eq!(template.text(function, "/Tracing"), "Tracing", "{function}");
        // Granted in the role itself, so that it applies before the function exists, which traces from its first
        // invocation on.
        let granted = template.grants_if(role, "Traced");
        let expected = ["xray:PutTelemetryRecords *", "xray:PutTraceSegments *"];
        assert_eq!(granted, expected.into_iter().map(str::to_owned).collect(), "{function}");
    }
}

/// The runbook's commands search for reports of failures, which are warnings.
#[test]
fn lambda_logs_only_failures() {
    let template = Template::read();
    for function in ["Receiver", "Processor", "Reader", "PublisherFunction", "SenderFunction", "FeedReader"] {
        assert_eq!(template.text(function, "/LoggingConfig/SystemLogLevel"), "WARN", "{function}");
        assert_eq!(template.text(function, "/LoggingConfig/ApplicationLogLevel"), "TRACE", "{function}: RUST_LOG is the filter");
    }
}

/// All callers call a function's alias, but the schedule. A call of the function itself reaches the latest upload.
#[test]
fn every_change_is_a_version_and_everybody_calls_the_alias() {
    let template = Template::read();
    for (function, shift) in [("Receiver", "Canary10Percent15Minutes"), ("Processor", "Linear10PercentEvery3Minutes")] {
        assert_eq!(template.text(function, "/AutoPublishAlias"), "live");
        assert_eq!(
            template.property(function, "/AutoPublishAliasAllProperties"),
            true,
            "{function}: parameters are a change, too"
        );
        assert_eq!(template.text(function, "/DeploymentPreference/Enabled"), "GradualDeployment");
        let role = template.property(function, "/DeploymentPreference/Role");
        assert_eq!(role, &json!(["Gradual", "DeploymentRole.Arn", "AWS::NoValue"]));
        assert_eq!(template.text(function, "/DeploymentPreference/Type"), shift);
    }
    for function in ["Reader", "FeedReader"] {
        assert_eq!(template.text(function, "/AutoPublishAlias"), "live");
        assert_eq!(template.property(function, "/AutoPublishAliasAllProperties"), true);
    }
    for (caller, path) in [
        ("FeedIntegration", "/IntegrationUri"),
        ("FeedPermission", "/FunctionName"),
        ("FeedStatusPermission", "/FunctionName"),
        ("ReaderIntegration", "/IntegrationUri"),
        ("ReaderPermission", "/FunctionName"),
        ("ReceiverIntegration", "/IntegrationUri"),
        ("ReceiverPermission", "/FunctionName"),
        ("ProcessorSource", "/FunctionName"),
        ("LinksSource", "/FunctionName"),
    ] {
        assert!(template.text(caller, path).ends_with(".Alias"), "{caller}");
    }
}

/// Without the name, an update of the parameter would make no new version, and the running one would stay.
#[test]
fn a_versions_description_names_every_parameter_that_its_function_gets() {
    let template = Template::read();
    for (function, at_least) in [("Receiver", 4), ("Processor", 4), ("Reader", 3), ("FeedReader", 4)] {
        let mut properties = template.property(function, "").clone();
        let described = properties["VersionDescription"].as_str().unwrap().to_owned();
        // The last one belongs to the function, not to a version.
        for other in ["VersionDescription", "DeploymentPreference", "ReservedConcurrentExecutions"] {
            properties.as_object_mut().unwrap().remove(other);
        }
        let text = properties.to_string();
        let stands_in = |name: &str| text.contains(&format!("\"{name}\"")) || text.contains(&format!("${{{name}}}"));
        let mut gets = template.parameters();
        gets.retain(|parameter| stands_in(parameter) || template.conditions_of(parameter).into_iter().any(stands_in));
        assert!(gets.len() >= at_least, "{function}: {gets:?}");
        for parameter in gets {
            assert!(described.contains(&format!("${{{parameter}}}")), "{function}: a change of {parameter} is no new version");
        }
    }
}

/// An alarm in ALARM state before a deployment would roll it back at once, so none of these waits for a person.
#[test]
fn rollback_alarms_react_within_the_deployment() {
    let template = Template::read();
    let of = |function| template.property(function, "/DeploymentPreference/Alarms");
    assert_eq!(of("Receiver"), &json!(["ReceiverFailedAlarm", "EnqueueAlarm"]));
    assert_eq!(of("Processor"), &json!(["ProcessorFailedAlarm", "LateFastAlarm"]));
    let all = [of("Receiver"), of("Processor")].into_iter().flat_map(|alarms| alarms.as_array().unwrap());
    for alarm in all.map(|alarm| alarm.as_str().unwrap()) {
        let resource = template.resources().find(|(name, _)| *name == alarm).unwrap_or_else(|| panic!("no {alarm}"));
        assert_eq!(resource.1["Type"], "AWS::CloudWatch::Alarm", "{alarm}: CodeDeploy watches no composite");
    }
    for (function, minutes) in [("Receiver", 15), ("Processor", 27)] {
        for alarm in of(function).as_array().unwrap().iter().map(|alarm| alarm.as_str().unwrap()) {
            let optional =
                |name| template.resources().find(|(n, _)| *n == alarm).and_then(|(_, r)| r["Properties"][name].as_u64());
            let periods = optional("DatapointsToAlarm").or_else(|| optional("EvaluationPeriods")).unwrap();
            // A deployment may begin in the middle of a period.
            let seen_after = template.number(alarm, "/Period") * periods;
            assert!(seen_after <= minutes * 60, "{alarm} comes on after {seen_after} s, the deployment ends after {minutes} min");
        }
    }
    // A version that crashes at its start emits no metrics. Lambda counts it, long before the first step ends.
    for (function, step_s) in [("Receiver", 900), ("Processor", 180)] {
        let alarm = format!("{function}FailedAlarm");
        let watched = (template.text(&alarm, "/Namespace"), template.text(&alarm, "/MetricName"));
        assert_eq!(watched, ("AWS/Lambda", "Errors"), "{alarm}");
        assert_eq!(template.property(&alarm, "/Dimensions"), &json!([{"Name": "FunctionName", "Value": function}]));
        assert!(template.number(&alarm, "/Period") * template.number(&alarm, "/EvaluationPeriods") < step_s, "{alarm}");
    }
    let share = template.property("ForgedAlarm", "/Threshold").as_f64().unwrap();
    assert!(share < 0.1, "a canary that refuses everything refuses a tenth of all");
}

/// SQS and CloudFormation would refuse the stack in the middle of its creation.
#[test]
fn a_stacks_name_leaves_room_for_the_longest_name_of_a_queue() {
    let template = Template::read();
    let queues = template.resources().filter(|(_, resource)| resource["Type"] == "AWS::SQS::Queue");
    let ends: Vec<&str> = queues
        .map(|(name, _)| {
            let named = template.text(name, "/QueueName");
            named.strip_prefix("${AWS::StackName}").unwrap_or_else(|| panic!("{name} is named {named}"))
        })
        .collect();
    let longest = ends.iter().map(|end| end.len()).max().expect("queues");
    let sentence = format!("a stack's name may have {}", 80 - longest);
    for page in ["template.yaml", "docs/operating.md"] {
        let text = std::fs::read_to_string(tidings_tests::golden::root().join(page)).unwrap();
        assert!(text.contains(&sentence), "{page} doesn't say: {sentence}");
    }
}

#[test]
fn codedeploy_may_move_the_aliases_and_nothing_else() {
    let granted = Template::read().grants("DeploymentRole");
    let of = |function: &str| {
        // AWS's reference says which actions take which ARN: tests/policy/authorization.py.
        let moved = ["GetAlias", "UpdateAlias"].map(|verb| format!("lambda:{verb} {function}.Arn"));
        moved.into_iter().chain([format!("lambda:GetProvisionedConcurrencyConfig ${{{function}.Arn}}:live")])
    };
    let expected = ["Receiver", "Processor"].into_iter().flat_map(of).chain(["cloudwatch:DescribeAlarms *".to_owned()]).collect();
    assert_eq!(granted, expected);
}

/// Every data store is encrypted with the given key, and its users may use the key.
#[test]
fn the_operators_key_encrypts_all_stored_data() {
    let template = Template::read();
    let key = json!(["HasKey", "KmsKeyArn", "AWS::NoValue"]);
    let mut kept = 0;
    for (name, resource) in template.resources() {
        let path = match resource["Type"].as_str().unwrap() {
            "AWS::SQS::Queue" => {
                let managed = template.property(name, "/SqsManagedSseEnabled");
                assert_eq!(managed, &json!(["HasKey", "AWS::NoValue", true]), "{name}: without a key, by SQS's own");
                "/KmsMasterKeyId"
            }
            "AWS::DynamoDB::Table" => "/SSESpecification/KMSMasterKeyId",
            "AWS::Logs::LogGroup" | "AWS::SecretsManager::Secret" => "/KmsKeyId",
            _ => continue,
        };
        assert_eq!(template.property(name, path), &key, "{name}");
        kept += 1;
    }
    assert_eq!(kept, 13 + 7 + 8 + 9, "queues, tables, groups of logs, secrets");
    let (both, decrypts) = (json!(["kms:Decrypt", "kms:GenerateDataKey"]), json!("kms:Decrypt"));
    let functions = [
        ("Receiver", &both),
        ("Processor", &both),
        ("Publisher", &both),
        ("Sender", &both),
        ("Reader", &decrypts),
        ("Feed", &decrypts),
        ("Kafka", &decrypts),
    ];
    for (function, may) in functions {
        let policy = format!("{function}KeyPolicy");
        assert_eq!(template.text(&policy, "/RoleName"), format!("{function}Role"));
        let statement = template.property(&policy, "/PolicyDocument/Statement/0");
        assert_eq!(&statement["Action"], may, "{function}");
        assert_eq!(statement["Resource"], "KmsKeyArn");
    }
}

#[test]
fn logs_have_a_retention_and_a_dead_letter_has_an_alarm() {
    let template = Template::read();
    let groups: Vec<_> = template.resources().filter(|(_, r)| r["Type"] == "AWS::Logs::LogGroup").collect();
    assert_eq!(groups.len(), 8);
    assert!(groups.iter().all(|(_, group)| group["Properties"]["RetentionInDays"] == "LogRetentionDays"));
    assert_eq!(template.text("DeadLetterAlarm", "/MetricName"), "ApproximateNumberOfMessagesVisible");
}

#[test]
fn the_outputs_are_those_that_tools_look_for() {
    let always = [
        "ActionsDeadLetterQueueUrl",
        "ActionsQueueArn",
        "ActionsQueueUrl",
        "ClaimsTableName",
        "ContextTableArn",
        "ContextTableName",
        "DeadLetterQueueUrl",
        "EventsQueueUrl",
        "LinksQueueUrl",
        "SecretArn",
        "TimersTableName",
        "WebhookUrl",
    ];
    let sometimes = [
        "ApiSecretArn",
        "CapturedSecretArn",
        "ChannelSecretsArn",
        "ContextTokensArn",
        "ContextUrl",
        "DeliveriesQueueUrl",
        "DeliveriesTableName",
        "EndpointsSecretArn",
        "EndpointsTableName",
        "FeedSecretArn",
        "KafkaQueueUrl",
        "KafkaSecretArn",
        "FeedUrl",
        "KmsKeyArn",
        "PublishedQueueUrl",
        "SenderQueueUrl",
        "SendsTableName",
        "TenantsTableName",
    ];
    let template = Template::read();
    assert_eq!(template.outputs(), set(always.into_iter().chain(sometimes)));
    for output in always {
        assert_eq!(template.condition_of_output(output), None, "{output}");
    }
    for output in sometimes {
        assert!(template.condition_of_output(output).is_some(), "{output}");
    }
}

/// A disabled read API costs nothing: its function, role, log group, secret and route don't exist.
#[test]
fn a_stack_has_a_read_api_only_if_it_was_deployed_with_one() {
    let template = Template::read();
    assert_eq!(template.parameter("ContextApi")["Default"], "false");
    let conditions = ["HasContextApi", "ContextByToken", "HasContextApiAndKey"];
    let mut found = BTreeSet::new();
    for (name, resource) in template.resources() {
        let is_of_it = name.starts_with("Reader") || ["ContextRoute", "ContextTokens"].contains(&name.as_str());
        let condition = resource["Condition"].as_str();
        assert_eq!(condition.is_some_and(|condition| conditions.contains(&condition)), is_of_it, "{name}");
        if is_of_it {
            found.insert(name.as_str());
        } else if name != "Stage" && !name.starts_with("Feed") {
            let text = resource.to_string();
            assert!(!text.contains("Reader") && !text.contains("ContextTokens"), "{name} names what may not be there");
        }
    }
    let expected = [
        "ContextRoute",
        "ContextTokens",
        "Reader",
        "ReaderIntegration",
        "ReaderKeyPolicy",
        "ReaderLogGroup",
        "ReaderPermission",
        "ReaderRole",
        "ReaderTokensPolicy",
    ];
    assert_eq!(found, set(expected));
    // The read API is a route of the HTTP API.
    assert_eq!(template.condition("HasContextApi"), &json!(["HttpApi", [["ContextApi", "false"]]]));
    assert_eq!(template.condition("ContextByToken"), &json!(["HttpApi", ["ContextApi", "token"]]));
    assert_eq!(template.condition("ContextByIam"), &json!(["HttpApi", ["ContextApi", "iam"]]));
}

/// A disabled feed costs nothing: its function, role, log group, secret and route don't exist, and nothing is written.
#[test]
fn a_stack_has_a_feed_only_if_it_was_deployed_with_one() {
    let template = Template::read();
    assert_eq!(template.parameter("Feed")["Default"], "false");
    let mut found = BTreeSet::new();
    for (name, resource) in template.resources() {
        let condition = resource["Condition"].as_str();
        let is_of_it = condition.is_some_and(|condition| ["HasFeed", "HasFeedAndKey"].contains(&condition));
        assert_eq!(is_of_it, name.starts_with("Feed"), "{name}");
        if is_of_it {
            found.insert(name.as_str());
        } else if name != "Stage" {
            let mut text = resource.to_string();
            if name == "Receiver" {
                let secret = template.property("Receiver", "/Environment/Variables/STATUS_SECRET_ARN");
                assert_eq!(secret, &json!(["HasFeed", "FeedStatusSecret.Id", ""]));
                text = text.replace("FeedStatusSecret", "");
            }
            for of_it in ["FeedReader", "FeedRole", "FeedSecret", "FeedStatusSecret", "FeedRoute", "FeedLogGroup"] {
                assert!(!text.contains(of_it), "{name} names {of_it}, which may not be there");
            }
        }
    }
    let expected = [
        "FeedIntegration",
        "FeedKeyPolicy",
        "FeedLogGroup",
        "FeedPermission",
        "FeedReader",
        "FeedReceiverPolicy",
        "FeedRole",
        "FeedRoute",
        "FeedSecret",
        "FeedStatusPermission",
        "FeedStatusRoute",
        "FeedStatusSecret",
    ];
    assert_eq!(found, set(expected));
    assert_eq!(template.condition("HasFeed"), &json!(["HttpApi", ["Feed", "true"]]));
    assert_eq!(template.property("Processor", "/Environment/Variables/FEED"), &json!(["HasFeed", "true", "false"]));
}

/// With `iam` API Gateway checks the caller, with `token` the function does. The route is never open without either.
#[test]
fn the_read_api_requires_a_signature_or_a_token() {
    let template = Template::read();
    assert_eq!(template.property("ContextRoute", "/AuthorizationType"), &json!(["ContextByIam", "AWS_IAM", "NONE"]));
    assert_eq!(template.text("Reader", "/Environment/Variables/CONTEXT_API"), "ContextApi", "NONE is `token` to the function");
    let secret = template.property("Reader", "/Environment/Variables/CONTEXT_TOKENS_SECRET_ARN");
    assert_eq!(secret, &json!(["ContextByToken", "ContextTokens.Id", ""]));
    let statement = template.property("ReaderTokensPolicy", "/PolicyDocument/Statement/0");
    assert_eq!(
        (&statement["Action"], &statement["Resource"]),
        (&json!("secretsmanager:GetSecretValue"), &json!("ContextTokens.Id"))
    );
    assert!(template.text("ReaderPermission", "/SourceArn").ends_with("/*/GET/context/*"));
    for role in ["ReceiverRole", "ProcessorRole"] {
        assert!(!template.property(role, "/Policies").to_string().contains("ContextTokens"), "{role}");
    }
    assert!(!template.property("ReceiverRole", "/Policies").to_string().contains("ContextTable"), "it answers strangers");
}

#[test]
fn a_panic_fails_a_record_and_not_its_batch() {
    let manifest = std::fs::read_to_string(tidings_tests::golden::root().join("Cargo.toml")).unwrap();
    let profile = manifest.split("[profile.release]").nth(1).expect("a release profile");
    assert!(profile.contains("panic = \"unwind\""), "cargo-lambda makes it abort otherwise");
}

/// Only a stack deployed for it may store a provider's handshake secrets, and only in that one secret.
#[test]
fn the_receiver_may_write_no_secret_but_the_one_for_captures() {
    let template = Template::read();
    let statement = template.property("ReceiverCapturePolicy", "/PolicyDocument/Statement/0");
    assert_eq!(
        statement["Action"],
        json!(["secretsmanager:GetSecretValue", "secretsmanager:PutSecretValue", "secretsmanager:UpdateSecretVersionStage"])
    );
    assert_eq!(statement["Resource"], "CapturedSecret.Id");
    for resource in ["ReceiverCapturePolicy", "CapturedSecret"] {
        let condition = template.resources().find(|(name, _)| *name == resource).map(|(_, resource)| &resource["Condition"]);
        assert_eq!(condition, Some(&json!("Captures")), "{resource}");
    }
    let role = template.property("ReceiverRole", "/Policies").to_string();
    assert!(!role.contains("PutSecretValue") && !role.contains("CapturedSecret"), "{role}");
}

#[test]
fn the_link_that_the_docs_show_is_the_contract() {
    let root = tidings_tests::golden::root();
    let docs = std::fs::read_to_string(root.join("docs/links.md")).unwrap();
    let golden = std::fs::read_to_string(root.join("events/contract/link-v1.json")).unwrap();
    assert!(docs.contains(&golden), "docs/links.md shows another message than events/contract/link-v1.json");
}

/// CloudFormation refuses a template in which a parameter and a resource have one name.
#[test]
fn no_resource_has_the_name_of_a_parameter() {
    let template = Template::read();
    let parameters = template.parameters();
    let twice: Vec<&String> =
        template.resources().map(|(name, _)| name).filter(|name| parameters.contains(name.as_str())).collect();
    assert!(twice.is_empty(), "{twice:?}");
}
