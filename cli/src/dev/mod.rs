//! `tidings dev`: the receiver and the processor as they are deployed, on an embedded cloud, in one process.

mod actions;
mod blueprint;
pub mod cloud;
mod demo;
pub(crate) mod http;
mod mapping;
mod queues;
mod show;

use crate::Failure;
use crate::arguments::DevOptions;
use crate::commands::files::{document, secrets_document};
use crate::sources;
use crate::style::{FAINT, NAME, STRONG, paint, say};
use actions::Chatbot;
use cloud::{Cloud, Options, listen};
use processor::Processor;
use receiver::{Ports, Receiver};
use std::process::ExitCode;
use std::sync::Arc;
use tidings_core::aws::Https;
use tidings_core::config::source::Source;
use tidings_core::time::SystemClock;
use tokio::sync::watch;

/// Short enough to watch a poison event on its way into the dead-letter queue.
pub(crate) const VISIBILITY_TIMEOUT_SECONDS: u32 = 1;

/// Where an event of our own is queued, as `tidings link` does. On AWS that is `sqs:SendMessage`, and who may.
pub(crate) const EVENTS_PATH: &str = "/_dev/events";

/// Batches that are processed at once: two, so that races between processors happen here too.
const PROCESSORS: usize = 2;

pub(crate) async fn run(options: DevOptions) -> Result<ExitCode, Failure> {
    let listener = listen(options.port).await?;
    let address = listener.local_addr().map_err(|error| Failure::new(error.to_string()))?;
    let url = format!("http://{address}");
    let sources = sources::listening(options.presets.then_some(url.as_str()));
    let secrets = secrets_document(options.secrets.as_deref(), &sources)?;
    let api_secrets = options.api_secrets.as_deref().map_or_else(|| Ok("{}".to_owned()), document)?;
    show::init();
    let cloud = Cloud::start(Options {
        dynamodb_port: if options.port == 0 { 0 } else { options.port.saturating_add(1) },
        data: options.data.as_deref(),
        secrets: &secrets,
        api_secrets: &api_secrets,
        visibility_timeout_seconds: VISIBILITY_TIMEOUT_SECONDS,
    });
    let cloud = Arc::new(cloud.await?);
    if let Some(folder) = &options.data {
        queues::restore(&cloud, folder).await?;
    }
    banner(&url, &cloud, &options, &sources);
    let receiver = Arc::new(receiver(&cloud, sources));
    receiver.warm_up().await;

    let (stop, stopped) = watch::channel(false);
    let processor = Arc::new(processor(&cloud, options.keep_events));
    let mappings: Vec<_> = (0..PROCESSORS)
        .map(|_| tokio::spawn(mapping::run(Arc::clone(&cloud), Arc::clone(&processor), stopped.clone())))
        .collect();
    let chatbot = Arc::new(Chatbot::default());
    let consumer = tokio::spawn(Arc::clone(&chatbot).run(Arc::clone(&cloud), stopped.clone()));
    let mut until = stopped.clone();
    let server = tokio::spawn(http::serve(listener, receiver, cloud.queue(), async move {
        let _ = until.wait_for(|stop| *stop).await;
    }));

    let mut status = ExitCode::SUCCESS;
    if options.demo {
        let as_expected = demo::run(&url, &cloud, &chatbot, &secrets).await?;
        status = if as_expected { ExitCode::SUCCESS } else { ExitCode::FAILURE };
    }
    if !options.exit {
        say!("");
        say!("{} {}", paint(STRONG, "Listening."), paint(FAINT, "Ctrl-C ends it."));
        let _ = tokio::signal::ctrl_c().await;
    }
    let _ = stop.send(true);
    let _ = server.await;
    for mapping in mappings {
        let _ = mapping.await;
    }
    let _ = consumer.await;
    if let Some(folder) = &options.data {
        queues::save(&cloud, folder, VISIBILITY_TIMEOUT_SECONDS).await?;
    }
    Ok(status)
}

/// The receiver as `functions/receiver/src/main.rs` wires it.
pub(crate) fn receiver(cloud: &Cloud, sources: Vec<Source>) -> Receiver {
    let (claims, queue) = (Arc::new(cloud.claims()), Arc::new(cloud.queue()));
    let ports = Ports {
        claims: Arc::clone(&claims) as _,
        queue: Arc::clone(&queue) as _,
        secrets: Arc::new(cloud.secret_store()),
        captured: Some(Arc::new(cloud.captured_secrets())),
        https: Arc::new(Https::default()),
        clock: Arc::new(SystemClock),
    };
    Receiver::new(sources, ports).probing(vec![claims, queue])
}

/// The processor as `functions/processor/src/main.rs` wires it.
fn processor(cloud: &Cloud, keep_events: bool) -> Processor {
    let ports = ::processor::Ports {
        store: Arc::new(cloud.contexts()),
        actions: Arc::new(cloud.actions()),
        timers: Arc::new(cloud.timers()),
        https: Arc::new(Https::default()),
        api_secrets: Some(Arc::new(cloud.api_secrets())),
        clock: Arc::new(SystemClock),
    };
    let (rules, schemas) = (::processor::configured::rules(), ::processor::configured::schemas());
    Processor::new(rules, schemas, ports, cloud.max_receive_count).keeping_events(keep_events)
}

fn banner(url: &str, cloud: &Cloud, options: &DevOptions, sources: &[Source]) {
    let sources: Vec<&str> = sources.iter().map(|s| s.name.as_str()).collect();
    let kept = options.data.as_ref().map_or("in memory".to_owned(), |folder| format!("in {}", folder.display()));
    say!("{}  {}", paint(STRONG, "Tidings"), paint(FAINT, "webhooks in, chatbot context out"));
    say!("  webhooks   {}", paint(NAME, format!("{url}/webhooks/{{source}}")));
    say!("  sources    {}", sources.join(", "));
    say!("  DynamoDB   {} {}", paint(NAME, &cloud.dynamodb_endpoint), paint(FAINT, kept));
    say!("  receives   {} before the dead-letter queue", cloud.max_receive_count);
    say!("");
}
