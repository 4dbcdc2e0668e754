//! Every channel's vectors, through the sender.

use crate::world::World;
use serde_json::{Value, json};
use tidings_core::send::SendState;
use tidings_outgoing::{ChannelFile, ConfiguredChannel, Verdict};

fn files() -> Vec<ChannelFile> {
    let folder = format!("{}/channels", env!("CARGO_MANIFEST_DIR"));
    let paths = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let read = |path: std::path::PathBuf| toml::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    paths.filter(|path| path.extension().is_some_and(|extension| extension == "toml")).map(read).collect()
}

/// A channel answers each vector's request as the vector says; the record says the same.
#[tokio::test]
async fn every_channel_does_what_its_answers_mean() {
    let mut said = 0;
    for file in files() {
        for vector in file.vectors.iter().filter(|vector| vector.sends.is_some() && vector.token.is_none()) {
            // A role signs with keys that the vector doesn't have.
            if file.secret.is_none() {
                continue;
            }
            for reply in &vector.replies {
                let mut settings = file.defaults();
                settings.extend(vector.settings.clone());
                let configured =
                    ConfiguredChannel { name: file.name.clone(), secret: file.name.clone(), settings, channel: file.channel() };
                let world = World::with(vec![configured]);
                world.secrets.set(json!({ file.name.as_str(): vector.secret }).to_string());
                world.provider.answer(
                    reply.status,
                    &reply.headers.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect::<Vec<_>>(),
                    &reply.body,
                );
                let mut action = vector.whole_action();
                action["cause"] = json!("orders#e1");
                action["data"]["channel"] = Value::String(file.name.clone());
                world.put(&action);
                world.batch().await;
                let record = world.sends.records().pop().unwrap_or_else(|| panic!("{}: not begun", file.name));
                let request = file.requests.iter().find(|request| Some(&request.name) == vector.request.as_ref());
                let has_key = file.idempotency.is_some() && request.is_some_and(|request| request.idempotency);
                let expected = match reply.is {
                    Verdict::Sent => SendState::Sent,
                    Verdict::Retry => SendState::Waiting,
                    Verdict::Refused if record.state == SendState::Waiting => SendState::Waiting,
                    Verdict::Refused => SendState::Refused,
                    Verdict::Unsure if has_key => SendState::Waiting,
                    Verdict::Unsure => SendState::Uncertain,
                };
                assert_eq!(record.state, expected, "{}: {reply:?}: {:?}", file.name, record.reason);
                assert_eq!(record.message, reply.message, "{}", file.name);
                said += 1;
            }
        }
    }
    assert!(said > 60, "{said}");
}
