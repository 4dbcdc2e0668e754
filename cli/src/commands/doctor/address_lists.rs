//! Checks that the providers' lists of addresses are recent. A provider adds addresses, and an old list refuses them.

use super::check::Check;
use crate::limits::MAX_RANGES_AGE;
use std::collections::BTreeMap;
use tidings_config::source::Source;
use tidings_config::time::Timestamp;
use tidings_project::ranges;

const NAME: &str = "address lists";

const DAY_S: u64 = 86_400;

/// `None`: no source has `allow_from: provider`.
pub(super) fn check(sources: &[Source], now: Timestamp) -> Option<Check> {
    let mut of_lists: BTreeMap<&str, (Timestamp, Vec<&str>)> = BTreeMap::new();
    for source in sources {
        if let Some(list) = source.edge.as_ref().and_then(|edge| edge.list.as_ref()) {
            of_lists.entry(&list.name).or_insert_with(|| (list.read_on, Vec::new())).1.push(&source.name);
        }
    }
    let said = |(name, (read_on, sources)): (&&str, &(Timestamp, Vec<&str>))| {
        let published = ranges(name).map_or("its provider's page", |list| list.published.as_str());
        format!("{name} of {}: {} days old, published at {published}", sources.join(", "), now.since(*read_on).as_secs() / DAY_S)
    };
    let old: Vec<String> = of_lists.iter().filter(|(_, (read_on, _))| now.since(*read_on) > MAX_RANGES_AGE).map(said).collect();
    match (of_lists.len(), old.is_empty()) {
        (0, _) => None,
        (all, true) => Some(Check::good(NAME, format!("{all}, none older than {} days", MAX_RANGES_AGE.as_secs() / DAY_S))),
        (_, false) => {
            let next = "a newer release of tidings may have a newer list; or list the networks themselves in allow_from";
            Some(Check::warning(NAME, old.join("; "), next))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Status;
    use super::*;
    use tidings_project::read_sources_of_presets;

    #[test]
    fn a_list_is_old_one_second_after_its_limit_and_not_before() {
        let text = "version: 1\nsources:\n  hub: { provider: github, allow_from: provider }\n  own: { provider: github }\n";
        let sources = read_sources_of_presets("sources.yaml", text).unwrap();
        let read_on = ranges("github").unwrap().read_on();
        let said = |seconds: u64| check(&sources, read_on.plus(std::time::Duration::from_secs(seconds))).unwrap();
        assert_eq!(said(MAX_RANGES_AGE.as_secs()).status, Status::Good);
        let old = said(MAX_RANGES_AGE.as_secs() + 1);
        assert_eq!(old.status, Status::Warning);
        assert_eq!(old.said, "github of hub: 180 days old, published at https://api.github.com/meta");
        assert!(check(&sources[1..], read_on).is_none(), "nobody uses a list");
    }
}
