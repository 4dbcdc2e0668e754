//! Requests that data files describe: a channel's file says how an action becomes a request ([`render()`]) and what the
//! answer means ([`classify`]). A sink's file says the same of an event.
//!
//! Promises: a value stays in the place that the file gives it: percent-encoded in an address, quoted in JSON and in a
//! form, refused in a header if it could end the header. Only hosts that the file lists are ever called. Never: I/O, a
//! clock, a secret in an error or in a `Debug`.

mod answer;
mod api;
mod channel;
mod host;
mod key;
pub mod limits;
mod place;
mod recipient;
mod render;
mod request;
mod sigv4;
mod sink;
mod template;
mod token;
mod values;
mod vector;

pub use answer::{Answer, Blame, Matching, Outcome, Reply, Statuses, Verdict, classify};
pub use api::Api;
pub use channel::{
    Channel, ChannelFile, ConfiguredChannel, Evidence, HostTemplate, Idempotency, Limits, Name, Rate, Recipient, Repeated,
    Setting, Status, StatusWord, route,
};
pub use host::{Host, HostError};
pub use key::{KeyForm, uuid_of};
pub use place::{Place, PlaceError, Selector};
pub use render::{Rendered, Unrenderable, render};
pub use request::{Auth, Method, Request, When};
pub use sigv4::AwsIdentity;
pub use sink::{ConfiguredSink, KAFKA_SINK_ATTRIBUTE, Sink, SinkEvent, SinkFile};
pub use template::{Shape, Template, TemplateError};
pub use token::{Fetched, Jwt, Token, TokenError};
pub use values::Values;
pub use vector::{Expected, ExpectedRequest, VECTOR_ID, VECTOR_TIME, Vector};
