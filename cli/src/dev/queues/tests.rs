//! Tests the store with its own clock, and across processes: closed and opened again.

use super::legacy;
use super::store::{Counts, FORGIVEN_ENDS, New, Queue, Receipt, ReceiveFailure, Redrive, Store};
use crate::dev::folder::{Folder, LEFT, QUEUES};
use std::path::{Path, PathBuf};

const EVENTS: &str = "events";
const DEAD: &str = "events-dead";
const MINUTE_MS: i64 = 60_000;

struct Scratch {
    path: PathBuf,
    folder: Folder,
}

impl Scratch {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("tidings-store-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        Self { folder: Folder::open(&path).expect("a folder"), path }
    }

    /// Opens it as another process would.
    fn open(&self) -> Store {
        Store::open(&self.folder.database(QUEUES).expect("a file")).expect("a store")
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.path);
    }
}

fn events() -> Queue {
    let redrive = Some(Redrive { to: DEAD.to_owned(), max_receives: 2 });
    Queue { name: EVENTS.to_owned(), visibility_timeout_s: 10, redrive }
}

fn plain(name: &str) -> Queue {
    Queue { name: name.to_owned(), visibility_timeout_s: 10, redrive: None }
}

fn new(body: &str) -> New<'_> {
    New { body, attributes: "{}", ..New::default() }
}

fn bodies(store: &Store, queue: &Queue, now_ms: i64) -> Vec<String> {
    store.receive(queue, 10, None, now_ms).unwrap().into_iter().map(|taken| taken.body).collect()
}

/// Receives the only message and fails to process it.
fn fail(store: &Store, now_ms: i64) {
    let taken = store.receive(&events(), 10, None, now_ms).unwrap();
    assert_eq!(taken.len(), 1);
    store.release(EVENTS, &[taken[0].receipt.parse().unwrap()], ReceiveFailure::Failed).unwrap();
}

#[test]
fn every_commit_is_on_the_disk_before_it_is_answered() {
    let scratch = Scratch::new("pragmas");
    // Dynoxide sets neither, so SQLite's compile-time default applies. Ours are set.
    for path in [scratch.folder.database(QUEUES).unwrap(), scratch.folder.database("dynamodb.sqlite").unwrap()] {
        let connection = rusqlite::Connection::open(path).unwrap();
        let synchronous: i64 = connection.query_row("PRAGMA synchronous", [], |row| row.get(0)).unwrap();
        assert_eq!(synchronous, 2, "FULL");
    }
    scratch.open();
    let connection = rusqlite::Connection::open(scratch.folder.database(QUEUES).unwrap()).unwrap();
    let mode: String = connection.query_row("PRAGMA journal_mode", [], |row| row.get(0)).unwrap();
    assert_eq!(mode, "wal");
}

#[test]
fn receive_counts_visibility_and_delay_outlive_the_process() {
    let scratch = Scratch::new("restart");
    let store = scratch.open();
    store.send(EVENTS, &new("now"), 0).unwrap();
    store.send(EVENTS, &New { delay_s: 900, ..new("timer") }, 0).unwrap();
    fail(&store, 0);
    drop(store);

    let store = scratch.open();
    assert_eq!(store.counts(EVENTS, 9_999).unwrap(), Counts { visible: 0, in_flight: 1, delayed: 1 });
    assert!(bodies(&store, &events(), 9_999).is_empty(), "still out");
    let taken = store.receive(&events(), 10, None, 10_000).unwrap();
    assert_eq!((taken[0].body.as_str(), taken[0].receives, taken[0].first_received_ms), ("now", 2, 0));
    store.delete(EVENTS, &taken[0].receipt.parse().unwrap()).unwrap();
    drop(store);

    let store = scratch.open();
    assert!(bodies(&store, &events(), 899_999).is_empty());
    assert_eq!(bodies(&store, &events(), 900_000), ["timer"]);
}

#[test]
fn a_message_received_too_often_is_in_the_dead_letter_queue_and_stays_there() {
    let scratch = Scratch::new("redrive");
    let store = scratch.open();
    let id = store.send(EVENTS, &new("poison"), 0).unwrap();
    fail(&store, 0);
    drop(store);
    let store = scratch.open();
    fail(&store, 10_000);
    assert!(bodies(&store, &events(), 20_000).is_empty());
    drop(store);
    let store = scratch.open();
    let dead = store.receive(&plain(DEAD), 10, None, 20_000).unwrap();
    assert_eq!((dead[0].body.as_str(), dead[0].receives, &dead[0].id), ("poison", 1, &id));
    assert_eq!(store.counts(EVENTS, 20_000).unwrap(), Counts { visible: 0, in_flight: 0, delayed: 0 });
}

#[test]
fn a_limited_number_of_receives_by_ended_processes_does_not_count() {
    let scratch = Scratch::new("cut-off");
    scratch.open().send(EVENTS, &new("ends us"), 0).unwrap();
    let mut now_ms = 0;
    let mut received = 0;
    // Each receive ends the process.
    while scratch.open().counts(DEAD, now_ms).unwrap().visible == 0 {
        received += scratch.open().receive(&events(), 10, None, now_ms).unwrap().len();
        now_ms += 10_000;
        assert!(received < 100, "never in the dead-letter queue");
    }
    assert_eq!(received, usize::try_from(FORGIVEN_ENDS).unwrap() + 2, "and the two of the redrive policy");
}

#[test]
fn an_action_received_by_an_ended_process_counts_as_received_before() {
    let scratch = Scratch::new("again");
    scratch.open().send("actions.fifo", &New { group: Some("g"), ..new("say") }, 0).unwrap();
    for receive in 1..=3 {
        let taken = scratch.open().receive(&plain("actions.fifo"), 1, None, receive * 10_000).unwrap();
        assert_eq!(taken[0].receives, u32::try_from(receive).unwrap(), "each counts: it may have been shown");
    }
}

#[test]
fn a_receive_on_a_full_disk_does_not_count() {
    let scratch = Scratch::new("uncount");
    let store = scratch.open();
    store.send(EVENTS, &new("waits"), 0).unwrap();
    for round in 0..10 {
        let taken = store.receive(&events(), 10, None, round * 10_000).unwrap();
        assert_eq!(taken.len(), 1, "round {round}: never in the dead-letter queue");
        store.release(EVENTS, &[taken[0].receipt.parse().unwrap()], ReceiveFailure::DiskFull).unwrap();
    }
    let late: Receipt = store.receive(&events(), 1, None, 100_000).unwrap()[0].receipt.parse().unwrap();
    assert_eq!(bodies(&store, &events(), 110_000), ["waits"]);
    store.release(EVENTS, &[late], ReceiveFailure::DiskFull).unwrap();
    assert!(bodies(&store, &events(), 120_000).is_empty(), "only the newest receive can be undone");
}

#[test]
fn copies_within_five_minutes_are_dropped_also_by_the_next_process() {
    let scratch = Scratch::new("copies");
    let copy = New { group: Some("g"), deduplication: Some("action-1"), ..new("say") };
    let first = scratch.open().send("actions", &copy, 0).unwrap();
    let store = scratch.open();
    assert_eq!(store.send("actions", &copy, 5 * MINUTE_MS - 1).unwrap(), first);
    assert_eq!(bodies(&store, &plain("actions"), 5 * MINUTE_MS), ["say"]);
    assert_ne!(store.send("actions", &copy, 5 * MINUTE_MS).unwrap(), first, "the window is over");
}

#[test]
fn a_group_is_in_order_and_waits_for_its_message_in_flight() {
    let scratch = Scratch::new("groups");
    let store = scratch.open();
    for (group, body) in [("a", "a1"), ("a", "a2"), ("b", "b1"), ("a", "a3")] {
        store.send("actions.fifo", &New { group: Some(group), ..new(body) }, 0).unwrap();
    }
    let first = store.receive(&plain("actions.fifo"), 1, None, 0).unwrap();
    assert_eq!(first[0].body, "a1");
    drop(store);
    let store = scratch.open();
    assert_eq!(bodies(&store, &plain("actions.fifo"), 1), ["b1"], "a1 is in flight: a2 and a3 wait");
    store.delete("actions.fifo", &first[0].receipt.parse().unwrap()).unwrap();
    assert_eq!(bodies(&store, &plain("actions.fifo"), 2), ["a2", "a3"]);
}

#[test]
fn any_receipt_deletes_and_only_the_newest_changes_the_visibility() {
    let scratch = Scratch::new("receipts");
    let store = scratch.open();
    store.send(EVENTS, &new("slow"), 0).unwrap();
    let old: Receipt = store.receive(&plain(EVENTS), 1, Some(1), 0).unwrap()[0].receipt.parse().unwrap();
    let newest: Receipt = store.receive(&plain(EVENTS), 1, Some(1), 1_000).unwrap()[0].receipt.parse().unwrap();
    assert!(!store.change_visibility(EVENTS, &old, 0, 1_000).unwrap());
    assert!(store.change_visibility(EVENTS, &newest, 60, 1_000).unwrap());
    assert!(bodies(&store, &plain(EVENTS), 60_999).is_empty());
    store.delete(DEAD, &old).unwrap();
    assert_eq!(store.counts(EVENTS, 61_000).unwrap().visible, 1, "another queue's");
    store.delete(EVENTS, &old).unwrap();
    store.delete(EVENTS, &newest).unwrap();
    assert_eq!(store.counts(EVENTS, 61_000).unwrap().visible, 0);
    for bad in ["", "r-", "r-1", "r-x-1", "1-1", "r-1--1"] {
        assert!(bad.parse::<Receipt>().is_err(), "{bad}");
    }
}

#[test]
fn shown_actions_are_remembered_for_a_limited_time() {
    let scratch = Scratch::new("said");
    scratch.open().remember_said("action-1", 100, 0).unwrap();
    let store = scratch.open();
    assert!(store.is_said("action-1").unwrap() && !store.is_said("action-2").unwrap());
    store.remember_said("action-2", 200, 100).unwrap();
    assert!(store.is_said("action-1").unwrap());
    store.remember_said("action-2", 300, 101).unwrap();
    assert!(!store.is_said("action-1").unwrap() && store.is_said("action-2").unwrap());
}

#[test]
fn a_full_file_refuses_whole_calls_and_takes_the_next_when_there_is_room() {
    let scratch = Scratch::new("full");
    let store = scratch.open();
    store.send(EVENTS, &new("before"), 0).unwrap();
    store.limit_pages(30);
    let large = "x".repeat(200_000);
    for _ in 0..3 {
        let full = store.send(EVENTS, &New { deduplication: Some("large"), ..new(&large) }, 0).unwrap_err();
        assert_eq!(full.sqlite_error_code(), Some(rusqlite::ErrorCode::DiskFull));
    }
    assert_eq!(bodies(&store, &events(), 0), ["before"], "what was acknowledged is there");
    store.limit_pages(1_000_000);
    store.send(EVENTS, &New { deduplication: Some("large"), ..new(&large) }, 0).unwrap();
    assert_eq!(bodies(&store, &events(), 0), [large], "the refused call has left no trace of its copy");
}

#[test]
fn messages_of_the_previous_version_are_imported_once() {
    let scratch = Scratch::new("left");
    let left = scratch.path.join(LEFT);
    let write =
        |events: &[&str]| std::fs::write(&left, serde_json::json!({ "events": events, "dead": ["d"] }).to_string()).unwrap();
    let import = |store: &Store| legacy::import(store, &scratch.folder, [EVENTS, "links", DEAD], 0);
    write(&["one", "two"]);
    let store = scratch.open();
    // A process ended before it deleted the file.
    store.import(LEFT, &[(EVENTS, "one"), (EVENTS, "two"), (DEAD, "d")], 0).unwrap();
    import(&store).unwrap();
    assert!(!left.exists());
    assert_eq!(
        (bodies(&store, &plain(EVENTS), 0), bodies(&store, &plain(DEAD), 0)),
        (vec!["one".into(), "two".into()], vec!["d".into()])
    );
    // The user went back to the previous version, which wrote another file.
    write(&["one"]);
    import(&store).unwrap();
    import(&store).unwrap();
    assert_eq!(bodies(&store, &plain(EVENTS), 0), ["one"]);
    std::fs::write(&left, "{").unwrap();
    let said = import(&store).unwrap_err().to_string();
    assert!(said.contains(LEFT) && left.exists(), "{said}");
}

#[test]
fn a_file_of_a_later_version_and_an_invalid_file_are_refused() {
    let scratch = Scratch::new("later");
    let path = scratch.folder.database(QUEUES).unwrap();
    scratch.open();
    rusqlite::Connection::open(&path).unwrap().pragma_update(None, "user_version", 3).unwrap();
    assert!(refusal(&path).contains("written by a later version (format 3, known: 2)"));
    let other = scratch.path.join("other");
    std::fs::write(&other, "not a database, and longer than SQLite's header of 100 bytes: a file with any other content")
        .unwrap();
    assert!(refusal(&other).contains("not a database"));
}

#[test]
fn a_file_of_the_version_before_opens_with_its_messages_and_has_its_new_columns() {
    let scratch = Scratch::new("form1");
    let path = scratch.folder.database(QUEUES).unwrap();
    scratch.open().send("a.fifo", &New { group: Some("g"), ..new("kept") }, 0).unwrap();
    let connection = rusqlite::Connection::open(&path).unwrap();
    let back =
        "DROP INDEX by_visibility; DROP TABLE clock; ALTER TABLE messages DROP COLUMN deduplication_id; PRAGMA user_version = 1";
    connection.execute_batch(back).unwrap();
    let store = scratch.open();
    assert_eq!((bodies(&store, &plain("a.fifo"), 0), store.ahead_ms().unwrap()), (vec!["kept".to_owned()], 0));
    assert_eq!(store.advance(5).unwrap() + store.advance(6).unwrap(), 5 + 11);
    assert_eq!(scratch.open().ahead_ms().unwrap(), 11);
    store.send("a.fifo", &New { group: Some("h"), deduplication: Some("d"), ..new("new") }, 0).unwrap();
    let taken = store.receive(&plain("a.fifo"), 10, None, 0).unwrap();
    assert_eq!(taken[0].deduplication.as_deref(), Some("d"));
}

fn refusal(path: &Path) -> String {
    Store::open(path).unwrap_err().to_string()
}
