//! `tidings inspect`: serves the inspector of a stack on this machine, for a browser.

use crate::Failure;
use crate::dev::signals;
use crate::dev_client::about;
use crate::inspector::{self, Inspector};
use crate::project::Location;
use crate::style::{FAINT, NAME, STRONG, data, note, paint, say};
use crate::target::{Place, dev_endpoint, reader_at};
use axum::Router;
use clap::Args;
use serde_json::json;
use std::net::{Ipv4Addr, SocketAddr};
use std::process::ExitCode;
use tokio::net::TcpListener;

/// Beside those of `tidings dev`.
const PORT: u16 = 8790;

#[derive(Debug, Args)]
#[command(
    after_help = "It prints an address on this machine. Only you can open it, and it changes nothing that you don't confirm. \
        Data comes with your AWS credentials from the same calls as the commands': the list of events reads the whole claims \
        table, which is billed. `tidings dev` serves the same pages at its own address, with the requests that it \
        received.\n\nExamples:\n  \
        tidings inspect --stack tidings\n  \
        tidings inspect --stack tidings --region eu-central-1 --port 0\n  \
        tidings inspect --port 0                 a running `tidings dev`"
)]
pub struct InspectOptions {
    #[command(flatten)]
    pub at: Place,
    /// Port on 127.0.0.1. 0: any free port
    #[arg(long, default_value_t = PORT)]
    pub port: u16,
    /// Print an address that contains the key, for a browser whose connections belong to another user: under WSL, or
    /// behind a container's proxy
    #[arg(long)]
    pub with_key: bool,
    /// Print the address as JSON
    #[arg(long)]
    pub json: bool,
}

pub(crate) async fn run(options: InspectOptions) -> Result<ExitCode, Failure> {
    let InspectOptions { mut at, port, with_key, json } = options;
    if at.stack.is_none() {
        let endpoint = dev_endpoint(&at).await;
        if about::ask(&endpoint).await.is_none() {
            return Err(Failure::new(format!("no `tidings dev` responds at {endpoint}"))
                .hint("name a deployed stack with --stack; or start `tidings dev`, which serves these pages itself"));
        }
        at.endpoint_url = Some(endpoint);
    }
    // Credentials and outputs are missing now, or never.
    reader_at(&at).await?;
    let project = Location::find()?;
    let told = signals::listen()?;
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await.map_err(|error| {
        Failure::new(format!("port {port}: {error}")).hint("choose another one with --port; 0 takes any free port")
    })?;
    let address = listener.local_addr().map_err(|error| Failure::new(error.to_string()))?;
    let inspected = at.stack.clone().map_or_else(|| "tidings dev".to_owned(), |stack| format!("stack {stack}"));
    if project.is_none() {
        note("no project here: without its rules it is unknown why a rule matched or didn't");
    }
    let inspector = Inspector::of_place(at, address, project, told.clone())?;
    let shown = if with_key { inspector.address_with_key() } else { inspector.address() };
    if json {
        data(&json!({ "address": shown }));
    } else {
        say!("{} {}", paint(STRONG, "Inspecting"), inspected);
        say!("  {}", paint(NAME, shown));
        say!("{}", paint(FAINT, "Ctrl-C stops it."));
    }
    let app: Router = inspector::router("", inspector);
    let server = axum::serve(listener, app.into_make_service_with_connect_info::<SocketAddr>());
    let served = server.with_graceful_shutdown(signals::heard(told)).await;
    served.map_err(|error| Failure::new(error.to_string()))?;
    Ok(ExitCode::SUCCESS)
}
