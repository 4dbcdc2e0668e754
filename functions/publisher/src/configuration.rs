//! What the publisher reads at its start: its part of `tidings.json`.

use serde::Deserialize;
use std::path::Path;
use tidings_config::artefact::{ArtefactError, ENDPOINTS, SINKS, read_part};
use tidings_config::endpoint::Endpoint;
use tidings_outgoing::ConfiguredSink;

/// The publisher's part of the artefact.
#[derive(Clone, Debug, Deserialize)]
pub struct PublisherPart {
    /// SHA-256 of the configuration, in hex. Comments in the project's files don't change it.
    pub hash: String,
    /// The endpoints of `endpoints.yaml`. Without the file there are none: all are registered at run time.
    #[serde(default)]
    pub endpoints: Vec<Endpoint>,
    /// The sinks of `sinks.yaml`.
    #[serde(default)]
    pub sinks: Vec<ConfiguredSink>,
}

impl PublisherPart {
    /// Reads the publisher's part. Errors: see [`ArtefactError`].
    pub fn read(path: &Path) -> Result<Self, ArtefactError> {
        read_part(path, &[ENDPOINTS, SINKS])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_endpoints_and_the_sinks_are_left_out_or_a_line_each() {
        let path = std::env::temp_dir().join(format!("tidings-publisher-part-{}.json", std::process::id()));
        let read = |rest: &str| {
            let text =
                format!("{{\"format\":2,\"tidings\":\"0.3.0\",\"hash\":\"ab\",\n\"sources\":[],\n\"schemas\":[]{rest}}}\n");
            std::fs::write(&path, text).unwrap();
            PublisherPart::read(&path).unwrap()
        };
        let one = r#"{"id":"ep_crm","url":"https://crm.example.com/","events":["*"]}"#;
        assert_eq!((read("").endpoints, read("").sinks), (Vec::new(), Vec::new()));
        assert_eq!(read(&format!(",\n\"endpoints\":[{one}]")).endpoints[0].id.as_str(), "ep_crm");
        let both = read(&format!(",\n\"endpoints\":[{one}],\n\"sinks\":[]"));
        assert_eq!((both.endpoints.len(), both.sinks.len()), (1, 0));
        std::fs::remove_file(&path).unwrap();
    }
}
