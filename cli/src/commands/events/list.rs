//! `tidings events list`: the newest events, newest first. No event is an answer too.

use super::{find, line, unknown};
use crate::Failure;
use crate::arguments::EventsList;
use crate::style::{data_of, note, say};
use crate::target::reader;
use std::process::ExitCode;

pub(crate) async fn run(options: EventsList) -> Result<ExitCode, Failure> {
    let EventsList { filter, limit, target } = &options;
    let found = find(&reader(target).await?, filter, *limit, &target.at).await?;
    if target.json {
        data_of(&found.claims)?;
    } else {
        found.claims.iter().for_each(|claim| say!("{}", line(claim, filter.conversation.is_some())));
    }
    let shown = found.claims.len();
    if shown == 0 {
        note("no event is like that");
    } else if shown == *limit {
        note(&format!("the newest {shown}; there may be more: --limit, --until"));
    }
    if filter.conversation.is_none() {
        note(&format!("{} claims read: that was the whole table. --conversation reads only its own", found.read));
    }
    unknown(&found).iter().for_each(|text| note(text));
    Ok(ExitCode::SUCCESS)
}
