//! A deployed stack's parameters, and its rates, durations and bytes, which take the place of assumptions.

use super::options::stored_bytes;
use crate::Failure;
use crate::commands::status::metrics::{Query, named, ours, stat, told};
use crate::cost::{Architecture, Counts, FrontDoor, Series, Share, Usage, Variant};
use crate::limits::MAX_METRICS_COUNTED;
use crate::target::{Place, config, parameters};
use aws_sdk_cloudwatch::primitives::DateTime;
use aws_sdk_cloudwatch::types::{MetricDataQuery, MetricDataResult, RecentlyActive};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use tidings_config::rules::Span;
use tidings_config::time::{Clock, SystemClock};
use tidings_core::aws::cause;
use tidings_core::telemetry::Metric;

/// A month of 30 days.
const MONTH_S: f64 = 30.0 * 86_400.0;

/// Sums of an hour. A month has 720 of them, below the 100,800 points of one call for a dozen metrics.
const PERIOD_S: i32 = 3_600;

/// What was asked of CloudWatch: sums over the period.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Sum {
    Accepted,
    Duplicates,
    Refused,
    Actions,
    ReceiverInvocations,
    ReceiverMs,
    ProcessorInvocations,
    ProcessorMs,
    ReceiverLogBytes,
    ProcessorLogBytes,
    AccessLogBytes,
}

/// The stack as a variant, with its own counts.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) variant: Variant,
    pub(super) counts: Counts,
    pub(super) measured: Measured,
}

/// What was measured, for the report.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct Measured {
    pub(super) stack: String,
    pub(super) over: Span,
    pub(super) events: u64,
    pub(super) receiver_ms: Option<f64>,
    pub(super) processor_ms: Option<f64>,
    pub(super) log_bytes_an_event: Option<f64>,
    pub(super) custom_metrics: Option<u64>,
    /// What couldn't be read, and is assumed instead.
    pub(super) assumed: Vec<String>,
}

/// Reads a stack. Errors: its parameters or its metrics can't be read.
pub(super) async fn of(at: &Place, stack: &str, over: Span) -> Result<Found, Failure> {
    let config = config(at).await;
    let parameters = parameters(&config, stack).await?.into_iter().collect();
    let resources = resources(&config, stack).await?;
    let cloudwatch = aws_sdk_cloudwatch::Client::new(&config);
    let now = SystemClock.now();
    let asked = asked(stack, &resources);
    let answered = cloudwatch
        .get_metric_data()
        .set_metric_data_queries(Some(asked.iter().map(|(_, query)| query.clone()).collect()))
        .start_time(DateTime::from_secs(now.minus(over.duration()).unix_s()))
        .end_time(DateTime::from_secs(now.unix_s()))
        .send()
        .await
        .map_err(|error| unreadable(stack, "cloudwatch:GetMetricData", &cause(&error)))?;
    let (sums, unread) = sums(&asked, answered.metric_data_results());
    let series = series(&cloudwatch, stack).await;
    let counts = Counts::shipped().map_err(Failure::new)?;
    Ok(found(stack, &parameters, &sums, unread, series, over, counts))
}

fn unreadable(stack: &str, needs: &str, cause: &str) -> Failure {
    Failure::new(format!("stack {stack}: {needs} failed: {cause}"))
        .hint("check --stack, --region and --profile; without --stack the bill is of the default parameters")
}

/// Physical names, by logical ones.
async fn resources(config: &aws_config::SdkConfig, stack: &str) -> Result<BTreeMap<String, String>, Failure> {
    let client = aws_sdk_cloudformation::Client::new(config);
    let described = client.describe_stack_resources().stack_name(stack).send().await;
    let described = described.map_err(|error| unreadable(stack, "cloudformation:DescribeStackResources", &cause(&error)))?;
    let named = described.stack_resources().iter();
    Ok(named.filter_map(|one| Some((one.logical_resource_id()?.to_owned(), one.physical_resource_id()?.to_owned()))).collect())
}

fn asked(stack: &str, resources: &BTreeMap<String, String>) -> Vec<(Sum, MetricDataQuery)> {
    let namespace = format!("Tidings/{stack}");
    let ours = |metric| Some(ours(&namespace, metric, "Sum", PERIOD_S));
    let aws = |space: &str, name: &str, dimension: &str, logical: &str| {
        let physical = resources.get(logical)?;
        Some(stat(named(space, name, Some((dimension, physical))), "Sum", PERIOD_S))
    };
    let lambda = |name: &str, logical: &str| aws("AWS/Lambda", name, "FunctionName", logical);
    let log = |logical: &str| aws("AWS/Logs", "IncomingBytes", "LogGroupName", logical);
    let all: [(Sum, Option<Query>); 11] = [
        (Sum::Accepted, ours(Metric::Accepted)),
        (Sum::Duplicates, ours(Metric::Duplicate)),
        (Sum::Refused, ours(Metric::Refused)),
        (Sum::Actions, ours(Metric::Emitted)),
        (Sum::ReceiverInvocations, lambda("Invocations", "Receiver")),
        (Sum::ReceiverMs, lambda("Duration", "Receiver")),
        (Sum::ProcessorInvocations, lambda("Invocations", "Processor")),
        (Sum::ProcessorMs, lambda("Duration", "Processor")),
        (Sum::ReceiverLogBytes, log("ReceiverLogGroup")),
        (Sum::ProcessorLogBytes, log("ProcessorLogGroup")),
        (Sum::AccessLogBytes, log("AccessLogGroup")),
    ];
    let asked = all.into_iter().filter_map(|(sum, query)| Some((sum, query?)));
    asked.enumerate().map(|(n, (sum, query))| (sum, query.id(id(n)).build())).collect()
}

fn id(n: usize) -> String {
    format!("c{n}")
}

/// The sums, and what failed.
fn sums(asked: &[(Sum, MetricDataQuery)], answered: &[MetricDataResult]) -> (BTreeMap<Sum, f64>, Vec<String>) {
    let (mut sums, mut unread) = (BTreeMap::new(), Vec::new());
    for (n, (sum, _)) in asked.iter().enumerate() {
        match told(answered.iter().find(|result| result.id() == Some(&id(n)))) {
            Ok(points) => drop(sums.insert(*sum, points.iter().map(|(_, value)| value).sum())),
            Err(why) => unread.push(format!("{sum:?}: {why}")),
        }
    }
    (sums, unread)
}

/// Custom metrics of the last three hours, and the sources among their dimensions. `None`: it couldn't be listed.
async fn series(cloudwatch: &aws_sdk_cloudwatch::Client, stack: &str) -> Option<(u64, u64)> {
    let (mut metrics, mut sources, mut next) = (0, BTreeSet::new(), None);
    while metrics < MAX_METRICS_COUNTED {
        let listed = cloudwatch.list_metrics().namespace(format!("Tidings/{stack}")).recently_active(RecentlyActive::Pt3H);
        let listed = listed.set_next_token(next).send().await.ok()?;
        metrics += listed.metrics().len();
        let dimensions = listed.metrics().iter().flat_map(aws_sdk_cloudwatch::types::Metric::dimensions);
        sources
            .extend(dimensions.filter(|one| one.name() == Some("source")).filter_map(|one| one.value().map(ToOwned::to_owned)));
        next = listed.next_token().map(ToOwned::to_owned);
        if next.is_none() {
            break;
        }
    }
    Some((metrics as u64, sources.len() as u64))
}

/// A stack's parameters and sums, as a variant with counts of its own.
fn found(
    stack: &str,
    parameters: &BTreeMap<String, String>,
    sums: &BTreeMap<Sum, f64>,
    mut assumed: Vec<String>,
    series: Option<(u64, u64)>,
    over: Span,
    mut counts: Counts,
) -> Found {
    let sum = |what: Sum| sums.get(&what).copied().unwrap_or_default();
    let a_month = MONTH_S / over.duration().as_secs_f64();
    let whole = |number: f64| (number * a_month).round() as u64;
    let accepted = sum(Sum::Accepted);
    let share = |part: f64| if accepted > 0.0 { part / accepted } else { 0.0 };
    let batches = sum(Sum::ProcessorInvocations);
    let mut variant = of_parameters(parameters);
    variant.events = whole(accepted);
    variant.duplicates = Share(share(sum(Sum::Duplicates)));
    variant.forged = whole(sum(Sum::Refused));
    variant.actions_per_event = share(sum(Sum::Actions));
    variant.batch_size = if batches > 0.0 { (accepted / batches).clamp(1.0, 10.0) } else { 1.0 };
    let custom_metrics = series.map(|(metrics, sources)| {
        variant.sources = sources;
        counts.counted.series = Series { over_all: metrics, ..Series::default() };
        metrics
    });
    if custom_metrics.is_none() {
        assumed.push("the number of custom metrics: it needs cloudwatch:ListMetrics".to_owned());
    }

    // The durations and the bytes that the counts give, so scaled that the sums are the measured ones.
    let modelled = Usage::counted(&variant, &counts);
    let average = |ms: Sum, invocations: Sum| (sum(invocations) > 0.0).then(|| sum(ms) / sum(invocations));
    let receiver_ms = average(Sum::ReceiverMs, Sum::ReceiverInvocations);
    let processor_ms = average(Sum::ProcessorMs, Sum::ProcessorInvocations);
    let [of_receiver, of_processor] = Usage::milliseconds(&variant, &counts);
    let factor = |measured: f64, modelled: f64| if measured > 0.0 && modelled > 0.0 { measured / modelled } else { 1.0 };
    let receiver = factor(sum(Sum::ReceiverMs) * a_month, of_receiver);
    let processor = factor(sum(Sum::ProcessorMs) * a_month, of_processor);
    for ms in [&mut counts.assumed.accepted_ms, &mut counts.assumed.duplicate_ms, &mut counts.assumed.forged_ms] {
        *ms *= receiver;
    }
    let of_assumed = &mut counts.assumed;
    for ms in
        [&mut of_assumed.processed_ms, &mut of_assumed.action_ms, &mut of_assumed.further_event_ms, &mut of_assumed.timer_ms]
    {
        *ms *= processor;
    }
    let log_bytes = sum(Sum::ReceiverLogBytes) + sum(Sum::ProcessorLogBytes) + sum(Sum::AccessLogBytes);
    counts.scale_logs(factor(log_bytes * a_month, modelled.log_gb * 1e9));
    let measured = Measured {
        stack: stack.to_owned(),
        over,
        events: accepted.round() as u64,
        receiver_ms,
        processor_ms,
        log_bytes_an_event: (accepted > 0.0 && log_bytes > 0.0).then(|| log_bytes / accepted),
        custom_metrics,
        assumed,
    };
    Found { variant, counts, measured }
}

/// What the parameters say. One that is missing, because the stack is older, has its default.
fn of_parameters(parameters: &BTreeMap<String, String>) -> Variant {
    let text = |name: &str| parameters.get(name).map(String::as_str);
    let is = |name: &str, value: &str| text(name) == Some(value);
    let number = |name: &str, default: u64| text(name).and_then(|value| value.parse().ok()).unwrap_or(default);
    let given = |name: &str| text(name).is_some_and(|value| !value.is_empty());
    let default = Variant::default();
    let feed = is("Feed", "true");
    let secrets = [
        is("CaptureSecrets", "true"),
        is("ApiSecrets", "true"),
        is("ContextApi", "token"),
        // Its keys, and that of status URLs.
        feed,
        feed,
        is("Publisher", "true") && is("EndpointsApi", "true"),
    ];
    let level = text("LogLevel").unwrap_or("info").split(',').next().unwrap_or_default();
    Variant {
        front_door: if is("FrontDoor", "FunctionUrl") { FrontDoor::FunctionUrl } else { FrontDoor::HttpApi },
        architecture: if is("Architecture", "x86_64") { Architecture::X86 } else { Architecture::Arm64 },
        receiver_memory_mb: number("ReceiverMemoryMb", default.receiver_memory_mb),
        processor_memory_mb: number("ProcessorMemoryMb", default.processor_memory_mb),
        tracing: is("Tracing", "Active"),
        info_lines: !["warn", "error", "off"].contains(&level),
        log_sampling: text("LogSampling").and_then(|value| value.parse().ok()).unwrap_or(default.log_sampling),
        // Stacks from before the parameter have them.
        source_metrics: !is("SourceMetrics", "false"),
        stored_event_bytes: is("KeepEvents", "true").then_some(stored_bytes()),
        fair_queue: is("FairQueue", "true"),
        provisioned_pollers: number("ProcessorMinPollers", 0),
        alarms: given("AlarmTopicArn") || given("PagingTopicArn"),
        gradual_deployment: is("GradualDeployment", "true"),
        dashboard: is("CreateDashboard", "true"),
        sender: is("Sender", "true"),
        publisher: is("Publisher", "true"),
        kafka: is("Publisher", "true") && is("Kafka", "true"),
        further_secrets: secrets.into_iter().filter(|has| *has).count() as u64,
        ..default
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn of_sums(parameters: &[(&str, &str)], given: &[(Sum, f64)], series: Option<(u64, u64)>) -> Found {
        let parameters = parameters.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let week = Span::new(Duration::from_secs(7 * 86_400));
        let counts = Counts::shipped().expect("counts");
        found("shop", &parameters, &given.iter().copied().collect(), Vec::new(), series, week, counts)
    }

    #[test]
    fn a_stacks_own_durations_and_bytes_take_the_place_of_assumptions() {
        let sums = [
            (Sum::Accepted, 70_000.0),
            (Sum::Duplicates, 7_000.0),
            (Sum::Refused, 700.0),
            (Sum::Actions, 35_000.0),
            (Sum::ReceiverInvocations, 77_700.0),
            (Sum::ReceiverMs, 777_000.0),
            (Sum::ProcessorInvocations, 35_000.0),
            (Sum::ProcessorMs, 1_400_000.0),
            (Sum::ReceiverLogBytes, 70e6),
            (Sum::ProcessorLogBytes, 70e6),
        ];
        let found = of_sums(&[("FrontDoor", "FunctionUrl"), ("ReceiverMemoryMb", "256")], &sums, Some((33, 4)));
        let variant = &found.variant;
        assert_eq!((variant.events, variant.forged, variant.sources), (300_000, 3_000, 4));
        assert_eq!((variant.duplicates, variant.actions_per_event, variant.batch_size), (Share(0.1), 0.5, 2.0));
        let usage = Usage::counted(variant, &found.counts);
        let [receiver, processor] = Usage::milliseconds(variant, &found.counts);
        let month = 30.0 / 7.0;
        assert!((receiver / (777_000.0 * month) - 1.0).abs() < 1e-6, "{receiver}");
        assert!((processor / (1_400_000.0 * month) - 1.0).abs() < 1e-6, "{processor}");
        assert!((usage.log_gb / (0.14 * month) - 1.0).abs() < 0.01, "{}", usage.log_gb);
        assert!((usage.metrics - 33.0).abs() < 1e-9);
        assert_eq!((found.measured.receiver_ms, found.measured.processor_ms), (Some(10.0), Some(40.0)));
    }

    #[test]
    fn a_stack_without_events_or_metrics_is_priced_by_its_parameters() {
        let found =
            of_sums(&[("CreateDashboard", "true"), ("KeepEvents", "true"), ("LogLevel", "warn,receiver=debug")], &[], None);
        assert_eq!((found.variant.events, found.variant.dashboard, found.variant.info_lines), (0, true, false));
        assert!(found.variant.source_metrics, "a stack from before the parameter has metrics by source");
        assert_eq!(found.measured.receiver_ms, None);
        assert!(found.measured.assumed[0].contains("cloudwatch:ListMetrics"));
        let usage = Usage::counted(&found.variant, &found.counts);
        assert!((usage.dashboards - 1.0).abs() < 1e-9 && (usage.write_units - 8_640.0).abs() < 1e-9);
    }

    #[test]
    fn a_sum_without_an_answer_is_said_and_not_zero() {
        let resources = BTreeMap::from([("Receiver".to_owned(), "shop-Receiver-1".to_owned())]);
        let asked = asked("shop", &resources);
        assert_eq!(asked.len(), 6, "what the stack hasn't isn't asked for");
        let answer = MetricDataResult::builder().id(id(0)).timestamps(DateTime::from_secs(1)).values(5.0).build();
        let (sums, unread) = sums(&asked, &[answer]);
        assert_eq!((sums.get(&Sum::Accepted), sums.len()), (Some(&5.0), 1));
        assert!(unread.iter().any(|said| said.starts_with("Duplicates: ")), "{unread:?}");
    }
}
