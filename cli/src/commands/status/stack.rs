//! What AWS reports about a stack. Each answer is read separately: a missing answer doesn't affect the others.

use super::metrics::{EndpointId, Measured, Place as Measuring, asked, timestamp, told};
use super::part::{Part, Unread};
use super::seen::{Seen, State};
use crate::target::Place;
use crate::target::{Depth, config, output, outputs};
use aws_sdk_cloudformation::types::StackResource;
use aws_sdk_cloudwatch::primitives::DateTime;
use aws_sdk_cloudwatch::types::{AlarmType, MetricDataQuery, StateValue};
use futures::future::join_all;
use std::collections::BTreeMap;
use tidings_config::rules::Span;
use tidings_config::time::Timestamp;
use tidings_core::aws::cause;

/// The queues in the order of the screen, and the outputs with their addresses. The queues of `ONLY_RESOURCES` are
/// found as resources.
const QUEUES: [(&str, &str); 4] = [
    ("events", "EventsQueueUrl"),
    ("dead letters", "DeadLetterQueueUrl"),
    ("actions", "ActionsQueueUrl"),
    ("links", "LinksQueueUrl"),
];
const ONLY_RESOURCES: [(&str, &str); 2] = [("dead actions", "ActionsDeadLetterQueue"), ("dead links", "LinksDeadLetterQueue")];

/// The sender's queue, if the stack has one: the bot's has what isn't the sender's.
const ALL_ACTIONS: (&str, &str) = ("all actions", "SenderQueueUrl");

/// The queues of the ways out, which a stack has if it says, or publishes, what it does.
const OF_WAYS_OUT: [(&str, &str); 6] = [
    ("published", "PublishedQueue"),
    ("deliveries", "DeliveriesQueue"),
    ("kafka", "KafkaQueue"),
    ("dead published", "PublishedDeadLetterQueue"),
    ("dead deliveries", "DeliveriesDeadLetterQueue"),
    ("dead kafka", "KafkaDeadLetterQueue"),
];

/// Maximum that `DescribeAlarms` takes at once; `DescribeStackResources` returns no more.
const MAX_ALARMS: i32 = 100;

/// The most queries of one `GetMetricData`.
const MAX_QUERIES: usize = 500;

#[derive(Debug)]
pub(super) struct Stack {
    name: String,
    cloudwatch: aws_sdk_cloudwatch::Client,
    sqs: aws_sdk_sqs::Client,
    outputs: Result<Vec<(String, String)>, Unread>,
    resources: Result<Vec<Resource>, Unread>,
}

#[derive(Debug)]
struct Resource {
    /// The name in the template, and CloudFormation's name.
    logical: String,
    physical: String,
    kind: String,
}

impl Stack {
    pub(super) async fn find(at: &Place, name: &str) -> Self {
        let config = config(at).await;
        let formation = aws_sdk_cloudformation::Client::new(&config);
        let described = formation.describe_stack_resources().stack_name(name).send();
        let (outputs, resources) = tokio::join!(outputs(&config, name), described);
        let resources = resources.map_err(|error| Unread {
            unread: format!("its resources can't be listed: {}", cause(&error)),
            needs: "cloudformation:DescribeStackResources",
        });
        Self {
            name: name.to_owned(),
            cloudwatch: aws_sdk_cloudwatch::Client::new(&config),
            sqs: aws_sdk_sqs::Client::new(&config),
            outputs: outputs.map_err(|failure| Unread { unread: failure.message, needs: "cloudformation:DescribeStacks" }),
            resources: resources.map(|found| found.stack_resources().iter().filter_map(Resource::of).collect()),
        }
    }

    /// The address before /webhooks/….
    pub(super) fn url(&self) -> Option<String> {
        output(self.outputs.as_ref().ok()?, &self.name, "WebhookUrl").ok()
    }

    /// Outputs and resources as the runbook's commands name them: `output NAME`, `resource NAME`.
    pub(super) fn names(&self) -> BTreeMap<String, String> {
        let outputs = self.outputs.iter().flatten().map(|(name, value)| (format!("output {name}"), value.clone()));
        let resources = self.resources.iter().flatten().map(|r| (format!("resource {}", r.logical), r.physical.clone()));
        outputs.chain(resources).collect()
    }

    fn resource(&self, logical: &str) -> Option<&str> {
        self.resources.as_ref().ok()?.iter().find(|one| one.logical == logical).map(|one| one.physical.as_str())
    }

    pub(super) async fn alarms(&self) -> Result<Vec<Seen>, Unread> {
        let resources = self.resources.as_ref().map_err(Clone::clone)?;
        let is_alarm =
            |one: &&Resource| ["AWS::CloudWatch::Alarm", "AWS::CloudWatch::CompositeAlarm"].contains(&one.kind.as_str());
        let alarms: Vec<&Resource> = resources.iter().filter(is_alarm).collect();
        if alarms.is_empty() {
            return Ok(Vec::new());
        }
        let names = alarms.iter().map(|one| one.alarm_name().to_owned()).collect();
        let described = self
            .cloudwatch
            .describe_alarms()
            .set_alarm_names(Some(names))
            .set_alarm_types(Some(vec![AlarmType::MetricAlarm, AlarmType::CompositeAlarm]))
            .max_records(MAX_ALARMS)
            .send()
            .await;
        let described = described.map_err(|error| Unread { unread: cause(&error), needs: "cloudwatch:DescribeAlarms" })?;
        let metric = described.metric_alarms().iter().map(|one| {
            let at = one.state_transitioned_timestamp().or(one.state_updated_timestamp());
            (one.alarm_name(), one.state_value(), at, one.state_reason())
        });
        let composite = described.composite_alarms().iter().map(|one| {
            let at = one.state_transitioned_timestamp().or(one.state_updated_timestamp());
            (one.alarm_name(), one.state_value(), at, one.state_reason())
        });
        let told: Vec<Told<'_>> = metric.chain(composite).collect();
        Ok(alarms.into_iter().map(|alarm| seen(alarm, &told)).collect())
    }

    /// The queues of the stack, by name. Without the stack's outputs, no queue is known.
    pub(super) async fn depths(&self) -> Result<Vec<(&'static str, Part<Depth>)>, Unread> {
        self.outputs.as_ref().map_err(Clone::clone)?;
        let depths = self.queues().into_iter().map(|(queue, url)| async move {
            let depth = match url {
                Ok(url) => Depth::of(&self.sqs, &url).await.map_err(Unread::from),
                Err(unread) => Err(unread),
            };
            (queue, depth.map_or_else(Part::Unread, Part::Read))
        });
        Ok(join_all(depths).await)
    }

    fn queues(&self) -> Vec<(&'static str, Result<String, Unread>)> {
        let needs = "cloudformation:DescribeStacks";
        let of_output = |name| {
            let outputs = self.outputs.as_ref().map_err(Clone::clone)?;
            output(outputs, &self.name, name).map_err(|failure| Unread { unread: failure.message, needs })
        };
        let of_resource = |logical| match (&self.resources, self.resource(logical)) {
            (_, Some(url)) => Ok(url.to_owned()),
            (Ok(_), None) => Err(Unread { unread: format!("stack {} has no {logical}", self.name), needs }),
            (Err(unread), None) => Err(unread.clone()),
        };
        let resources = ONLY_RESOURCES.into_iter().map(|(queue, logical)| (queue, of_resource(logical)));
        let of_ways_out =
            OF_WAYS_OUT.into_iter().filter_map(|(queue, logical)| Some((queue, Ok(self.resource(logical)?.to_owned()))));
        let (all_actions, output) = ALL_ACTIONS;
        let of_sender = self.outputs.iter().flatten().find(|(name, _)| name == output);
        let of_sender = of_sender.map(|(_, url)| (all_actions, Ok(url.clone())));
        let of_outputs = QUEUES.into_iter().map(|(queue, name)| (queue, of_output(name)));
        of_outputs.chain(resources).chain(of_sender).chain(of_ways_out).collect()
    }

    pub(super) async fn measured(&self, now: Timestamp, over: Span) -> Result<Measured, Unread> {
        let named = |(queue, url): (&'static str, Result<String, Unread>)| {
            let url = url.ok()?;
            Some((queue, url.rsplit('/').next()?.to_owned()))
        };
        let queues = self.queues().into_iter().filter_map(named).collect();
        let door = self.door();
        let asked = asked(&Measuring { stack: &self.name, door, queues });
        let answered = self
            .cloudwatch
            .get_metric_data()
            .set_metric_data_queries(Some(asked.iter().map(super::metrics::Asked::query).collect()))
            .start_time(DateTime::from_secs(now.minus(over.duration()).unix_s()))
            .end_time(DateTime::from_secs(now.unix_s()))
            .send()
            .await;
        let answered = answered.map_err(|error| Unread { unread: cause(&error), needs: "cloudwatch:GetMetricData" })?;
        let measured = Measured::read(&asked, answered.metric_data_results(), now, over);
        Ok(if door.is_some() { measured } else { measured.without_door() })
    }

    /// The namespace of its metrics.
    pub(super) fn namespace(&self) -> String {
        format!("Tidings/{}", self.name)
    }

    /// The time of the newest point of each query, by the query's id, between these times. A query without points is left
    /// out. All points are of counts, which are only emitted when they aren't 0.
    pub(super) async fn newest(
        &self,
        queries: Vec<MetricDataQuery>,
        from: Timestamp,
        to: Timestamp,
    ) -> Result<BTreeMap<String, Timestamp>, Unread> {
        const NEEDS: &str = "cloudwatch:GetMetricData";
        let mut newest: BTreeMap<String, Timestamp> = BTreeMap::new();
        for queries in queries.chunks(MAX_QUERIES) {
            let call = self.cloudwatch.get_metric_data().set_metric_data_queries(Some(queries.to_vec()));
            let call = call.start_time(DateTime::from_secs(from.unix_s())).end_time(DateTime::from_secs(to.unix_s()));
            let mut pages = call.into_paginator().send();
            while let Some(page) = pages.next().await {
                let page = page.map_err(|error| Unread { unread: cause(&error), needs: NEEDS })?;
                for result in page.metric_data_results() {
                    let points = told(Some(result)).map_err(|unread| Unread { unread, needs: NEEDS })?;
                    let Some(last) = points.into_iter().map(|(at, _)| at).max() else { continue };
                    let known = newest.entry(result.id().unwrap_or_default().to_owned()).or_insert(last);
                    *known = last.max(*known);
                }
            }
        }
        Ok(newest)
    }

    fn door(&self) -> Option<EndpointId<'_>> {
        let of_function = || self.resource("ReceiverUrl").and_then(|_| self.resource("Receiver"));
        self.resource("Api").map(EndpointId::HttpApi).or_else(|| of_function().map(EndpointId::FunctionUrl))
    }
}

impl Resource {
    /// CloudFormation identifies an alarm by its name, or by its ARN, which ends with the name.
    fn alarm_name(&self) -> &str {
        self.physical.rsplit(":alarm:").next().unwrap_or(&self.physical)
    }

    fn of(resource: &StackResource) -> Option<Self> {
        Some(Self {
            logical: resource.logical_resource_id()?.to_owned(),
            physical: resource.physical_resource_id()?.to_owned(),
            kind: resource.resource_type()?.to_owned(),
        })
    }
}

/// Name, state, time of the last change, reason.
type Told<'a> = (Option<&'a str>, Option<&'a StateValue>, Option<&'a DateTime>, Option<&'a str>);

fn seen(alarm: &Resource, told: &[Told<'_>]) -> Seen {
    let Some((_, value, at, reason)) = told.iter().find(|(name, ..)| *name == Some(alarm.alarm_name())) else {
        let reason = "it is in the stack, but not in CloudWatch".to_owned();
        return Seen { alarm: alarm.logical.clone(), state: State::Missing, since: None, reason };
    };
    let state = match value.map(StateValue::as_str) {
        Some("OK") => State::Ok,
        Some("ALARM") => State::Alarm,
        Some(_) | None => State::InsufficientData,
    };
    Seen { alarm: alarm.logical.clone(), state, since: at.map(timestamp), reason: reason.unwrap_or_default().to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_alarm_is_found_by_its_name_or_arn_and_is_what_cloudwatch_says() {
        let at = DateTime::from_secs(7);
        for physical in ["shop-Dead-1", "arn:aws:cloudwatch:eu-central-1:123456789012:alarm:shop-Dead-1"] {
            let resource = Resource { logical: "DeadLetterAlarm".into(), physical: physical.into(), kind: String::new() };
            for (value, state) in [
                (StateValue::Alarm, State::Alarm),
                (StateValue::Ok, State::Ok),
                (StateValue::InsufficientData, State::InsufficientData),
                (StateValue::from("TIRED"), State::InsufficientData),
            ] {
                let other = (Some("shop-Dead-12"), Some(&StateValue::Ok), None, None);
                let seen = seen(&resource, &[other, (Some("shop-Dead-1"), Some(&value), Some(&at), Some("crossed"))]);
                assert_eq!((seen.alarm.as_str(), seen.state, seen.reason.as_str()), ("DeadLetterAlarm", state, "crossed"));
                assert_eq!(seen.since, Timestamp::from_unix_s(7));
            }
            assert_eq!(seen(&resource, &[]).state, State::Missing);
        }
    }
}
