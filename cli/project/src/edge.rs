//! `rate` and `allow_from` of a source, and `origin` of all: what is checked before a request is verified.

use super::ranges::{ranges, ranges_names, ranges_of};
use super::{Checker, Spanned};
use serde::Deserialize;
use tidings_config::OneOrMany;
use tidings_config::edge::{Edge, Network, OriginDigest, PublishedList};
use tidings_config::limits::{MAX_ALLOWED_NETWORKS, MAX_ORIGIN_DIGESTS};
use tidings_config::rate::Rate;
use tidings_config::source::{DurableBy, Source};

/// The word of `allow_from` for the list that the provider publishes.
const PROVIDER: &str = "provider";

/// CloudFront in front of the receiver.
#[derive(Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct OriginEntry {
    /// SHA-256 of the secret that CloudFront sends in `X-Tidings-Origin`, in hex; two while the secret is exchanged.
    #[schemars(with = "OneOrMany<OriginDigest>")]
    secret_sha256: Spanned<OneOrMany<OriginDigest>>,
}

/// The keys of a source.
pub(super) struct EdgeEntry {
    pub(super) rate: Option<Spanned<Rate>>,
    pub(super) allow_from: Option<Spanned<OneOrMany<String>>>,
}

pub(super) fn origin(checker: &mut Checker<'_>, entry: OriginEntry) -> Vec<OriginDigest> {
    let Spanned { value: OneOrMany(digests), referenced } = entry.secret_sha256;
    if !(1..=MAX_ORIGIN_DIGESTS).contains(&digests.len()) {
        checker.problem(referenced, format!("`secret_sha256` has {} digests, allowed: 1 to {MAX_ORIGIN_DIGESTS}", digests.len()));
    }
    digests
}

/// The checks of a source. `None`: it has none.
pub(super) fn of(checker: &mut Checker<'_>, entry: EdgeEntry, origin: &[OriginDigest], source: &Source) -> Option<Box<Edge>> {
    let mut edge = Edge { origin: origin.to_vec(), ..Edge::default() };
    // CloudFront's addresses are all that a receiver behind it sees.
    let instead = "behind an `origin` every request comes from CloudFront's own addresses. The web ACL of infra/edge.yaml sees \
                   the callers'";
    if let Some(Spanned { value: rate, referenced }) = entry.rate {
        rate.problems().into_iter().for_each(|problem| checker.problem(referenced, problem));
        if rate.per_source.is_some() && source.durability == DurableBy::Outbox {
            let why = "`per_source` refuses authentic deliveries, and this source has `durability: outbox` because its provider \
                       doesn't send a delivery again: it would be lost";
            checker.problem(referenced, why);
        }
        if rate.per_address.is_some() && !origin.is_empty() {
            checker.problem(referenced, format!("`per_address`: {instead}"));
        }
        edge.rate = Some(rate);
    }
    if let Some(Spanned { value: OneOrMany(allowed), referenced }) = entry.allow_from {
        if !origin.is_empty() {
            checker.problem(referenced, format!("`allow_from`: {instead}"));
        }
        let wanted = allowed.len();
        let mut read = 0;
        for one in allowed {
            if one == PROVIDER {
                match ranges_of(&source.provider).and_then(|name| Some((name, ranges(name)?))) {
                    Some((name, list)) => {
                        edge.list = Some(PublishedList { name: name.to_owned(), read_on: list.read_on() });
                        edge.allow_from.extend(&list.networks);
                        read += 1;
                    }
                    None => {
                        let known = ranges_names().collect::<Vec<_>>().join(", ");
                        checker.problem(
                            referenced,
                            format!(
                                "`allow_from: {PROVIDER}`: no list of the addresses of {} is known; allowed: networks such as \
                                 203.0.113.0/24. Lists: {known}",
                                source.provider
                            ),
                        );
                    }
                }
            } else {
                match one.parse::<Network>() {
                    Ok(network) => {
                        edge.allow_from.push(network);
                        read += 1;
                    }
                    Err(problem) => checker.problem(referenced, format!("`allow_from`: {problem}, or {PROVIDER}")),
                }
            }
        }
        let networks = edge.allow_from.len();
        if read == wanted && !(1..=MAX_ALLOWED_NETWORKS).contains(&networks) {
            checker.problem(referenced, format!("`allow_from` has {networks} networks, allowed: 1 to {MAX_ALLOWED_NETWORKS}"));
        }
    }
    Some(edge).filter(|edge| !edge.is_off()).map(Box::new)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::read_sources_of_presets;

    fn read(allow_from: &str) -> Result<Vec<Source>, String> {
        let text = format!("version: 1\nsources:\n  a: {{ provider: github, allow_from: {allow_from} }}\n");
        read_sources_of_presets("sources.yaml", &text).map_err(|report| report.to_string())
    }

    #[test]
    fn a_source_has_as_many_networks_as_the_limit_and_not_one_more() {
        let networks = |many: usize| {
            let all: Vec<String> = (0..many).map(|n| format!("10.{}.{}.0/24", n / 256, n % 256)).collect();
            read(&format!("[{}]", all.join(", ")))
        };
        let edge = networks(MAX_ALLOWED_NETWORKS).unwrap()[0].edge.clone().unwrap();
        assert_eq!(edge.allow_from.len(), MAX_ALLOWED_NETWORKS);
        assert!(networks(MAX_ALLOWED_NETWORKS + 1).unwrap_err().contains("has 1001 networks, allowed: 1 to 1000"));
    }

    #[test]
    fn provider_is_the_list_that_it_publishes_and_the_list_is_named() {
        let edge = read("[provider, 10.0.0.0/8]").unwrap()[0].edge.clone().unwrap();
        let list = ranges("github").unwrap();
        assert_eq!(edge.list, Some(PublishedList { name: "github".to_owned(), read_on: list.read_on() }));
        assert_eq!(edge.allow_from[..list.networks.len()], list.networks);
        assert_eq!(edge.allow_from.len(), list.networks.len() + 1);
        assert!(edge.allow_from.iter().any(|network| network.contains(&"192.30.252.1".parse().unwrap())));
        assert_eq!(read("10.0.0.0/8").unwrap()[0].edge.clone().unwrap().list, None);
    }
}
