use super::*;
use crate::claim::ClaimKey;
use crate::context::{Fact, Order};
use tidings_config::limits::{MAX_FEED_ANSWER_UPDATES, MAX_FEED_STREAMS};

fn at(ms: i64) -> Timestamp {
    Timestamp::from_unix_ms(ms)
}

fn news(bytes: usize) -> News {
    News { event: UpdateKind::Context, data: json!({ "t": "x".repeat(bytes) }) }
}

/// A partition after each commit: its pages and its head, in the order of their keys.
#[derive(Clone, Default)]
struct Stored {
    pages: BTreeMap<u64, FeedPage>,
    head: Option<Feed>,
}

impl Stored {
    fn commit(&mut self, sizes: &[usize], now: Timestamp) {
        let mut head = self.head.clone().unwrap_or_default();
        self.pages.extend(head.add(sizes.iter().map(|bytes| news(*bytes)).collect(), 0, now));
        self.head = Some(head);
    }

    fn read(&self, after: u64) -> FeedRead {
        let pages = self.pages.range(after + 1..).map(|(_, page)| page.clone()).collect();
        FeedRead { pages, head: self.head.clone(), ..FeedRead::default() }
    }

    fn numbers(&self) -> Vec<u64> {
        let pages = self.pages.values().flat_map(|page| &page.updates);
        pages.chain(self.head.iter().flat_map(|head| &head.recent)).map(|update| update.n).collect()
    }
}

fn numbers(slice: &FeedSlice) -> Vec<u64> {
    slice.updates.iter().map(|update| update.n).collect()
}

#[test]
fn numbers_ascend_whatever_the_clock_says() {
    let mut stored = Stored::default();
    for now in [1_000, 1_000, 999, 5_000, 2, 5_001] {
        stored.commit(&[10, 400, 10], at(now));
    }
    let all = stored.numbers();
    assert_eq!(all.len(), 18);
    assert!(all.is_sorted_by(|one, next| one < next), "{all:?}");
    assert_eq!((all[0], all[9]), (1_000, 5_000), "at least the time");
    let mut other = Feed { last: 7, before: 3, ..Feed::default() };
    let _ = other.add(vec![news(1)], 90, at(5));
    assert_eq!((other.before, other.last), (3, 91), "above what another name has");
}

#[test]
fn a_head_stays_below_one_unit() {
    let mut stored = Stored::default();
    for n in 0..50 {
        stored.commit(&[n * 16], at(n as i64));
        let head = stored.head.as_ref().unwrap();
        assert!(bytes(head) < 1_024 - 200, "{} bytes", bytes(head));
    }
    assert!(stored.pages.len() < 45, "small updates share a page: {}", stored.pages.len());
}

#[test]
fn a_reader_resumes_from_every_number_without_a_gap_or_a_copy() {
    let mut stored = Stored::default();
    for n in 0..20 {
        stored.commit(&vec![n * 37 % 500; n % 3 + 1], at(1_000 + n as i64));
    }
    let all = stored.numbers();
    let now = at(2_000);
    assert_eq!(numbers(&stored.read(0).after(None, now)), all);
    for (place, cursor) in all.iter().enumerate() {
        let slice = stored.read(*cursor).after(Some(*cursor), now);
        assert_eq!((numbers(&slice), slice.torn), (all[place + 1..].to_vec(), false), "after {cursor}");
    }
}

/// A query reads one item after the other, in the order of their keys, while commits go on. Every way in which the reads
/// of three items may fall between the commits.
#[test]
fn a_query_that_sees_a_transaction_in_part_skips_nothing() {
    let (mut history, mut stored) = (vec![Stored::default()], Stored::default());
    for n in 0..6 {
        stored.commit(&[300 + n], at(10 * (1 + n as i64)));
        history.push(stored.clone());
    }
    let all = stored.numbers();
    let keys: Vec<u64> = stored.pages.keys().copied().collect();
    assert!(keys.len() >= 2, "{keys:?}");
    let moments = history.len();
    let (mut reads, mut torn) = (0, 0);
    for cursor in std::iter::once(0).chain(all.iter().copied()) {
        let keys: Vec<u64> = keys.iter().copied().filter(|key| *key > cursor).collect();
        let mut times = vec![0; keys.len() + 1];
        loop {
            if times.is_sorted() {
                let pages = keys.iter().zip(&times).filter_map(|(key, time)| history[*time].pages.get(key).cloned()).collect();
                let head = history[times[keys.len()]].head.clone();
                let slice = FeedRead { pages, head, ..FeedRead::default() }.after(Some(cursor), at(100));
                let (seen, start) = (numbers(&slice), all.iter().position(|n| *n > cursor).unwrap_or(all.len()));
                // A cursor of 0 is before the feed's beginning.
                if slice.lost_up_to.is_none() {
                    assert!(all[start..].starts_with(&seen), "after {cursor}, at {times:?}: {seen:?}");
                } else {
                    assert!(slice.torn, "after {cursor}, at {times:?}");
                }
                reads += 1;
                torn += usize::from(slice.torn);
            }
            let Some(place) = times.iter().rposition(|time| time + 1 < moments) else { break };
            times[place] += 1;
            times[place + 1..].fill(0);
        }
    }
    assert!(reads > 100 && torn > 10, "{reads} reads, {torn} torn");
}

#[test]
fn a_cursor_before_what_is_kept_is_told_what_it_lost() {
    let day = i64::try_from(FEED_KEPT.as_millis()).unwrap();
    let mut stored = Stored::default();
    for n in 0..6 {
        stored.commit(&[300], at(1_000 + n));
    }
    stored.commit(&[10], at(day));
    let now = at(1_002 + day);
    for cursor in [1, 1_000] {
        let slice = stored.read(cursor).after(Some(cursor), now);
        let kept: Vec<u64> = stored.numbers().into_iter().filter(|n| *n >= 1_002).collect();
        assert_eq!((slice.lost_up_to, numbers(&slice)), (Some(1_001), kept), "after {cursor}");
        assert_eq!(slice.cursor(), stored.numbers().last().copied());
    }
    let slice = stored.read(1_001).after(Some(1_001), now);
    assert_eq!((slice.lost_up_to, slice.updates.len()), (None, 5), "the last one that was seen has expired just now");
    // All has expired, and a reader that saw all has lost nothing.
    let late = at(3 * day);
    let last = stored.numbers().last().copied().unwrap();
    assert_eq!(stored.read(last).after(Some(last), late), FeedSlice::default());
    let slice = stored.read(5).after(Some(5), late);
    assert_eq!((slice.lost_up_to, slice.updates.len()), (Some(last), 0));
    // Old updates leave the head with the next one.
    stored.commit(&[1], late);
    assert_eq!(stored.head.as_ref().unwrap().recent.len(), 1);
    let after_the_pages = FeedRead { head: stored.head, ..FeedRead::default() };
    assert_eq!(after_the_pages.after(Some(last), late).lost_up_to, None);
}

#[test]
fn an_answer_is_bounded_and_says_that_there_is_more() {
    let mut stored = Stored::default();
    for n in 0..40 {
        stored.commit(&[100, 100, 100], at(n));
    }
    let first = stored.read(0).after(None, at(50));
    assert_eq!((first.updates.len(), first.more), (MAX_FEED_ANSWER_UPDATES, true));
    let cursor = first.cursor().unwrap();
    let rest = stored.read(cursor).after(Some(cursor), at(50));
    assert_eq!((rest.updates.len(), rest.more), (120 - MAX_FEED_ANSWER_UPDATES, false));
    let mut large = Stored::default();
    for n in 0..6 {
        large.commit(&[60_000], at(n));
    }
    assert_eq!(large.read(0).after(None, at(50)).updates.len(), 4);
}

#[test]
fn an_update_that_is_too_large_becomes_a_note() {
    let mut feed = Feed::default();
    let action = |bytes: usize| News {
        event: UpdateKind::Action,
        data: json!({ "id": "a1", "type": "tidings.notify", "data": { "text": "x".repeat(bytes) } }),
    };
    let (_, page) = feed
        .add(vec![action(MAX_FEED_UPDATE_BYTES), action(10)], 0, at(1))
        .unwrap_or((0, FeedPage { before: 0, updates: feed.recent.clone() }));
    assert_eq!(page.updates[0].data, json!({ "id": "a1", "type": "tidings.notify", "omitted": true }));
    assert_eq!(page.updates[1].data["data"]["text"], "x".repeat(10));
    let (_, page) = Feed::default().add((0..4).map(|_| action(50_000)).collect(), 0, at(1)).unwrap();
    let omitted = page.updates.iter().filter(|update| update.data.get("omitted").is_some()).count();
    assert_eq!(omitted, 2, "of what one event adds");
}

#[test]
fn a_change_of_the_context_has_the_values_that_readers_see() {
    let order = || Order::at(at(1), ClaimKey::new("s", "1"));
    let fact = |value: Value| Fact::register(value, order());
    let facts = |facts: &[(&str, Value)]| -> Facts {
        facts.iter().map(|(name, value)| ((*name).to_owned(), fact(value.clone()))).collect()
    };
    let before = facts(&[("status", json!("paid")), ("same", json!(1)), ("gone", json!(2)), ("never", Value::Null)]);
    let mut after = facts(&[("status", json!("shipped")), ("same", json!(1)), ("gone", Value::Null), ("never", Value::Null)]);
    after.insert("over".to_owned(), Fact { expires: Some(at(5)), ..fact(json!(9)) });
    let mut changed = Changed::default();
    changed.compare(&ItemKey::Entity("order/1".to_owned()), Some(&before), &after, at(5));
    changed.compare(&ItemKey::Node, None, &facts(&[(NODE_REGISTER, json!("there"))]), at(5));
    assert_eq!(
        changed.into_news().unwrap().data,
        json!({ "node": "there", "entities": { "order/1": { "gone": null, "status": "shipped" } } })
    );
    let mut same = Changed::default();
    same.compare(&ItemKey::Node, Some(&before), &before, at(5));
    assert_eq!(same.into_news(), None);
}

#[test]
fn parts_of_a_message_are_taken_once_each_in_their_order() {
    let part = |id: &str, sequence, done| Part { id: id.to_owned(), sequence, text: format!("{sequence} "), done };
    let mut feed = Feed::default();
    assert_eq!(feed.append(part("m", 1, false), at(1)), Err(NotAppended::Early { next: 0 }));
    for sequence in 0..3 {
        assert_eq!(feed.append(part("m", sequence, sequence == 2), at(1)), Ok(None));
        assert_eq!(feed.append(part("m", sequence, false), at(1)), Err(NotAppended::Before));
    }
    assert_eq!(feed.append(part("m", 3, false), at(1)), Err(NotAppended::Done));
    assert_eq!(feed.recent.iter().map(|update| update.data["text"].as_str().unwrap()).collect::<String>(), "0 1 2 ");
    assert_eq!(feed.append(part("live", 0, false), at(2)), Ok(None));
    for n in 0..2 * MAX_FEED_STREAMS {
        let _ = feed.append(part(&format!("other{n}"), 0, true), at(3 + n as i64)).unwrap();
    }
    assert_eq!(feed.streams.len(), MAX_FEED_STREAMS);
    let _ = feed.append(part("live", 1, true), at(90)).unwrap();
}
