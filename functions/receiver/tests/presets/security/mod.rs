//! Fifteen classes of faults in webhook receivers, each with public ids: a test a class, by its number. Class 14, the targets and
//! headers of what we send, is the sender's.
//!
//! | class | ids | test |
//! |---|---|---|
//! | 1 signature never checked | CVE-2026-39969, CVE-2026-33143 | `keys::class_1_…` |
//! | 2 empty, blank or placeholder key | CVE-2026-41432, GHSA-27g9-x3x6-4m35 | `keys::class_2_…` |
//! | 3 open without a public key | CVE-2026-26319 | `keys::class_3_…` |
//! | 4 replay key of the signature's text | | `replays::class_4_…` |
//! | 5 replay state lost on restart | CVE-2026-28449 | `replays::class_5_…` |
//! | 6 unbounded body before authentication | CVE-2026-28478 | `bodies::class_6_…` |
//! | 7 SubscribeURL | CVE-2026-32096, novu#11223 | `fetched::class_7_…` |
//! | 8 certificate of a bucket | novu#11056 | `fetched::class_8_…` |
//! | 9 algorithm of the token, `crit`, `b64`, `jku`, `x5u` | CVE-2026-22817, -22818, -23993 | `headers::class_9_…` |
//! | 10 claims of a wrong type | CVE-2026-25537 | `headers::class_10_…` |
//! | 11 content type | CVE-2026-21858 | `bodies::class_11_…` |
//! | 12 algorithm or shape in a header gives a 5xx | ubicloud#6099 | `headers::class_12_…` |
//! | 13 authentic isn't valid | CVE-2026-9189 | `bodies::class_13_…` |
//! | 15 length extension | HubSpot v1, v2 | `extension::class_15_…` |

mod bodies;
mod extension;
mod fetched;
mod forged;
mod headers;
mod keys;
mod replays;

use crate::world::{World, source_of};
use std::sync::LazyLock;
use tidings_config::provider::{Provider, Vector};
use tidings_config::source::Source;
use tidings_project::presets;

static PROVIDERS: LazyLock<Vec<Provider>> = LazyLock::new(presets);

/// Every vector of every preset, by which its receiver takes it.
fn captured() -> impl Iterator<Item = (&'static Provider, &'static Vector)> {
    PROVIDERS.iter().flat_map(|provider| provider.vectors.iter().map(move |vector| (provider, vector)))
}

fn source(name: &str) -> Source {
    source_of(PROVIDERS.iter().find(|provider| provider.name == name).unwrap_or_else(|| panic!("no preset {name}")))
}

/// Asserts that nothing was written and nothing queued.
fn nothing_got_in(world: &World, what: &str) {
    assert_eq!((world.queued().len(), world.calls()), (0, 0), "{what}");
}

fn hmac_hex(key: &[u8], message: &[u8]) -> String {
    use hmac::{Hmac, KeyInit, Mac};
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(key).expect("any length");
    mac.update(message);
    hex::encode(mac.finalize().into_bytes())
}
