//! A provider's list, page by page: its entries of a time, and what a delivery is made of.

use super::api::Api;
use super::exact::{elements, raw_at};
use crate::Failure;
use crate::limits::{MAX_LIST_ENTRIES, MAX_LIST_PAGES};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use tidings_config::JsonPath;
use tidings_config::reconcile::{Next, Reconcile, placeholders};
use tidings_config::scheme::TimeUnit;
use tidings_config::time::Timestamp;
use zeroize::Zeroizing;

/// Encoded in a path or a query, except the slash.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b'/');

/// One entry.
pub(super) struct Entry {
    pub(super) time: Timestamp,
    /// As written by the provider.
    pub(super) text: String,
    value: Value,
}

impl Entry {
    /// A template with the entry's values. `None`: one is missing.
    fn fill(&self, template: &str, params: &BTreeMap<String, String>) -> Option<String> {
        placeholders(template).into_iter().try_fold(template.to_owned(), |text, name| {
            let value = match name.strip_prefix("json:") {
                Some(path) => scalar(path.parse::<JsonPath>().ok()?.find(&self.value, &[])?)?,
                None => params.get(name)?.clone(),
            };
            Some(text.replace(&format!("{{{name}}}"), &value))
        })
    }

    /// The headers of its delivery. A header without a value is left out.
    pub(super) fn sent<'e>(&'e self, list: &'e Reconcile) -> impl Iterator<Item = (&'e str, String)> {
        list.sent.iter().filter_map(|(name, template)| Some((name.as_str(), self.fill(template, &BTreeMap::new())?)))
    }
}

/// A text, a number or a truth value as text.
fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(so) => Some(so.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

fn time_of(value: &Value, list: &Reconcile) -> Option<Timestamp> {
    let text = scalar(list.time.find(value, &[])?)?;
    match list.time_unit {
        TimeUnit::S => Timestamp::from_unix_s(text.parse().ok()?),
        TimeUnit::Ms => Some(Timestamp::from_unix_ms(text.parse().ok()?)),
        TimeUnit::Rfc3339 => Timestamp::parse_rfc3339(&text),
        TimeUnit::Utc => None,
    }
}

/// The values that the operator gives with `--of`.
pub(super) fn params(list: &Reconcile, given: &[String]) -> Result<BTreeMap<String, String>, Failure> {
    let mut params = BTreeMap::new();
    let allowed = || list.params.iter().map(|(name, what)| format!("--of {name}=… ({what})")).collect::<Vec<_>>().join(", ");
    for one in given {
        let pair = one.split_once('=').filter(|(name, _)| list.params.contains_key(*name));
        let Some((name, value)) = pair else {
            let hint = if list.params.is_empty() {
                "this provider's list needs no --of".to_owned()
            } else {
                format!("allowed: {}", allowed())
            };
            return Err(Failure::new(format!("--of {one:?}")).hint(hint).status(2));
        };
        let is_of_host = list.host.contains(&format!("{{{name}}}"));
        if !is_safe(value, is_of_host) {
            let what = &list.params[name];
            return Err(Failure::new(format!("--of {name}: {value:?}, allowed: {what}")).status(2));
        }
        params.insert(name.to_owned(), value.trim_matches('/').to_owned());
    }
    match list.params.keys().find(|name| !params.contains_key(*name)) {
        Some(_) => Err(Failure::new("the provider's list needs more").hint(format!("give {}", allowed())).status(2)),
        None => Ok(params),
    }
}

/// Whether a value can be no other host and no other path than it looks like.
fn is_safe(value: &str, is_of_host: bool) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'-';
    if is_of_host {
        return !value.is_empty() && value.len() <= 63 && value.bytes().all(plain);
    }
    let parts = value.trim_matches('/').split('/');
    value.len() <= 255
        && parts.into_iter().all(|part| {
            !part.is_empty() && part != "." && part != ".." && part.bytes().all(|b| plain(b) || b == b'.' || b == b'_')
        })
}

/// The base address of the API.
pub(super) fn base(list: &Reconcile, params: &BTreeMap<String, String>) -> String {
    params.iter().fold(list.host.clone(), |host, (name, value)| host.replace(&format!("{{{name}}}"), value))
}

/// The headers of each request.
pub(super) fn headers(list: &Reconcile, token: &Zeroizing<String>) -> Vec<(String, Zeroizing<String>)> {
    let auth = (list.auth.header.clone(), Zeroizing::new(format!("{}{}", list.auth.prefix, token.as_str())));
    let others = list.headers.iter().map(|(name, value)| (name.clone(), Zeroizing::new(value.clone())));
    std::iter::once(auth).chain(others).collect()
}

/// Reads the list between two times.
pub(super) struct Lister<'l> {
    list: &'l Reconcile,
    api: Api,
    params: BTreeMap<String, String>,
    since: Timestamp,
    until: Timestamp,
    first: String,
    /// Path and query of the next page. `None`: there is none.
    next: Option<String>,
    pages: usize,
    entries: usize,
    /// What entries of one delivery have in common.
    seen: BTreeSet<String>,
}

impl<'l> Lister<'l> {
    pub(super) fn new(
        list: &'l Reconcile,
        api: Api,
        params: BTreeMap<String, String>,
        since: Timestamp,
        until: Timestamp,
    ) -> Self {
        let encoded = |text: &str| utf8_percent_encode(text, ENCODED).to_string();
        let mut first =
            list.list.replace("{since_s}", &since.unix_s().to_string()).replace("{since}", &encoded(&since.to_string()));
        for (name, value) in &params {
            first = first.replace(&format!("{{{name}}}"), &encoded(value));
        }
        let next = Some(first.clone());
        Self { list, api, params, since, until, first, next, pages: 0, entries: 0, seen: BTreeSet::new() }
    }

    /// The next entries. `None`: that was all. Errors: the list has no end, or isn't as documented.
    pub(super) async fn page(&mut self) -> Result<Option<Vec<Entry>>, Failure> {
        let Some(path) = self.next.take() else { return Ok(None) };
        self.pages += 1;
        if self.pages > MAX_LIST_PAGES {
            let failure = Failure::new(format!("the list has more than {MAX_LIST_PAGES} pages"));
            return Err(failure.hint("give a shorter time with --since and --until"));
        }
        let page = self.api.get(&path).await?;
        let odd = |what: &str| {
            Failure::new(format!("the provider's list isn't as documented: {what}")).hint(format!("see {}", self.list.docs))
        };
        let items = match &self.list.items {
            None => Some(page.text.as_str()),
            Some(items) => raw_at(&page.text, items),
        };
        let texts = items.and_then(elements).ok_or_else(|| odd("it has no list of entries"))?;
        let mut entries = Vec::new();
        for text in texts {
            let value: Value = serde_json::from_str(text).map_err(|_| odd("an entry isn't JSON"))?;
            let time = time_of(&value, self.list).ok_or_else(|| odd("an entry has no time"))?;
            entries.push(Entry { time, text: text.to_owned(), value });
        }
        self.next = self.following(&path, &page.text, page.next, entries.last()).ok_or_else(|| odd("it has no next page"))?;
        if self.list.newest_first && entries.iter().any(|entry| entry.time < self.since) {
            self.next = None;
        }
        entries.retain(|entry| (self.since..=self.until).contains(&entry.time) && self.is_first(entry));
        self.entries += entries.len();
        if self.entries > MAX_LIST_ENTRIES {
            let failure = Failure::new(format!("the list has more than {MAX_LIST_ENTRIES} entries of this time"));
            return Err(failure.hint("give a shorter time with --since and --until, and then the next"));
        }
        Ok(Some(entries))
    }

    /// The path of the page after this one. The outer `None`: the page doesn't say it as documented.
    fn following(&self, path: &str, text: &str, link: Option<String>, last: Option<&Entry>) -> Option<Option<String>> {
        match &self.list.next {
            Next::Link => Some(link.filter(|next| next != path)),
            Next::Cursor { from, query, more } => {
                if raw_at(text, more)? != "true" {
                    return Some(None);
                }
                let cursor = scalar(from.find(&last?.value, &[])?)?;
                let separator = if self.first.contains('?') { '&' } else { '?' };
                let next = format!("{}{separator}{query}={}", self.first, utf8_percent_encode(&cursor, ENCODED));
                (next != path).then_some(Some(next))
            }
        }
    }

    /// Whether no try of the same delivery was seen.
    fn is_first(&mut self, entry: &Entry) -> bool {
        let common = self.list.once.as_ref().and_then(|place| scalar(place.find(&entry.value, &[])?));
        common.is_none_or(|common| self.seen.insert(common))
    }

    /// What an entry's delivery is made of: its details, or the entry itself.
    pub(super) async fn details(&mut self, entry: &Entry) -> Result<String, Failure> {
        let Some(details) = &self.list.details else { return Ok(entry.text.clone()) };
        let path = entry.fill(details, &self.params);
        let path = path.ok_or_else(|| Failure::new("the provider's list isn't as documented: an entry has no id"))?;
        Ok(self.api.get(&path).await?.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(provider: &str) -> &'static Reconcile {
        tidings_project::preset(provider).and_then(|preset| preset.reconcile.as_ref()).expect("a list")
    }

    #[test]
    fn a_value_cannot_lead_to_another_host_or_path() {
        let github = |value: &str| params(list("github"), &[format!("hook={value}")]).is_ok();
        assert!(github("repos/octo/shop.js/hooks/42") && github("/orgs/octo_1/hooks/42/"));
        for bad in ["", "repos/../user", "repos/./x", "repos//x", "a?b", "a#b", "a%2e", "a b", "a@b", "http://x"] {
            assert!(!github(bad), "{bad}");
        }
        let shopify = |value: &str| params(list("shopify"), &[format!("shop={value}")]);
        assert_eq!(base(list("shopify"), &shopify("tidings-eu").expect("a shop")), "https://tidings-eu.myshopify.com");
        for bad in ["", "evil.example/", "evil.example", "a@b", "a/b", "a:1"] {
            assert!(shopify(bad).is_err(), "{bad}");
        }
        assert!(params(list("stripe"), &[]).is_ok() && params(list("github"), &[]).is_err());
        assert!(params(list("stripe"), &["hook=1".to_owned()]).is_err());
    }

    #[test]
    fn times_are_read_in_the_lists_unit() {
        let at = |provider: &str, json: &str| time_of(&serde_json::from_str(json).expect("JSON"), list(provider));
        assert_eq!(at("stripe", r#"{"created": 1795168800}"#), Timestamp::from_unix_s(1_795_168_800));
        assert_eq!(at("github", r#"{"delivered_at": "2026-11-20T10:00:00Z"}"#), Timestamp::from_unix_s(1_795_168_800));
        assert_eq!(at("shopify", r#"{"updated_at": "2026-11-20T05:00:00-05:00"}"#), Timestamp::from_unix_s(1_795_168_800));
        assert_eq!(at("stripe", r#"{"created": null}"#), None);
    }
}
