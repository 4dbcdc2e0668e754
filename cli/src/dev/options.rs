//! Arguments of `tidings dev`.

use super::actions::ActionsTo;
use super::commands::DevCommand;
use super::local_apis::LocalApi;
use super::sending::ChannelsTo;
use crate::dev_client::DEV_PORT;
use clap::Args;
use std::path::PathBuf;

#[derive(Debug, Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "Examples:\n  \
        tidings dev                        listen, and show the result of each event\n  \
        tidings dev -v                     show each step of processing\n  \
        tidings dev --demo                 first show an example\n  \
        tidings dev --demo --exit          as a test: status 1 if a result differs\n  \
        tidings dev --data .tidings        keep everything on disk\n  \
        tidings dev --presets              listen for every known provider\n  \
        tidings dev --actions-to http://127.0.0.1:3000/actions    post each to a bot\n  \
        tidings dev --actions-to - | your-bot                     a line of JSON each\n  \
        tidings dev --actions-to queue     leave them in their queue, for an AWS SDK\n  \
        tidings dev --feed                 follow a conversation in a browser\n  \
        tidings dev --channels real --channel-secrets secrets.json   send to people\n  \
        tidings dev --api orders=file:tests/api                   `enrich` reads files\n  \
        tidings dev advance 45m            advance the clock of the running `dev`\n  \
        eval \"$(tidings dev env)\"         let an AWS SDK find the running `dev`\n\n\
        With --data, everything that was answered 202 is on the disk: events, timers, dead letters and actions survive kill -9, \
        and a full disk is answered 503. Only one `dev` uses a folder at a time. An action counts as shown when its line was \
        written.\n\
        Ctrl-C and SIGTERM finish the work in flight and exit with 0; a second one exits immediately (130, 143).\n\
        Webhooks need their signature, all other requests the token that is printed; other commands on this machine read it \
        from a file."
)]
pub struct DevOptions {
    #[command(subcommand)]
    pub command: Option<DevCommand>,
    /// Send the corpus: real signatures, a duplicate, forged ones, a poison event
    #[arg(long)]
    pub demo: bool,
    /// Show each step of each event, and all results of the demo
    #[arg(long, short)]
    pub verbose: bool,
    /// End after the demo; the exit status says whether all results match the corpus
    #[arg(long, requires = "demo")]
    pub exit: bool,
    /// Port for webhooks on 127.0.0.1; DynamoDB and SQS use the next one. 0: any two free ports
    #[arg(long, default_value_t = DEV_PORT)]
    pub port: u16,
    /// Store tables, queues, timers and the clock in this folder, which only you can read; in memory if left out
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// Store events with their claims, as a stack with KeepEvents=true does, for `tidings replay --endpoint-url`
    #[arg(long)]
    pub keep_events: bool,
    /// Serve the feed of each conversation, as a stack with Feed=true does: GET /feed/CONVERSATION and the WebSocket
    /// /socket, with viewers' tokens that are signed with the token of this `dev`. On without this option if a source has
    /// `reply: async`
    #[arg(long)]
    pub feed: bool,
    /// Webhook secrets: a JSON object from source to a secret or a list of secrets. A source that isn't in it uses its
    /// public demo secret, if it has one
    #[arg(long, value_name = "FILE")]
    pub secrets: Option<PathBuf>,
    /// Secrets of the APIs that rules fetch from: a JSON object from API to a secret
    #[arg(long, value_name = "FILE")]
    pub api_secrets: Option<PathBuf>,
    /// Fetch this API from this machine: NAME=http://127.0.0.1:PORT, or NAME=file:DIR. rules.yaml keeps the deployed
    /// address
    #[arg(long = "api", value_name = "NAME=URL")]
    pub local_apis: Vec<LocalApi>,
    /// Where the channels of channels.yaml and the sinks of sinks.yaml send to, if the project has them
    #[arg(long, value_enum, default_value = "mock")]
    pub channels: ChannelsTo,
    /// Secrets of the channels: a JSON object from the names of channels.yaml to a secret. With `--channels mock` one that
    /// is left out is made up
    #[arg(long, value_name = "FILE")]
    pub channel_secrets: Option<PathBuf>,
    /// Consumer of the actions: `terminal` shows them, `-` prints each as a line of JSON on standard output (all else
    /// goes to standard error), a URL gets each as a POST, `queue` leaves them for an AWS SDK
    #[arg(long, alias = "actions", value_name = "WHERE", default_value = "terminal")]
    pub actions_to: ActionsTo,
    /// Also serve every preset under its own name, to try a provider before it is configured. Without --secrets each
    /// uses the public demo secret of its first vector
    #[arg(long)]
    pub presets: bool,
}
