//! `tidings dev`: the receiver and the processor as they are deployed, on an embedded cloud, in one process.
//!
//! With `--data` nothing that was acknowledged or committed is lost or stays unsaid, however it ends: `kill -9`, SIGTERM, Ctrl-C,
//! a full disk. docs/decisions/0029-dev-is-durable.md says how.

pub(crate) mod access;
mod actions;
mod blueprint;
pub mod cloud;
mod demo;
mod disk;
mod door;
mod folder;
pub(crate) mod http;
mod mapping;
mod queues;
mod show;
mod signals;

use crate::Failure;
use crate::arguments::DevOptions;
use crate::commands::files::{document, secrets_document};
use crate::sources;
use crate::style::{FAINT, NAME, STRONG, note, paint, say};
use access::TokenFiles;
use actions::Chatbot;
use cloud::{Cloud, Options, listen};
use demo::Demo;
use processor::Processor;
use receiver::{Ports, Receiver};
use show::Detail;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;
use tidings_config::source::Source;
use tidings_config::time::SystemClock;
use tidings_core::aws::Https;
use tokio::sync::watch;
use tokio::task::JoinSet;

/// Short enough to watch a poison event on its way into the dead-letter queue.
pub(crate) const VISIBILITY_TIMEOUT_SECONDS: u32 = 1;

/// What isn't a webhook: for programs of this machine that know the token.
pub(crate) const OWN_PATHS: &str = "/_dev";

/// Where a link is queued, as `tidings link` does. On AWS that is `sqs:SendMessage` to the links queue, and who may.
pub(crate) const LINKS_PATH: &str = "/_dev/links";

/// Batches that are processed at once: two, so that races between processors happen here too.
const PROCESSORS: usize = 2;

pub(crate) async fn run(options: DevOptions) -> Result<ExitCode, Failure> {
    let told = signals::listen()?;
    let listener = listen(options.port).await?;
    let address = listener.local_addr().map_err(|error| Failure::new(error.to_string()))?;
    let url = format!("http://{address}");
    let sources = sources::listening(options.presets.then_some(url.as_str()));
    let secrets = secrets_document(options.secrets.as_deref(), &sources)?;
    let api_secrets = options.api_secrets.as_deref().map_or_else(|| Ok("{}".to_owned()), document)?;
    show::init(if options.verbose { Detail::Steps } else { Detail::Lines });
    let cloud = Cloud::start(Options {
        dynamodb_port: if options.port == 0 { 0 } else { options.port.saturating_add(1) },
        data: options.data.as_deref(),
        secrets: &secrets,
        api_secrets: &api_secrets,
        visibility_timeout_seconds: VISIBILITY_TIMEOUT_SECONDS,
    });
    let cloud = Arc::new(cloud.await?);
    // Without its file the token can still be given to a command.
    let _token = TokenFiles::write(&cloud.token, &[address.port(), cloud.dynamodb_port])
        .inspect_err(|failure| note(&format!("{failure}: other commands need the token as TIDINGS_DEV_TOKEN")));
    banner(&url, &cloud, &options, &sources);
    let receiver = Arc::new(receiver(&cloud, sources));
    receiver.warm_up().await;

    let (stop, stopped) = watch::channel(false);
    let mut running = JoinSet::new();
    let processor = Arc::new(processor(&cloud, options.keep_events));
    for from in [mapping::From::Links].into_iter().chain([mapping::From::Events; PROCESSORS]) {
        running.spawn(mapping::run(Arc::clone(&cloud), from, Arc::clone(&processor), stopped.clone()));
    }
    let chatbot = Arc::new(Chatbot::default());
    running.spawn(Arc::clone(&chatbot).run(Arc::clone(&cloud), stopped.clone()));
    let server = http::serve(listener, receiver, cloud.links(), cloud.token.clone(), signals::heard(stopped));
    running.spawn(async move {
        let _ = server.await;
    });

    let demo = async {
        if !options.demo {
            return Ok(true);
        }
        // With --data an action counts as said when its line was written: then the chatbot writes it as ever.
        let is_story = !options.verbose;
        if is_story {
            Detail::Nothing.set();
            chatbot.be_silent(options.data.is_none());
        }
        let (cloud, chatbot) = (&*cloud, &*chatbot);
        let good = Demo { url: &url, cloud, chatbot, secrets: &secrets, is_verbose: options.verbose }.run().await;
        if is_story {
            Detail::Lines.set();
            chatbot.be_silent(false);
        }
        if !options.exit {
            demo::now_try(&url, cloud);
        }
        good
    };
    let status = tokio::select! {
        as_expected = demo => Some(as_expected?),
        () = signals::heard(told.clone()) => None,
    };
    if !options.exit && status.is_some() {
        say!("");
        say!("{} {}", paint(STRONG, "Listening."), paint(FAINT, "Ctrl-C ends it."));
        signals::heard(told).await;
    }
    let _ = stop.send(true);
    finish(running).await;
    Ok(match status {
        Some(true) => ExitCode::SUCCESS,
        // Stopped before the demo was over: that isn't what --exit asks for.
        None if !options.exit => ExitCode::SUCCESS,
        None | Some(false) => ExitCode::FAILURE,
    })
}

/// Lets what is in flight be finished. What takes longer is left: with --data it is in its queue at the next start.
async fn finish(mut running: JoinSet<()>) {
    let all = async { while running.join_next().await.is_some() {} };
    if tokio::time::timeout(signals::GRACE, all).await.is_err() {
        note(&format!("not everything was finished within {} s", signals::GRACE.as_secs()));
    }
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
    Processor::new(rules, schemas, ports, cloud.max_receive_count)
        .keeping_events(keep_events)
        .isolating(Arc::new(cloud.visibility()), Duration::from_secs(VISIBILITY_TIMEOUT_SECONDS.into()))
        .taking_links_from(cloud.links_queue_arn.clone())
}

fn banner(url: &str, cloud: &Cloud, options: &DevOptions, sources: &[Source]) {
    let sources: Vec<&str> = sources.iter().map(|s| s.name.as_str()).collect();
    let kept = options.data.as_ref().map_or("in memory".to_owned(), |folder| format!("in {}", folder.display()));
    say!("{}  {}", paint(STRONG, "Tidings"), paint(FAINT, "webhooks in, chatbot context out"));
    say!("  webhooks   {}", paint(NAME, format!("{url}/webhooks/{{source}}")));
    say!("  sources    {}", sources.join(", "));
    say!("  DynamoDB   {} {}", paint(NAME, &cloud.dynamodb_endpoint), paint(FAINT, kept));
    say!("  token      {}", paint(FAINT, cloud.token.as_str()));
    say!("  receives   {} before the dead-letter queue", cloud.max_receive_count);
    say!("");
}
