//! `tidings endpoints test`: a test event to one endpoint, whatever it subscribes to.

use super::attempts::print;
use super::unknown;
use crate::Failure;
use crate::limits::{ENDPOINT_TEST_LOOK, ENDPOINT_TEST_WAIT};
use crate::style::{data_of, note};
use crate::target::{TargetOptions, now, unreadable, webhooks};
use clap::Args;
use publisher::delivery::DeliveryState;
use publisher::operate;
use publisher::ports::DeliveryStore;
use std::process::ExitCode;
use tidings_config::endpoint::EndpointId;
use tokio::time::Instant;

#[derive(Debug, Args)]
#[command(after_help = "The event has the type tidings.endpoint.test. It is signed, recorded and retried like any other.\n\n\
        Exit status: 0 delivered, 1 not, or not yet.\n\nExample:\n  \
        tidings endpoints test ep_crm --stack tidings")]
pub struct EndpointsTest {
    /// The endpoint
    pub id: EndpointId,
    #[command(flatten)]
    pub target: TargetOptions,
}

pub(crate) async fn run(options: EndpointsTest) -> Result<ExitCode, Failure> {
    let at = &options.target.at;
    let webhooks = webhooks(at).await?;
    let failed = |error| unreadable(at, &error);
    let found = webhooks.book()?.find(&options.id).await.map_err(failed)?;
    let one = found.ok_or_else(|| unknown(&options.id))?;
    if !one.status.is_active() {
        return Err(Failure::new(format!("{} is disabled", options.id)).hint("`tidings endpoints enable ID` comes first"));
    }
    let sent = operate::test(&webhooks.deliveries, &webhooks.queue, &one, now(at).await).await;
    let key = sent.map_err(failed)?;
    let until = Instant::now() + ENDPOINT_TEST_WAIT;
    let delivery = loop {
        let delivery = webhooks.deliveries.get(&key).await.map_err(failed)?;
        match delivery {
            Some(delivery) if !delivery.log.is_empty() || delivery.state == DeliveryState::Held => break delivery,
            Some(delivery) if Instant::now() >= until => break delivery,
            Some(_) | None => {}
        }
        if Instant::now() >= until {
            return Err(Failure::new("the delivery isn't there any more"));
        }
        tokio::time::sleep(ENDPOINT_TEST_LOOK).await;
    };
    if options.target.json {
        data_of(&delivery)?;
    } else {
        print(&delivery);
    }
    if delivery.log.is_empty() {
        note("no attempt was made yet: is the publisher running?");
    }
    Ok(if delivery.state == DeliveryState::Delivered { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
