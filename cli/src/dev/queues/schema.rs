//! The schema of the queues' file, and the migration of files of earlier versions.

use rusqlite::Connection;

/// The version of the schema. A file of a later version is refused.
pub(super) const VERSION: i64 = 2;

const FIRST: &str = "
    CREATE TABLE messages (
        seq INTEGER PRIMARY KEY AUTOINCREMENT,
        queue TEXT NOT NULL,
        body TEXT NOT NULL,
        attributes TEXT NOT NULL,
        group_id TEXT,
        sent_ms INTEGER NOT NULL,
        visible_ms INTEGER NOT NULL,
        receives INTEGER NOT NULL DEFAULT 0,
        held INTEGER NOT NULL DEFAULT 0,
        cut_off INTEGER NOT NULL DEFAULT 0,
        first_received_ms INTEGER
    );
    CREATE INDEX of_a_queue ON messages (queue, seq);
    CREATE INDEX of_a_group ON messages (queue, group_id, visible_ms) WHERE group_id IS NOT NULL;
    CREATE TABLE deduplication (
        queue TEXT NOT NULL,
        id TEXT NOT NULL,
        message TEXT NOT NULL,
        until_ms INTEGER NOT NULL,
        PRIMARY KEY (queue, id)
    );
    CREATE TABLE said (action TEXT PRIMARY KEY, at_ms INTEGER NOT NULL);
    CREATE TABLE imported (file TEXT PRIMARY KEY);
";

/// The second version: consumers see the deduplication id, the clock's offset is stored, and long queues are read fast.
const SECOND: &str = "
    ALTER TABLE messages ADD COLUMN deduplication_id TEXT;
    CREATE TABLE clock (ahead_ms INTEGER NOT NULL);
    CREATE INDEX by_visibility ON messages (queue, visible_ms, seq);
";

/// Migrates the file, and returns its version.
pub(super) fn migrate(connection: &Connection) -> rusqlite::Result<i64> {
    let version: i64 = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    let steps = match version {
        0 => [FIRST, SECOND].concat(),
        1 => SECOND.to_owned(),
        _ => return Ok(version),
    };
    connection.execute_batch(&format!("BEGIN IMMEDIATE; {steps} PRAGMA user_version = {VERSION}; COMMIT;"))?;
    Ok(VERSION)
}
