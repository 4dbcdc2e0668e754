//! The running receiver, processor and publisher. They can be replaced while `dev` runs: tables, queues, timers and the clock
//! stay. A request or a batch is finished with the configuration with which it began.

use super::clock::{MAX_ADVANCE, Sweeping};
use super::cloud::Cloud;
use super::local_apis::{LocalApi, LocalApis};
use super::receiver::{VISIBILITY_TIMEOUT_SECONDS, receiver};
use super::requests::Requests;
use super::secrets::{self, Documents, Missing, Secrets};
use super::sending::{ChannelsTo, sender};
use super::silence::Ears;
use super::webhooks::{self, IfAnyone};
use crate::Failure;
use async_trait::async_trait;
use processor::Processor;
use publisher::Publisher;
use receiver::Receiver;
use sender::Sender;
use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;
use tidings_config::endpoint::Endpoint;
use tidings_config::limits::SWEEP_PROVEN;
use tidings_config::rules::{Rules, Span};
use tidings_config::schemas::EventSchemas;
use tidings_config::source::Source;
use tidings_config::time::{Clock, SystemClock, Timestamp};
use tidings_core::ports::TimerStore;
use tidings_core::stored_timer::{Sweeps, TimerKey};
use tidings_outgoing::{ConfiguredChannel, ConfiguredSink};
use zeroize::Zeroizing;

/// The processor's timeout for a sweep.
const TIME_FOR_A_SWEEP: Duration = Duration::from_secs(30);

/// The configuration of a project.
#[derive(Debug)]
pub(crate) struct Configuration {
    pub(crate) sources: Vec<Source>,
    pub(crate) rules: Rules,
    pub(crate) schemas: EventSchemas,
    /// Those of `endpoints.yaml`.
    pub(crate) endpoints: Vec<Endpoint>,
    /// Those of `sinks.yaml`.
    pub(crate) sinks: Vec<ConfiguredSink>,
    /// `None`: the project has no `channels.yaml`.
    pub(crate) channels: Option<Vec<ConfiguredChannel>>,
    /// The hash of the artefact for a deployment.
    pub(crate) hash: String,
}

/// The arguments of `dev` that aren't part of the project.
#[derive(Debug)]
pub(crate) struct Setup {
    pub(crate) keep_events: bool,
    pub(crate) feed: bool,
    pub(crate) secrets: Secrets,
    pub(crate) local_apis: Vec<LocalApi>,
    pub(crate) channels_to: ChannelsTo,
}

#[derive(Debug)]
struct Running {
    receiver: Arc<Receiver>,
    processor: Arc<Processor>,
    publisher: Arc<Publisher>,
    sender: Option<Arc<Sender>>,
    known: Arc<Known>,
    /// The sources that must not be silent.
    expected: Vec<(String, Span)>,
}

/// What the receiver knows of its sources: their schemes, and the document of their secrets.
pub(crate) struct Known {
    pub(crate) sources: Vec<Source>,
    pub(crate) secrets: Zeroizing<String>,
    /// The secrets of the APIs that rules fetch from.
    pub(crate) api_secrets: Zeroizing<String>,
}

impl fmt::Debug for Known {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Known").field("sources", &self.sources.len()).finish_non_exhaustive()
    }
}

#[derive(Debug)]
pub(crate) struct Workbench {
    cloud: Arc<Cloud>,
    setup: Setup,
    ears: Arc<Ears>,
    running: RwLock<Running>,
    requests: Requests,
}

impl Workbench {
    /// Starts with a configuration. Errors: a file of secrets can't be read, or an API of `--api` isn't one of the
    /// rules.
    pub(crate) async fn start(
        cloud: Arc<Cloud>,
        setup: Setup,
        configuration: Configuration,
    ) -> Result<(Self, Documents), Failure> {
        let (running, documents) = Running::of(&cloud, &setup, configuration).await?;
        let ears = Arc::new(Ears::new(Arc::clone(&cloud.clock) as _));
        let requests = Requests::new(SystemClock.now());
        let workbench = Self { cloud, setup, ears, running: RwLock::new(running), requests };
        // Before the first event, so that its timers can be stored.
        workbench.sweep().await;
        Ok((workbench, documents))
    }

    /// Replaces the running configuration, and reads the files of secrets again. After an error the running
    /// configuration stays.
    pub(crate) async fn replace(&self, configuration: Configuration) -> Result<Missing, Failure> {
        let (running, documents) = Running::of(&self.cloud, &self.setup, configuration).await?;
        *self.running.write().unwrap_or_else(PoisonError::into_inner) = running;
        Ok(documents.missing)
    }

    /// The files of secrets, which are read with each configuration.
    pub(crate) fn files(&self) -> impl Iterator<Item = PathBuf> {
        let Secrets { sources, apis, channels } = &self.setup.secrets;
        [sources, apis, channels].into_iter().flatten().cloned().collect::<Vec<_>>().into_iter()
    }

    /// What hears the sources.
    pub(crate) fn ears(&self) -> &Arc<Ears> {
        &self.ears
    }

    /// The sources with `expect_every`, of the running configuration.
    pub(crate) fn expected(&self) -> Vec<(String, Span)> {
        self.running.read().unwrap_or_else(PoisonError::into_inner).expected.clone()
    }

    pub(crate) fn receiver(&self) -> Arc<Receiver> {
        Arc::clone(&self.running.read().unwrap_or_else(PoisonError::into_inner).receiver)
    }

    pub(crate) fn publisher(&self) -> Arc<Publisher> {
        Arc::clone(&self.running.read().unwrap_or_else(PoisonError::into_inner).publisher)
    }

    pub(crate) fn known(&self) -> Arc<Known> {
        Arc::clone(&self.running.read().unwrap_or_else(PoisonError::into_inner).known)
    }

    /// The last requests.
    pub(crate) fn requests(&self) -> &Requests {
        &self.requests
    }

    pub(super) fn sender(&self) -> Option<Arc<Sender>> {
        self.running.read().unwrap_or_else(PoisonError::into_inner).sender.clone()
    }

    pub(crate) fn processor(&self) -> Arc<Processor> {
        Arc::clone(&self.running.read().unwrap_or_else(PoisonError::into_inner).processor)
    }
}

impl Running {
    async fn of(cloud: &Cloud, setup: &Setup, configuration: Configuration) -> Result<(Self, Documents), Failure> {
        let Configuration { sources, rules, schemas, endpoints, sinks, channels, hash } = configuration;
        let https = LocalApis::of(&setup.local_apis, &rules)?;
        let documents = setup.secrets.documents(&sources, &rules, &setup.local_apis)?;
        let has_sender = channels.is_some();
        let statuses = tidings_project::statuses(&sources, channels.as_deref().unwrap_or_default());
        cloud.put_secrets(&documents.sources, &documents.apis).await?;
        cloud.add_tenants(&secrets::tenants(&documents.sources, &sources, cloud.clock.now())?).await?;
        let sender = match channels {
            None => None,
            Some(channels) => {
                cloud.put_channel_secrets(&setup.secrets.of_channels(&channels, setup.channels_to)?).await?;
                Some(Arc::new(sender(cloud, channels, setup.channels_to)))
            }
        };
        let known = Known {
            sources: sources.clone(),
            secrets: documents.sources.clone().into(),
            api_secrets: documents.apis.clone().into(),
        };
        let expected = sources.iter().filter_map(|source| Some((source.name.clone(), source.expect_every?))).collect();
        let receiver = Arc::new(receiver(cloud, sources).configured_by(&hash));
        receiver.warm_up().await;
        let publisher = Arc::new(webhooks::publisher(cloud, endpoints, sinks, setup.channels_to));
        let published = IfAnyone { publisher: Arc::clone(&publisher), queue: cloud.published() };
        let processor = processor(cloud, https, rules, schemas, has_sender).storing_events(setup.keep_events);
        let processor = processor.recording_statuses(statuses, Arc::new(cloud.sends()));
        let processor = Arc::new(processor.publishing(Arc::new(published)).feeding(setup.feed));
        Ok((Self { receiver, processor, publisher, sender, known: Arc::new(known), expected }, documents))
    }
}

/// Sweeps with the running processor. Nothing is rolled back here, so timers are stored from the first sweep on.
#[async_trait]
impl Sweeping for Workbench {
    async fn sweep(&self) {
        let now = self.cloud.clock.now();
        let proven = Sweeps { since: now.minus(SWEEP_PROVEN), last: now };
        // An error is the same one that the sweep has.
        let _ = self.cloud.stored_timers().swept(proven).await;
        let _ = self.processor().sweep(TIME_FOR_A_SWEEP).await;
        let _ = self.publisher().sweep(TIME_FOR_A_SWEEP).await;
    }

    async fn first_due(&self) -> Option<Timestamp> {
        let timers = self.cloud.stored_timers();
        let sent = timers.progress().await.ok()?.sent;
        let until = self.cloud.clock.now().plus(MAX_ADVANCE);
        let mut first = self.publisher().first_due(until).await.ok()?;
        for partition in TimerKey::partitions() {
            let after = sent.get(&partition).map(String::as_str);
            let timer = timers.due(partition, after, until, 1).await.ok()?.pop();
            first = first.into_iter().chain(timer.and_then(|timer| timer.due())).min();
        }
        first
    }
}

/// A processor wired as in `functions/processor/src/main.rs`.
fn processor(cloud: &Cloud, https: LocalApis, rules: Rules, schemas: EventSchemas, has_sender: bool) -> Processor {
    let ports = ::processor::Ports {
        store: Arc::new(cloud.contexts()),
        actions: Arc::new(if has_sender { cloud.actions_for_the_sender() } else { cloud.actions() }),
        timers: Arc::new(cloud.timers()),
        https: Arc::new(https),
        api_secrets: Some(Arc::new(cloud.api_secrets())),
        clock: Arc::clone(&cloud.clock) as _,
    };
    Processor::new(rules, schemas, ports, cloud.max_receive_count)
        .isolating(Arc::new(cloud.visibility()), Duration::from_secs(VISIBILITY_TIMEOUT_SECONDS.into()))
        .taking_links_from(cloud.links_queue_arn.clone())
        .storing_timers(Arc::new(cloud.stored_timers()))
        .sweeping_outbox(Arc::new(cloud.outbox()))
}
