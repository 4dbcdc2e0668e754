//! `tidings endpoints`: registers, shows, tests and repairs the endpoints of outbound webhooks.

mod add;
mod attempts;
mod change;
mod list;
mod portal_token;
mod retry;
mod send_test;
mod show;

use crate::Failure;
use crate::subcommands::subcommands;
use add::EndpointsAdd;
use attempts::EndpointsAttempts;
use change::{EndpointsDisable, EndpointsEnable, EndpointsRemove, EndpointsRotate};
use list::EndpointsList;
use portal_token::EndpointsPortalToken;
use retry::EndpointsRetry;
use send_test::EndpointsTest;
use show::EndpointsShow;

subcommands! {
    pub enum EndpointsCommand {
        /// Register an endpoint
        Add(options: EndpointsAdd) => add::run(options).await,
        /// List the endpoints, with their state
        List(options: EndpointsList) => list::run(options).await,
        /// Show an endpoint, and with --secret the secret that signs its webhooks
        Show(options: EndpointsShow) => show::run(options).await,
        /// Send a test event to one endpoint, and show its answer
        Test(options: EndpointsTest) => send_test::run(options).await,
        /// Stop webhooks to an endpoint; what it misses is stored for 30 days
        Disable(options: EndpointsDisable) => change::disable(options).await,
        /// Send webhooks to an endpoint again
        Enable(options: EndpointsEnable) => change::enable(options).await,
        /// Delete an endpoint that was registered with `add`
        Remove(options: EndpointsRemove) => change::remove(options).await,
        /// Replace the secret of an endpoint; the old one signs as well for a while
        Rotate(options: EndpointsRotate) => change::rotate(options).await,
        /// List the deliveries of an endpoint, newest first, with their attempts
        Attempts(options: EndpointsAttempts) => attempts::run(options).await,
        /// Send deliveries of an endpoint again
        Retry(options: EndpointsRetry) => retry::run(options).await,
        /// Print a token by which one owner sees and changes its own endpoints over HTTP
        PortalToken(options: EndpointsPortalToken) => portal_token::run(options).await,
    }
}

/// The failure for an endpoint that doesn't exist.
fn unknown(id: &tidings_config::endpoint::EndpointId) -> Failure {
    Failure::new(format!("there is no endpoint {id}")).hint("`tidings endpoints list` shows them")
}
