//! The messages of the embedded SQS in a SQLite file. An acknowledged message stays in it until it is deleted.
//!
//! Each call is one transaction, which is on the disk before the response (WAL, `synchronous = FULL`). A failed call
//! changes nothing. Receive counts, visibility, delays, deduplication and dead letters are columns, so a new process
//! continues where the last one stopped. A message received by the last process becomes visible when its visibility
//! timeout expires, as on AWS. Unlike on AWS, a receive whose process ended doesn't count ([`FORGIVEN_ENDS`]): a `kill`
//! is frequent here, and must not move an event to the dead-letter queue.
//!
//! There is no retention period: a message stays until it is deleted.

use super::schema::{VERSION, migrate};
use crate::Failure;
use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior, params};
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::watch;

/// SQS's deduplication interval: copies of a message with a deduplication id are dropped for this long.
const DEDUPLICATION_MS: i64 = 5 * 60 * 1_000;

/// How long a call waits for another process that has locked the file.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// How many receives of a message aren't counted because their process ended. An event that itself ends the process is
/// in the dead-letter queue after these receives and the queue's own.
pub(crate) const FORGIVEN_ENDS: u32 = 20;

/// The settings of a queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Queue {
    pub(crate) name: String,
    pub(crate) visibility_timeout_s: u32,
    pub(crate) redrive: Option<Redrive>,
}

/// The dead-letter queue, and when a message moves there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Redrive {
    pub(crate) to: String,
    pub(crate) max_receives: u32,
}

/// A message to store.
#[derive(Debug, Default)]
pub(crate) struct New<'m> {
    pub(crate) body: &'m str,
    /// A JSON object.
    pub(crate) attributes: &'m str,
    pub(crate) delay_s: u32,
    pub(crate) group: Option<&'m str>,
    pub(crate) deduplication: Option<&'m str>,
}

/// A received message.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct ReceivedMessage {
    pub(crate) id: String,
    /// Increases with each message in the file.
    pub(crate) sequence: i64,
    pub(crate) group: Option<String>,
    pub(crate) deduplication: Option<String>,
    pub(crate) receipt: String,
    pub(crate) body: String,
    pub(crate) attributes: String,
    pub(crate) sent_ms: i64,
    pub(crate) receives: u32,
    pub(crate) first_received_ms: i64,
}

/// Why a received message wasn't deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ReceiveFailure {
    /// The receive counts.
    Failed,
    /// The receive doesn't count, because the event didn't cause the failure.
    DiskFull,
}

/// The numbers of messages in a queue.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) visible: u64,
    pub(crate) in_flight: u64,
    pub(crate) delayed: u64,
}

#[derive(Debug)]
pub(crate) struct Store {
    connection: Mutex<Connection>,
    /// Notified when a message may have become visible. Waiting receives then check their queue again.
    changed: watch::Sender<()>,
}

impl Store {
    /// Opens the file, and creates its tables if they don't exist.
    pub(crate) fn open(path: &Path) -> Result<Self, Failure> {
        let opened = Connection::open(path).and_then(|connection| {
            connection.busy_timeout(BUSY_TIMEOUT)?;
            connection.pragma_update(None, "journal_mode", "WAL")?;
            connection.pragma_update(None, "synchronous", "FULL")?;
            Ok((migrate(&connection)?, connection))
        });
        let (version, connection) = opened.map_err(|error| Failure::new(format!("{}: {error}", path.display())))?;
        if version > VERSION {
            let said = format!("{}: written by a later version (format {version}, known: {VERSION})", path.display());
            return Err(Failure::new(said).hint("use that version of tidings, or another folder"));
        }
        let store = Self::of(connection);
        store.forgive().map_err(|error| Failure::new(format!("{}: {error}", path.display())))?;
        Ok(store)
    }

    /// Opens a store in memory, which is lost when the process ends.
    pub(crate) fn memory() -> Result<Self, Failure> {
        let opened = Connection::open_in_memory().and_then(|connection| migrate(&connection).map(|_| connection));
        opened.map(Self::of).map_err(|error| Failure::new(format!("the queues in memory: {error}")))
    }

    fn of(connection: Connection) -> Self {
        Self { connection: Mutex::new(connection), changed: watch::Sender::new(()) }
    }

    /// Notifies the receiver of each change that may make a message visible.
    pub(crate) fn changes(&self) -> watch::Receiver<()> {
        self.changed.subscribe()
    }

    /// Makes waiting receives check their queue again.
    pub(crate) fn wake(&self) {
        self.changed.send_replace(());
    }

    /// Ends the receives of processes that have ended. They don't count.
    fn forgive(&self) -> rusqlite::Result<()> {
        self.transact(|transaction| {
            let forgiven = transaction.execute(
                // An action that was received may have been shown. Its consumer must see that it is received again.
                "UPDATE messages SET held = 0, cut_off = cut_off + 1,
                     receives = receives - (cut_off < ?1 AND queue NOT LIKE '%.fifo') WHERE held = 1",
                [FORGIVEN_ENDS],
            );
            forgiven.map(|_| ())
        })
    }

    fn connection(&self) -> MutexGuard<'_, Connection> {
        // If a panic came between two statements, their transaction was rolled back.
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn transact<T>(&self, work: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T>) -> rusqlite::Result<T> {
        let mut connection = self.connection();
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let done = work(&transaction)?;
        transaction.commit()?;
        drop(connection);
        self.wake();
        Ok(done)
    }

    /// Returns the message id, or that of the first copy.
    pub(crate) fn send(&self, queue: &str, message: &New<'_>, now_ms: i64) -> rusqlite::Result<String> {
        self.transact(|transaction| send(transaction, queue, message, now_ms))
    }

    /// Receives messages, the oldest first. Messages of a group wait while another of the group is in flight.
    pub(crate) fn receive(
        &self,
        queue: &Queue,
        max: usize,
        visibility_timeout_s: Option<u32>,
        now_ms: i64,
    ) -> rusqlite::Result<Vec<ReceivedMessage>> {
        let until_ms = after(now_ms, visibility_timeout_s.unwrap_or(queue.visibility_timeout_s));
        // Most receives find nothing, and then write nothing.
        if self.visible(&queue.name, 1, now_ms)?.is_empty() {
            return Ok(Vec::new());
        }
        self.transact(|transaction| {
            if let Some(redrive) = &queue.redrive {
                transaction.execute(
                    "UPDATE messages SET queue = ?1, receives = 0, held = 0, first_received_ms = NULL, visible_ms = ?2
                     WHERE queue = ?3 AND visible_ms <= ?2 AND receives >= ?4",
                    params![redrive.to, now_ms, queue.name, redrive.max_receives],
                )?;
            }
            let chosen = visible(transaction, &queue.name, max, now_ms)?;
            chosen.into_iter().map(|seq| take(transaction, seq, until_ms, now_ms)).collect()
        })
    }

    /// When the next hidden or delayed message becomes visible.
    pub(crate) fn next_visible_ms(&self, queue: &str, now_ms: i64) -> rusqlite::Result<Option<i64>> {
        let next = "SELECT MIN(visible_ms) FROM messages WHERE queue = ?1 AND visible_ms > ?2";
        self.connection().query_row(next, params![queue, now_ms], |row| row.get(0))
    }

    /// The same for two queues.
    pub(crate) fn next_due_ms(&self, queues: [&str; 4], now_ms: i64) -> rusqlite::Result<Option<i64>> {
        let next = "SELECT MIN(visible_ms) FROM messages WHERE queue IN (?1, ?2, ?3, ?4) AND visible_ms > ?5 AND held = 0";
        let [a, b, c, d] = queues;
        self.connection().query_row(next, params![a, b, c, d, now_ms], |row| row.get(0))
    }

    /// Whether one of the queues has a visible message or one in flight.
    pub(crate) fn is_busy(&self, queues: [&str; 4], now_ms: i64) -> rusqlite::Result<bool> {
        let busy = "SELECT EXISTS (SELECT 1 FROM messages WHERE queue IN (?1, ?2, ?3, ?4) AND (visible_ms <= ?5 OR held = 1))";
        let [a, b, c, d] = queues;
        self.connection().query_row(busy, params![a, b, c, d, now_ms], |row| row.get(0))
    }

    /// The clock's offset.
    pub(crate) fn ahead_ms(&self) -> rusqlite::Result<i64> {
        self.connection().query_row("SELECT COALESCE(SUM(ahead_ms), 0) FROM clock", [], |row| row.get(0))
    }

    /// Increases the clock's offset, and returns the new offset.
    pub(crate) fn advance(&self, by_ms: i64) -> rusqlite::Result<i64> {
        self.transact(|transaction| {
            let ahead: i64 = transaction.query_row("SELECT COALESCE(SUM(ahead_ms), 0) FROM clock", [], |row| row.get(0))?;
            transaction.execute("DELETE FROM clock", [])?;
            let ahead = ahead.saturating_add(by_ms);
            transaction.execute("INSERT INTO clock VALUES (?1)", [ahead]).map(|_| ahead)
        })
    }

    fn visible(&self, queue: &str, max: usize, now_ms: i64) -> rusqlite::Result<Vec<i64>> {
        visible(&self.connection(), queue, max, now_ms)
    }

    /// Deletes a message. Succeeds if the message doesn't exist.
    pub(crate) fn delete(&self, queue: &str, receipt: &Receipt) -> rusqlite::Result<()> {
        let deleted =
            self.connection().execute("DELETE FROM messages WHERE queue = ?1 AND seq = ?2", params![queue, receipt.seq]);
        // The next message of its group may be visible.
        self.wake();
        deleted.map(|_| ())
    }

    /// `false` if the message was received again meanwhile, or doesn't exist.
    pub(crate) fn change_visibility(&self, queue: &str, receipt: &Receipt, seconds: u32, now_ms: i64) -> rusqlite::Result<bool> {
        let changed = self.connection().execute(
            "UPDATE messages SET visible_ms = ?1, held = 0 WHERE queue = ?2 AND seq = ?3 AND receives = ?4",
            params![after(now_ms, seconds), queue, receipt.seq, receipt.receives],
        );
        self.wake();
        changed.map(|rows| rows > 0)
    }

    /// Ends receives whose messages weren't deleted. The messages become visible when their visibility timeout expires.
    pub(crate) fn release(&self, queue: &str, receipts: &[Receipt], ended: ReceiveFailure) -> rusqlite::Result<()> {
        let less = match ended {
            ReceiveFailure::Failed => 0,
            ReceiveFailure::DiskFull => 1,
        };
        self.transact(|transaction| {
            receipts.iter().try_for_each(|receipt| {
                let released = transaction.execute(
                    "UPDATE messages SET held = 0, receives = receives - ?4 WHERE queue = ?1 AND seq = ?2 AND receives = ?3",
                    params![queue, receipt.seq, receipt.receives, less],
                );
                released.map(|_| ())
            })
        })
    }

    pub(crate) fn purge(&self, queue: &str) -> rusqlite::Result<()> {
        self.connection().execute("DELETE FROM messages WHERE queue = ?1", [queue]).map(|_| ())
    }

    pub(crate) fn counts(&self, queue: &str, now_ms: i64) -> rusqlite::Result<Counts> {
        self.connection().query_row(
            "SELECT COUNT(*) FILTER (WHERE visible_ms <= ?2), COUNT(*) FILTER (WHERE visible_ms > ?2 AND receives > 0),
                    COUNT(*) FILTER (WHERE visible_ms > ?2 AND receives = 0)
             FROM messages WHERE queue = ?1",
            params![queue, now_ms],
            |row| Ok(Counts { visible: row.get(0)?, in_flight: row.get(1)?, delayed: row.get(2)? }),
        )
    }

    /// Whether an action was shown.
    pub(crate) fn is_said(&self, action: &str) -> rusqlite::Result<bool> {
        let found = self.connection().query_row("SELECT 1 FROM said WHERE action = ?1", [action], |_| Ok(())).optional();
        found.map(|found| found.is_some())
    }

    /// Records that an action was shown, and deletes records before `since_ms`.
    pub(crate) fn remember_said(&self, action: &str, now_ms: i64, since_ms: i64) -> rusqlite::Result<()> {
        self.transact(|transaction| {
            transaction.execute("DELETE FROM said WHERE at_ms < ?1", [since_ms])?;
            transaction.execute("INSERT OR IGNORE INTO said VALUES (?1, ?2)", params![action, now_ms]).map(|_| ())
        })
    }

    /// Whether the messages of a file are stored.
    pub(crate) fn is_imported(&self, file: &str) -> rusqlite::Result<bool> {
        let found = self.connection().query_row("SELECT 1 FROM imported WHERE file = ?1", [file], |_| Ok(())).optional();
        found.map(|found| found.is_some())
    }

    /// Stores all messages of a file, or none: (queue, body).
    pub(crate) fn import(&self, file: &str, messages: &[(&str, &str)], now_ms: i64) -> rusqlite::Result<()> {
        self.transact(|transaction| {
            for (queue, body) in messages {
                send(transaction, queue, &New { body, attributes: "{}", ..New::default() }, now_ms)?;
            }
            transaction.execute("INSERT INTO imported VALUES (?1)", [file]).map(|_| ())
        })
    }

    /// Limits the file's size, as a full disk would.
    #[cfg(test)]
    pub(super) fn limit_pages(&self, pages: i64) {
        self.connection().query_row(&format!("PRAGMA max_page_count = {pages}"), [], |_| Ok(())).expect("a limit");
    }

    /// Forgets the import after the file was deleted. A new file of this name is another one.
    pub(crate) fn forget_import(&self, file: &str) -> rusqlite::Result<()> {
        self.connection().execute("DELETE FROM imported WHERE file = ?1", [file]).map(|_| ())
    }
}

fn send(transaction: &Transaction<'_>, queue: &str, message: &New<'_>, now_ms: i64) -> rusqlite::Result<String> {
    if let Some(id) = message.deduplication {
        transaction.execute("DELETE FROM deduplication WHERE until_ms <= ?1", [now_ms])?;
        let first = transaction
            .query_row("SELECT message FROM deduplication WHERE queue = ?1 AND id = ?2", [queue, id], |row| row.get(0))
            .optional()?;
        if let Some(first) = first {
            return Ok(first);
        }
    }
    transaction.execute(
        "INSERT INTO messages (queue, body, attributes, group_id, deduplication_id, sent_ms, visible_ms)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        params![
            queue,
            message.body,
            message.attributes,
            message.group,
            message.deduplication,
            now_ms,
            after(now_ms, message.delay_s)
        ],
    )?;
    let sent = message_id(transaction.last_insert_rowid());
    if let Some(id) = message.deduplication {
        let until_ms = now_ms.saturating_add(DEDUPLICATION_MS);
        transaction.execute("INSERT INTO deduplication VALUES (?1, ?2, ?3, ?4)", params![queue, id, sent, until_ms])?;
    }
    Ok(sent)
}

/// The messages that can be received: in a FIFO queue in the order in which they were sent, in a standard queue in the
/// order in which they became visible.
fn visible(connection: &Connection, queue: &str, max: usize, now_ms: i64) -> rusqlite::Result<Vec<i64>> {
    const STANDARD: &str = "SELECT seq FROM messages WHERE queue = ?1 AND visible_ms <= ?2 ORDER BY visible_ms, seq LIMIT ?3";
    const FIFO: &str = "SELECT seq FROM messages AS m WHERE queue = ?1 AND visible_ms <= ?2
            AND (group_id IS NULL OR NOT EXISTS (
                SELECT 1 FROM messages AS out
                WHERE out.queue = ?1 AND out.group_id = m.group_id AND out.visible_ms > ?2))
         ORDER BY seq LIMIT ?3";
    let mut found = connection.prepare_cached(if queue.ends_with(".fifo") { FIFO } else { STANDARD })?;
    let max = i64::try_from(max).unwrap_or(i64::MAX);
    found.query_map(params![queue, now_ms, max], |row| row.get(0))?.collect()
}

fn take(transaction: &Transaction<'_>, seq: i64, until_ms: i64, now_ms: i64) -> rusqlite::Result<ReceivedMessage> {
    transaction.query_row(
        "UPDATE messages SET receives = receives + 1, held = 1, visible_ms = ?2, first_received_ms = COALESCE(first_received_ms, ?3)
         WHERE seq = ?1 RETURNING body, attributes, sent_ms, receives, first_received_ms, group_id, deduplication_id",
        params![seq, until_ms, now_ms],
        |row| {
            let receives = row.get(3)?;
            Ok(ReceivedMessage {
                id: message_id(seq),
                sequence: seq,
                group: row.get(5)?,
                deduplication: row.get(6)?,
                receipt: Receipt { seq, receives }.to_string(),
                body: row.get(0)?,
                attributes: row.get(1)?,
                sent_ms: row.get(2)?,
                receives,
                first_received_ms: row.get(4)?,
            })
        },
    )
}

fn message_id(seq: i64) -> String {
    format!("m-{seq}")
}

fn after(now_ms: i64, seconds: u32) -> i64 {
    now_ms.saturating_add(i64::from(seconds).saturating_mul(1_000))
}

/// Identifies one receive of a message. Any receipt deletes the message; only the newest one changes its visibility.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Receipt {
    seq: i64,
    receives: u32,
}

impl std::fmt::Display for Receipt {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "r-{}-{}", self.seq, self.receives)
    }
}

impl std::str::FromStr for Receipt {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (seq, receives) = text.strip_prefix("r-").and_then(|text| text.split_once('-')).ok_or(())?;
        Ok(Self { seq: seq.parse().map_err(|_| ())?, receives: receives.parse().map_err(|_| ())? })
    }
}
