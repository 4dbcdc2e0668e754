//! Checks that the account's quotas allow everything that the stack may run at once. The check doesn't know what other
//! stacks run there.

use super::check::Check;
use crate::limits::{BATCHES_OF_A_POLLER, RECEIVE_TIME};
use crate::target::Place;
use crate::target::{config, parameters};
use aws_sdk_servicequotas::Client;
use tidings_core::aws::cause;

const NAME: &str = "quotas";

/// A quota, as Service Quotas names it.
#[derive(Clone, Copy, Debug)]
struct Quota {
    service: &'static str,
    code: &'static str,
}

/// "Concurrent executions" of all functions of an account in a region: 1,000, and 10 in many new accounts.
const FUNCTIONS: Quota = Quota { service: "lambda", code: "L-B99A9384" };

/// "Throttle rate" of all APIs of an account in a region: requests a second, 10,000.
const REQUESTS: Quota = Quota { service: "apigateway", code: "L-8A5B8E43" };

/// A quota's value, and how much of it the stack may need.
#[derive(Clone, Copy, Debug)]
struct Capacity {
    has: u64,
    needs: u64,
}

pub(super) async fn check(at: &Place, stack: &str) -> Check {
    let config = config(at).await;
    let parameters = match parameters(&config, stack).await {
        Ok(parameters) => parameters,
        Err(failure) => return Check::failed(NAME, failure),
    };
    let text = |name: &str| parameters.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
    let parameter = |name: &str| text(name).and_then(|value| value.parse().ok());
    let (Some(processors), Some(rate)) = (processors(&parameter), parameter("ThrottleRateLimit")) else {
        return Check::skipped(
            NAME,
            format!("stack {stack} has no maximum concurrency of the processor, or no ThrottleRateLimit"),
        );
    };
    let client = Client::new(&config);
    if text("FrontDoor") == Some("FunctionUrl") {
        let receivers = parameter("ReceiverMaxConcurrency").unwrap_or_default();
        return match value(&client, FUNCTIONS).await {
            Ok(functions) => behind_url(functions, processors, receivers),
            Err(why) => Check::skipped(NAME, format!("servicequotas:GetServiceQuota failed: {why}")),
        };
    }
    match (value(&client, FUNCTIONS).await, value(&client, REQUESTS).await) {
        (Ok(functions), Ok(requests)) => compared(functions, requests, processors, rate),
        (Err(why), _) | (_, Err(why)) => Check::skipped(NAME, format!("servicequotas:GetServiceQuota failed: {why}")),
    }
}

/// Processors that run at once. Event pollers take the place of the maximum, and each hands out several batches.
fn processors(parameter: &impl Fn(&str) -> Option<u64>) -> Option<u64> {
    let pollers = parameter("ProcessorMinPollers").filter(|least| *least > 0).and_then(|_| parameter("ProcessorMaxPollers"));
    pollers.map(|most| most.saturating_mul(BATCHES_OF_A_POLLER)).or_else(|| parameter("ProcessorMaxConcurrency"))
}

/// A function URL has no throttle: the concurrency reserved for the receiver is its limit.
fn behind_url(functions: u64, processors: u64, receivers: u64) -> Check {
    let said = format!(
        "Lambda allows {functions} concurrent executions in this account, of which this stack's processor uses up to {processors}"
    );
    if receivers == 0 {
        let said = format!("{said}; the receiver behind the function URL has no limit");
        return Check::warning(
            NAME,
            said,
            "deploy with ReceiverMaxConcurrency: otherwise anybody can use up the account's concurrency with requests",
        );
    }
    let said = format!("{said}, and {receivers} are reserved for its receiver");
    let needs = processors.saturating_add(receivers);
    if needs <= functions {
        return Check::good(NAME, said);
    }
    let Quota { service, code } = FUNCTIONS;
    let next = format!(
        "{needs} may be needed and {functions} are allowed: raise {service} {code} in Service Quotas, or deploy with a lower \
         ProcessorMaxConcurrency or ReceiverMaxConcurrency"
    );
    Check::bad(NAME, said, next)
}

fn compared(functions: u64, requests: u64, processors: u64, rate: u64) -> Check {
    let receivers = rate.saturating_mul(RECEIVE_TIME.as_millis().try_into().unwrap_or(u64::MAX)).div_ceil(1_000);
    let functions = Capacity { has: functions, needs: processors.saturating_add(receivers) };
    let requests = Capacity { has: requests, needs: rate };
    let said = format!(
        "Lambda allows {} concurrent executions in this account, this stack needs up to {}: {processors} for the processor, and \
         {receivers} for the receiver at {rate} webhooks a second; API Gateway allows {} requests a second",
        functions.has, functions.needs, requests.has
    );
    let mut next = Vec::new();
    for (room, quota, parameters) in
        [(functions, FUNCTIONS, "ProcessorMaxConcurrency or ThrottleRateLimit"), (requests, REQUESTS, "ThrottleRateLimit")]
    {
        if room.has < room.needs {
            let Quota { service, code } = quota;
            next.push(format!(
                "{} may be needed and {} are allowed: raise {service} {code} in Service Quotas, or deploy with a lower \
                 {parameters}",
                room.needs, room.has
            ));
        }
    }
    if next.is_empty() { Check::good(NAME, said) } else { Check::bad_each(NAME, said, next) }
}

/// The account's value of a quota, or AWS's default value if no increase was ever requested.
async fn value(client: &Client, quota: Quota) -> Result<u64, String> {
    let Quota { service, code } = quota;
    let found = match client.get_service_quota().service_code(service).quota_code(code).send().await {
        Ok(found) => found.quota,
        Err(error) if error.as_service_error().is_some_and(|error| error.is_no_such_resource_exception()) => {
            let usual = client.get_aws_default_service_quota().service_code(service).quota_code(code).send().await;
            usual.map_err(|error| cause(&error))?.quota
        }
        Err(error) => return Err(cause(&error)),
    };
    let value = found.and_then(|quota| quota.value).filter(|value| value.is_finite() && *value >= 0.0);
    // A quota is a whole number, and far below the first integer that a double can't represent.
    value.map(|value| value as u64).ok_or_else(|| format!("{service} {code} has no value"))
}

#[cfg(test)]
mod tests {
    use super::super::Status;
    use super::*;

    #[test]
    fn event_pollers_take_the_place_of_the_processors_maximum() {
        let of = |least: Option<u64>| {
            processors(&move |name: &str| match name {
                "ProcessorMinPollers" => least,
                "ProcessorMaxPollers" => Some(100),
                "ProcessorMaxConcurrency" => Some(20),
                _ => None,
            })
        };
        assert_eq!([None, Some(0), Some(2)].map(of), [Some(20), Some(20), Some(1_000)]);
    }

    #[test]
    fn a_function_url_without_a_limit_gets_a_warning() {
        for (functions, receivers, status, word) in [
            (1_000, 0, Status::Warning, "ReceiverMaxConcurrency"),
            (1_000, 100, Status::Good, ""),
            (120, 100, Status::Good, ""),
            (119, 100, Status::Bad, "120 may be needed and 119 are allowed"),
        ] {
            let check = behind_url(functions, 20, receivers);
            assert_eq!(check.status, status, "{functions} {receivers}");
            assert!(check.next.join("\n").contains(word), "{:?}", check.next);
        }
    }

    #[test]
    fn the_ten_of_a_new_account_are_too_few_and_a_quota_equal_to_the_need_is_enough() {
        for (functions, requests, status) in [
            (1_000, 10_000, Status::Good),
            (70, 500, Status::Good),
            (69, 500, Status::Bad),
            (70, 499, Status::Bad),
            (10, 10_000, Status::Bad),
        ] {
            assert_eq!(compared(functions, requests, 20, 500).status, status, "{functions} {requests}");
        }
        let both = compared(10, 100, 20, 500).next.join("\n");
        assert!(
            both.contains("70 may be needed and 10 are allowed: raise lambda L-B99A9384")
                && both.contains("500 may be needed and 100 are allowed: raise apigateway"),
            "{both}"
        );
    }
}
