//! What the tenants table promises: one suite, over any adapter.

use std::time::Duration;
use tidings_config::time::Timestamp;
use tidings_core::ports::{Replaced, TenantReader, TenantStore};
use tidings_core::tenant::{TenantKey, TenantRecord, TenantSecret};

const NOW: Timestamp = Timestamp::from_unix_ms(1_795_168_800_000);

fn key(source: &str, name: &str) -> TenantKey {
    TenantKey { source: source.to_owned(), name: name.parse().expect("a name") }
}

fn secret(text: &str) -> TenantSecret {
    TenantSecret::from(text)
}

async fn listed(store: &dyn TenantStore, source: Option<&str>, at_most: usize) -> Vec<String> {
    let (mut all, mut from) = (Vec::new(), None);
    loop {
        let page = store.list(source, from.as_ref(), at_most).await.expect("an answer");
        all.extend(page.tenants.into_iter().map(|(key, _)| key.partition()));
        from = page.next;
        if from.is_none() {
            all.sort();
            return all;
        }
    }
}

/// A record is written if its version is the one that was read, and read as it was written.
pub async fn tenant_store<T: TenantStore + TenantReader>(store: &T) {
    let acme = key("stripe", "acme");
    assert_eq!(store.tenant(&acme).await, Ok(None));
    let new = TenantRecord::new(secret("whsec_ä \"1\""), NOW);
    assert_eq!(store.put(&acme, &new).await, Ok(Replaced::Yes));
    assert_eq!(store.put(&acme, &new).await, Ok(Replaced::Changed), "it exists");
    let read = store.tenant(&acme).await.expect("an answer").expect("a record");
    assert_eq!(TenantRecord { version: None, ..read.clone() }, new);
    let rotated = read.rotated(secret("whsec_2"), Duration::from_secs(60), NOW).disabled(NOW);
    assert_eq!(store.put(&acme, &rotated).await, Ok(Replaced::Yes));
    assert_eq!(store.put(&acme, &rotated).await, Ok(Replaced::Changed), "another version was read");
    let read = store.tenant(&acme).await.expect("an answer").expect("a record");
    assert_eq!(TenantRecord { version: rotated.version, ..read.clone() }, rotated);
    let gone = key("stripe", "gone");
    assert_eq!(
        store.put(&gone, &TenantRecord { version: Some(0), ..new.clone() }).await,
        Ok(Replaced::Changed),
        "it was removed"
    );

    // A name that another begins with, and the same name of another source.
    for other in [key("stripe", "acme-2"), key("stripe", "Acme"), key("stripe-eu", "acme"), key("github", "acme")] {
        assert_eq!(store.put(&other, &new).await, Ok(Replaced::Yes));
        assert_eq!(store.tenant(&acme).await.expect("an answer").expect("a record"), read, "{other:?}");
    }
    for at_most in [1, 2, 100] {
        assert_eq!(listed(store, Some("stripe"), at_most).await, ["stripe/Acme", "stripe/acme", "stripe/acme-2"], "{at_most}");
        assert_eq!(listed(store, None, at_most).await.len(), 5, "{at_most}");
        assert_eq!(listed(store, Some("unknown"), at_most).await, [] as [String; 0], "{at_most}");
    }
    store.delete(&acme).await.expect("an answer");
    store.delete(&acme).await.expect("that there is none isn't an error");
    assert_eq!(store.tenant(&acme).await, Ok(None));
    assert_eq!(listed(store, None, 100).await.len(), 4);
}
