//! The output of `dev` at its start: all addresses, and what is missing.

use super::actions::{ActionsTo, without_password};
use super::cloud::Cloud;
use super::options::DevOptions;
use super::secrets::Missing;
use super::sending::ChannelsTo;
use super::workbench::Configuration;
use crate::dev_client::aws::queue_url_at;
use crate::dev_client::{ACTIONS_QUEUE, DEAD_LETTER_QUEUE, EVENTS_QUEUE, LINKS_DEAD_LETTER_QUEUE, LINKS_QUEUE};
use crate::project::{Location, RULES, SCHEMAS, SOURCES};
use crate::style::{FAINT, NAME, STRONG, WARN, paint, say};
use tidings_config::rules::Span;

/// The names in the project's files.
#[derive(Debug)]
pub(super) struct Names {
    sources: Vec<String>,
    endpoints: Vec<String>,
    channels: Vec<String>,
}

impl Names {
    pub(super) fn of(configuration: &Configuration) -> Self {
        let Configuration { sources, endpoints, channels, .. } = configuration;
        Self {
            sources: sources.iter().map(|source| source.name.clone()).collect(),
            endpoints: endpoints.iter().map(|endpoint| endpoint.id.to_string()).collect(),
            channels: channels.iter().flatten().map(|channel| channel.name.clone()).collect(),
        }
    }
}

/// Prints all of it, or only the webhook address if the demo's story follows.
pub(super) fn print(url: &str, inspector: &str, cloud: &Cloud, options: &DevOptions, location: &Location, names: &Names) {
    say!("{}  {}", paint(STRONG, "Tidings"), paint(FAINT, "webhooks in, chatbot context out"));
    say!("  project    {location}{}", paint(FAINT, files(location)));
    say!("  webhooks   {}", paint(NAME, format!("{url}/webhooks/{{source}}")));
    say!("  inspector  {}", paint(NAME, inspector));
    if !options.demo || options.verbose {
        print_rest(cloud, options, names);
    }
    say!("");
}

fn print_rest(cloud: &Cloud, options: &DevOptions, names: &Names) {
    let kept = options.data.as_ref().map_or("in memory".to_owned(), |folder| format!("in {}", folder.display()));
    let endpoint = &cloud.endpoint;
    say!("  sources    {}", names.sources.join(", "));
    if !names.channels.is_empty() {
        say!("  channels   {} {}", names.channels.join(", "), paint(FAINT, channels(options.channels)));
    }
    if !names.endpoints.is_empty() {
        say!("  endpoints  {} {}", names.endpoints.join(", "), paint(FAINT, "`tidings endpoints list` shows their deliveries"));
    }
    say!("  DynamoDB   {} {}", paint(NAME, endpoint), paint(FAINT, kept));
    say!("  SQS        {} {}", paint(NAME, endpoint), paint(FAINT, "the same address"));
    if options.verbose {
        say!("  queues     {}", paint(FAINT, queue_url_at(endpoint, ACTIONS_QUEUE)));
        for queue in [EVENTS_QUEUE, DEAD_LETTER_QUEUE, LINKS_QUEUE, LINKS_DEAD_LETTER_QUEUE] {
            say!("             {}", paint(FAINT, queue_url_at(endpoint, queue)));
        }
    }
    if options.feed {
        let webhooks = cloud.about.webhooks.get().map_or("", String::as_str);
        let path = paint(NAME, format!("{webhooks}/feed/{{conversation}}"));
        say!("  feed       {path} {}", paint(FAINT, "and /socket; tokens are signed with the token"));
    }
    say!("  token      {}", paint(FAINT, cloud.token.as_str()));
    say!("  actions    {}", actions(&options.actions_to));
    say!("  receives   up to {}, then the dead-letter queue", cloud.max_receive_count);
    let ahead = cloud.clock.ahead();
    if !ahead.is_zero() {
        say!("  clock      {}", paint(WARN, format!("{} ahead, by `tidings dev advance`", Span::new(ahead))));
    }
    say!("  for a bot  {}", paint(FAINT, "eval \"$(tidings dev env)\" lets an AWS SDK find queues and tables"));
}

/// The files that are read again after a change.
fn files(location: &Location) -> String {
    match location {
        Location::Folder(_) => format!(": {SOURCES}, {RULES}, {SCHEMAS}/; changes are applied when they are saved"),
        Location::Demo => String::new(),
    }
}

fn channels(to: ChannelsTo) -> &'static str {
    match to {
        ChannelsTo::Mock => "answered here; --channels real sends to people",
        ChannelsTo::Real => "real: messages reach people",
    }
}

fn actions(to: &ActionsTo) -> String {
    match to {
        ActionsTo::Terminal => "shown here; --actions-to sends them to your bot".to_owned(),
        ActionsTo::Lines => "a line of JSON each, on standard output".to_owned(),
        ActionsTo::Url(url) => format!("posted to {}", without_password(url)),
        ActionsTo::Queue => format!("left in {ACTIONS_QUEUE} for your bot"),
    }
}

/// Prints which secrets are missing, and how to add them.
pub(super) fn missing(missing: &Missing) {
    let Missing { sources, apis } = missing;
    if !sources.is_empty() {
        let names = sources.join(", ");
        say!("  {} {names}: requests are answered 503 no_secret; give --secrets FILE", paint(WARN, "no secret"));
    }
    if !apis.is_empty() {
        let names = apis.join(", ");
        say!(
            "  {} API {names}: rules that fetch from it fail; give --api-secrets FILE, or --api NAME=URL",
            paint(WARN, "no secret")
        );
    }
}
