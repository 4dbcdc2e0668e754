//! `tidings endpoints add`: registers an endpoint at run time. The running publisher knows it after 15 seconds at most.

use crate::Failure;
use crate::style::{FAINT, GOOD, data, paint, say};
use crate::target::{TargetOptions, now, unreadable, webhooks};
use clap::Args;
use publisher::endpoint::{EndpointRecord, Status, random_id};
use publisher::ports::EndpointStore;
use serde_json::json;
use std::collections::BTreeMap;
use std::process::ExitCode;
use tidings_config::endpoint::{BodyForm, Endpoint, EndpointId, Subscription};
use tidings_config::limits::MAX_ENDPOINTS;
use tidings_config::rules::Priority;
use tidings_core::ports::Replaced;
use tidings_expressions::{Expression, Scope};

#[derive(Debug, Args)]
#[command(
    after_help = "A deployed publisher sends to public addresses by https alone, to port 443 or 8443; a `tidings dev` also to \
        loopback addresses of this machine. `tidings endpoints show ID --secret` prints the secret to verify with.\n\n\
        Exit status: 0 registered, 1 not, 2 invalid arguments.\n\nExamples:\n  \
        tidings endpoints add https://crm.example.com/ --event 'order.*' \\\n      --stack tidings\n  \
        tidings endpoints add https://crm.example.com/ --event 'order.*' \\\n      --event 'action:*' --when 'data.total > 100' --stack tidings\n  \
        tidings endpoints add http://127.0.0.1:3000/ --event '*'     at a `dev`"
)]
pub struct EndpointsAdd {
    /// Where webhooks are sent
    pub url: String,
    /// What it subscribes to, once or more: order.*, *, action:tidings.notify, action:*
    #[arg(long = "event", value_name = "PATTERN", required = true)]
    pub events: Vec<Subscription>,
    /// A condition over `event` and `data`, in the language of rules
    #[arg(long, value_name = "EXPRESSION")]
    pub when: Option<String>,
    /// Its place among the endpoints of one event
    #[arg(long, value_enum, default_value = "normal")]
    pub priority: PriorityWord,
    /// For people
    #[arg(long, value_name = "TEXT")]
    pub description: Option<String>,
    /// The form of the body
    #[arg(long, value_enum, default_value = "cloudevents")]
    pub format: FormatWord,
    /// Sign with Ed25519 (v1a) as well
    #[arg(long)]
    pub ed25519: bool,
    /// A header of its own, which must not be a secret
    #[arg(long = "header", value_name = "NAME=VALUE", value_parser = header)]
    pub headers: Vec<(String, String)>,
    /// Its owner's label, by which a portal shows it: 1 to 64 letters, digits, '.', '_' and '-'
    #[arg(long, alias = "group", value_name = "LABEL", value_parser = publisher::portal::owner)]
    pub owner: Option<String>,
    #[command(flatten)]
    pub target: TargetOptions,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
pub enum PriorityWord {
    Low,
    Normal,
    Urgent,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
pub enum FormatWord {
    /// CloudEvents 1.0 JSON
    Cloudevents,
    /// `type`, `timestamp` and `data`, as Standard Webhooks suggests
    Standard,
}

fn header(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("write it as NAME=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}

impl EndpointsAdd {
    fn endpoint(&self, id: EndpointId) -> Endpoint {
        Endpoint {
            id,
            url: self.url.clone(),
            events: self.events.clone(),
            when: self.when.clone(),
            priority: match self.priority {
                PriorityWord::Low => Priority::Low,
                PriorityWord::Normal => Priority::Normal,
                PriorityWord::Urgent => Priority::Urgent,
            },
            description: self.description.clone(),
            secret: None,
            format: match self.format {
                FormatWord::Cloudevents => BodyForm::Cloudevents,
                FormatWord::Standard => BodyForm::Standard,
            },
            ed25519: self.ed25519,
            headers: self.headers.iter().cloned().collect::<BTreeMap<_, _>>(),
        }
    }
}

pub(crate) async fn run(options: EndpointsAdd) -> Result<ExitCode, Failure> {
    let at = &options.target.at;
    let webhooks = webhooks(at).await?;
    let id = random_id().ok_or_else(|| Failure::new("the operating system returned no random bytes"))?;
    let endpoint = options.endpoint(id);
    let mut problems: Vec<String> =
        endpoint.problems(webhooks.reach).into_iter().map(|(field, why)| format!("{field}: {why}")).collect();
    if let Some(Err(error)) = endpoint.when.as_ref().map(|when| Expression::parse(when, Scope::Event)) {
        problems.push(format!("when: {error}"));
    }
    if !problems.is_empty() {
        return Err(Failure::new("this can't be an endpoint:").details(problems).status(2));
    }
    let known = webhooks.book()?.fresh().await.map_err(|error| unreadable(at, &error))?.len();
    if known >= MAX_ENDPOINTS {
        return Err(Failure::new(format!("there are {known} endpoints, allowed: {MAX_ENDPOINTS}"))
            .hint("remove one that isn't needed: `tidings endpoints remove ID`"));
    }
    let status = Status { created: Some(now(at).await), group: options.owner.clone(), ..Status::default() };
    let id = endpoint.id.clone();
    let record = EndpointRecord { id: id.clone(), endpoint: Some(endpoint), status, version: None };
    match webhooks.endpoints.put(&record).await.map_err(|error| unreadable(at, &error))? {
        Replaced::Yes => {}
        Replaced::Changed => return Err(Failure::new(format!("{id} exists already")).hint("run the command again")),
    }
    if options.target.json {
        data(&json!({ "id": id, "url": options.url }));
    } else {
        say!("{} {id}", paint(GOOD, "registered"));
        say!("  {}", paint(FAINT, at.command(&format!("tidings endpoints show {id} --secret"))));
        say!("  {}", paint(FAINT, at.command(&format!("tidings endpoints test {id}"))));
    }
    Ok(ExitCode::SUCCESS)
}
