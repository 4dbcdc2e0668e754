//! `tidings dev`: the deployed receiver and processor on an embedded cloud, in one process.
//!
//! With `--data`, everything that was acknowledged or committed is kept and shown, however the process ends: `kill -9`,
//! SIGTERM, Ctrl-C, a full disk. docs/decisions/0029-dev-is-durable.md explains how.

pub(crate) mod about;
pub(crate) mod access;
pub(crate) mod actions;
mod banner;
mod blueprint;
pub(crate) mod claimed;
pub(crate) mod clock;
pub mod cloud;
pub(crate) mod commands;
mod context;
mod demo;
mod disk;
mod door;
mod feed;
mod folder;
pub(crate) mod http;
pub(crate) mod local_apis;
mod mapping;
mod options;
mod portal;
mod push;
mod queues;
pub(crate) mod receiver;
mod reload;
pub(crate) mod requests;
pub(crate) mod secrets;
mod secrets_manager;
pub(crate) mod sending;
mod show;
pub(crate) mod signals;
mod silence;
#[cfg(test)]
mod tests;
mod watch;
mod webhooks;
pub(crate) mod workbench;

pub(crate) use options::DevOptions;

use self::receiver::VISIBILITY_TIMEOUT_SECONDS;
use crate::Failure;
use crate::dev_client::{OWN_PATHS as PAGES, token};
use crate::inspector::{self, Inspector};
use crate::project::Location;
use crate::style::{self, FAINT, STRONG, note, paint, say};
use access::TokenFiles;
use actions::{ActionsTo, Chatbot};
use axum::Router;
use clock::Sweeping;
use cloud::{Cloud, Options, listen};
use demo::Demo;
use secrets::Secrets;
use show::Detail;
use std::process::ExitCode;
use std::sync::Arc;
use tidings_config::limits::SWEEP_INTERVAL;
use tokio::net::TcpListener;
use tokio::sync::watch as channel;
use tokio::task::JoinSet;
use workbench::{Setup, Workbench};

/// Batches processed at the same time. Two, so that races between processors occur here too.
const PROCESSORS: usize = 2;

/// Batches of webhooks that are attempted at the same time: one with a server that doesn't answer holds up no other.
const ATTEMPTERS: usize = 4;

pub(crate) async fn run(mut options: DevOptions) -> Result<ExitCode, Failure> {
    match options.command.take() {
        None => serve(options).await,
        Some(command) => command.run().await,
    }
}

async fn serve(mut options: DevOptions) -> Result<ExitCode, Failure> {
    if options.demo && options.actions_to == ActionsTo::Queue {
        let failure = Failure::new("--demo compares the actions with the corpus, so it must receive them itself");
        return Err(failure.hint("leave out --demo and use `tidings send --case NAME`, or use --actions-to URL").status(2));
    }
    if options.port == u16::MAX {
        let failure = Failure::new(format!("port {}: DynamoDB and SQS use the next port, and there is none", options.port));
        return Err(failure.hint("allowed: 0 to 65534").status(2));
    }
    if options.actions_to == ActionsTo::Lines {
        style::say_aside();
    }
    let told = signals::listen()?;
    let listener = listen(options.port).await?;
    let address = listener.local_addr().map_err(|error| Failure::new(error.to_string()))?;
    let url = format!("http://{address}");
    let location = if options.demo { Location::Demo } else { Location::here_or_demo()? };
    let presets_at = options.presets.then(|| url.clone());
    let configuration = reload::configuration(&location, presets_at.as_deref())?;
    let feed = options.feed || configuration.sources.iter().any(|source| source.status_url);
    show::init(if options.verbose { Detail::Steps } else { Detail::Lines });
    let cloud = Cloud::start(Options {
        dynamodb_port: if options.port == 0 { 0 } else { options.port.saturating_add(1) },
        data: options.data.as_deref(),
        secrets: "{}",
        api_secrets: "{}",
        visibility_timeout_seconds: VISIBILITY_TIMEOUT_SECONDS,
    });
    let cloud = Arc::new(cloud.await?);
    let _ = cloud.about.webhooks.set(url.clone());
    show::at(&cloud.endpoint);
    let names = banner::Names::of(&configuration);
    // Commands that run in this process need no file for it.
    token::know(&[address.port(), cloud.dynamodb_port], &cloud.token);
    let setup = Setup {
        keep_events: options.keep_events,
        feed,
        secrets: Secrets {
            sources: options.secrets.clone(),
            apis: options.api_secrets.clone(),
            channels: options.channel_secrets.clone(),
        },
        channels_to: options.channels,
        local_apis: options.local_apis.clone(),
    };
    let (workbench, documents) = Workbench::start(Arc::clone(&cloud), setup, configuration).await?;
    let workbench = Arc::new(workbench);
    // Without the file, the token can still be passed to a command.
    let _token = TokenFiles::write(&cloud.token, &[address.port(), cloud.dynamodb_port])
        .inspect_err(|failure| note(&format!("{failure}: other commands need the token as TIDINGS_DEV_TOKEN")));
    let (stop, stopped) = channel::channel(false);
    let inspector = Inspector::of_dev(&url, address, &cloud.endpoint, &location, &workbench, stopped.clone())?;
    let pages = if options.verbose { inspector.address_with_key() } else { inspector.address() };
    options.feed = feed;
    banner::print(&url, &pages, &cloud, &options, &location, &names);
    banner::missing(&documents.missing);

    let chatbot = Arc::new(Chatbot::default());
    let mut routes = context::router(&cloud).merge(portal::router(&cloud)).merge(inspector::router(PAGES, inspector));
    if feed {
        routes = routes.merge(feed::router(&cloud, stopped.clone()));
    }
    let mut running = start((listener, routes), &cloud, &workbench, &chatbot, &options.actions_to, &stopped);
    running.spawn(reload::run(workbench, location, presets_at, stopped));

    let demo = async {
        if !options.demo {
            return Ok(true);
        }
        // With --data, an action counts as shown when its line was written. So the chatbot writes it as usual.
        let is_story = !options.verbose;
        if is_story {
            Detail::Nothing.set();
            chatbot.be_silent(options.data.is_none());
        }
        let (cloud, chatbot) = (&*cloud, &*chatbot);
        let good = Demo { url: &url, cloud, chatbot, secrets: &documents.sources, is_verbose: options.verbose }.run().await;
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
        say!("{} {}", paint(STRONG, "Listening."), paint(FAINT, "Ctrl-C stops it."));
        signals::heard(told).await;
    }
    let _ = stop.send(true);
    finish(running).await;
    Ok(match status {
        Some(true) => ExitCode::SUCCESS,
        // Stopped before the end of the demo, so the condition of --exit isn't met.
        None if !options.exit => ExitCode::SUCCESS,
        None | Some(false) => ExitCode::FAILURE,
    })
}

/// Starts the server with further routes, the event source mappings and the consumer of the actions. They run until `stopped` turns true.
fn start(
    (listener, routes): (TcpListener, Router),
    cloud: &Arc<Cloud>,
    workbench: &Arc<Workbench>,
    chatbot: &Arc<Chatbot>,
    actions_to: &ActionsTo,
    stopped: &channel::Receiver<bool>,
) -> JoinSet<()> {
    let mut running = JoinSet::new();
    let of_events = [mapping::From::Links].into_iter().chain([mapping::From::Events; PROCESSORS]);
    let of_webhooks = [mapping::From::Published].into_iter().chain([mapping::From::Deliveries; ATTEMPTERS]);
    for from in of_events.chain(of_webhooks) {
        running.spawn(mapping::run(Arc::clone(cloud), from, Arc::clone(workbench), stopped.clone()));
    }
    running.spawn(silence::run(Arc::clone(workbench), stopped.clone()));
    running.spawn(sending::run(Arc::clone(cloud), Arc::clone(workbench), stopped.clone()));
    let sweeping: Arc<dyn Sweeping> = Arc::clone(workbench) as _;
    cloud.clock.sweep_with(Arc::downgrade(&sweeping));
    running.spawn(sweeps(sweeping, stopped.clone()));
    let (bot, at, stop) = (Arc::clone(chatbot), Arc::clone(cloud), stopped.clone());
    match actions_to {
        ActionsTo::Terminal | ActionsTo::Lines => drop(running.spawn(bot.run(at, actions_to.clone(), stop))),
        ActionsTo::Url(url) => drop(running.spawn(push::run(bot, at, url.clone(), stop))),
        ActionsTo::Queue => {}
    }
    let (about, token) = (Arc::clone(&cloud.about), cloud.token.clone());
    let stop = signals::heard(stopped.clone());
    let server = http::serve(listener, Arc::clone(workbench), routes, cloud.links(), about, token, stop);
    running.spawn(async move {
        let _ = server.await;
    });
    running
}

/// Sweeps the timers as often as the schedule does on AWS, by this machine's clock.
async fn sweeps(timers: Arc<dyn Sweeping>, mut stop: channel::Receiver<bool>) {
    while !*stop.borrow() {
        timers.sweep().await;
        tokio::select! {
            () = tokio::time::sleep(SWEEP_INTERVAL) => {}
            _ = stop.changed() => {}
        }
    }
}

/// Waits for work in flight until the grace period ends. With --data, the rest is in its queue at the next start.
async fn finish(mut running: JoinSet<()>) {
    let all = async { while running.join_next().await.is_some() {} };
    if tokio::time::timeout(signals::GRACE, all).await.is_err() {
        note(&format!("not everything was finished within {} s", signals::GRACE.as_secs()));
    }
}
