//! Token buckets for keys that strangers choose.
//!
//! Promises: exactly as many requests pass as the bucket has tokens; no more than `most` keys are known at once; a clock
//! that is set back refuses nobody for longer than an empty bucket takes to fill. Never: a clock, a lock, a call.
//!
//! A bucket is one number, the time at which it is full again (GCRA, the generic cell rate algorithm). One that is full
//! holds no information. When the table has no place, the bucket that is full first goes. Somebody who wants to win back
//! `n` requests so must make every other bucket lack more than `n`: that takes more than `n` requests from each of
//! `most - 1` other addresses, faster than their buckets fill. A key without a bucket always gets one: no number of
//! addresses keeps another one out.

use std::collections::{BTreeMap, BTreeSet};
use tidings_config::rate::Bucket;
use tidings_config::time::Timestamp;

/// Buckets by key. Times are nanoseconds since 1970.
#[derive(Debug)]
pub(super) struct Buckets<K> {
    most: usize,
    full_at: BTreeMap<K, i64>,
    /// The same, the fullest first.
    order: BTreeSet<(i64, K)>,
}

impl<K: Copy + Ord> Buckets<K> {
    /// No more than `most` keys, which is at least one.
    pub(super) const fn new(most: usize) -> Self {
        Self { most, full_at: BTreeMap::new(), order: BTreeSet::new() }
    }

    /// Takes a token. `Err`: there is none, and the next one comes after so many nanoseconds.
    pub(super) fn take(&mut self, key: K, bucket: Bucket, now: Timestamp) -> Result<(), i64> {
        let now = now.unix_ms().saturating_mul(1_000_000);
        let empty = now.saturating_add(bucket.interval_ns.saturating_mul(i64::from(bucket.size)));
        let known = self.full_at.get(&key).copied();
        // Later than an empty bucket's is a clock that was set back.
        let full_at = known.unwrap_or(now).clamp(now, empty);
        let then = full_at.saturating_add(bucket.interval_ns);
        if then > empty {
            if known != Some(full_at) {
                self.put(key, full_at);
            }
            return Err(then - empty);
        }
        self.put(key, then);
        Ok(())
    }

    /// Gives a token back that was taken.
    pub(super) fn give_back(&mut self, key: K, bucket: Bucket) {
        if let Some(full_at) = self.full_at.get(&key).copied() {
            self.put(key, full_at.saturating_sub(bucket.interval_ns));
        }
    }

    fn put(&mut self, key: K, full_at: i64) {
        if let Some(before) = self.full_at.insert(key, full_at) {
            self.order.remove(&(before, key));
        } else if self.full_at.len() > self.most
            && let Some((_, fullest)) = self.order.pop_first()
        {
            self.full_at.remove(&fullest);
        }
        self.order.insert((full_at, key));
    }

    #[cfg(test)]
    fn len(&self) -> usize {
        assert_eq!(self.full_at.len(), self.order.len());
        self.full_at.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tidings_config::limits::MAX_RATE_BUCKETS;

    const TEN_A_SECOND: Bucket = Bucket { size: 5, interval_ns: 100_000_000 };

    fn at(ms: i64) -> Timestamp {
        Timestamp::from_unix_ms(1_795_168_800_000 + ms)
    }

    fn passed(buckets: &mut Buckets<u32>, key: u32, requests: u32, ms: i64) -> usize {
        (0..requests).filter(|_| buckets.take(key, TEN_A_SECOND, at(ms)).is_ok()).count()
    }

    #[test]
    fn as_many_pass_as_there_are_tokens_and_no_more() {
        let mut buckets = Buckets::new(10);
        assert_eq!(passed(&mut buckets, 1, 20, 0), 5, "a full bucket");
        assert_eq!(passed(&mut buckets, 2, 20, 0), 5, "another's bucket is another one");
        assert_eq!(buckets.take(1, TEN_A_SECOND, at(0)), Err(100_000_000));
        assert_eq!(passed(&mut buckets, 1, 20, 99), 0);
        assert_eq!(buckets.take(1, TEN_A_SECOND, at(99)), Err(1_000_000));
        assert_eq!(passed(&mut buckets, 1, 20, 100), 1, "one token has come");
        assert_eq!(passed(&mut buckets, 1, 20, 299), 1);
        assert_eq!(passed(&mut buckets, 1, 20, 300), 1);
        assert_eq!(passed(&mut buckets, 1, 20, 60_000), 5, "full again, and not fuller");
    }

    #[test]
    fn what_is_given_back_can_be_taken_and_never_more() {
        let mut buckets = Buckets::new(10);
        for _ in 0..100 {
            assert_eq!(buckets.take(1, TEN_A_SECOND, at(0)), Ok(()));
            buckets.give_back(1, TEN_A_SECOND);
        }
        assert_eq!(passed(&mut buckets, 1, 20, 0), 5);
        buckets.give_back(1, TEN_A_SECOND);
        assert_eq!(passed(&mut buckets, 1, 20, 0), 1);
        buckets.give_back(2, TEN_A_SECOND);
        assert_eq!(passed(&mut buckets, 2, 20, 0), 5, "nothing was taken");
    }

    #[test]
    fn a_clock_that_is_set_back_refuses_for_no_longer_than_a_bucket_takes_to_fill() {
        let mut buckets = Buckets::new(10);
        assert_eq!(passed(&mut buckets, 1, 20, 3_600_000), 5);
        assert_eq!(passed(&mut buckets, 1, 20, 0), 0, "an hour back");
        assert_eq!(passed(&mut buckets, 1, 20, 100), 1);
        assert_eq!(passed(&mut buckets, 1, 20, 600), 5);
    }

    #[test]
    fn a_million_addresses_take_no_more_memory_than_the_limit() {
        let mut buckets = Buckets::new(MAX_RATE_BUCKETS);
        for key in 0..1_000_000 {
            assert_eq!(buckets.take(key, TEN_A_SECOND, at(i64::from(key) / 1_000)), Ok(()), "a new address always gets in");
        }
        assert_eq!(buckets.len(), MAX_RATE_BUCKETS);
    }

    #[test]
    fn no_flood_of_addresses_resets_a_bucket_that_is_emptier_than_theirs() {
        let mut buckets = Buckets::new(100);
        assert_eq!(passed(&mut buckets, 0, 5, 0), 5);
        for key in 1..10_000 {
            buckets.take(key, TEN_A_SECOND, at(0)).unwrap();
        }
        assert_eq!(passed(&mut buckets, 0, 5, 0), 0, "one request of each other address doesn't help");
        for key in 1..99 {
            assert_eq!(passed(&mut buckets, key, 5, 0), 5);
        }
        for newcomer in 10_000..20_000 {
            buckets.take(newcomer, TEN_A_SECOND, at(0)).unwrap();
        }
        assert_eq!(passed(&mut buckets, 0, 5, 0), 0, "98 others lack as much as it does, and the newcomers displace each other");
        assert_eq!((passed(&mut buckets, 99, 5, 0), passed(&mut buckets, 20_000, 1, 0)), (5, 1));
        assert_eq!(passed(&mut buckets, 0, 5, 0), 5, "won back 5 by 495 requests of 99 other addresses");
    }

    #[test]
    fn the_bucket_that_goes_is_the_one_that_is_full_first() {
        let mut buckets = Buckets::new(2);
        assert_eq!((passed(&mut buckets, 1, 3, 0), passed(&mut buckets, 2, 5, 0)), (3, 5));
        assert_eq!(passed(&mut buckets, 3, 1, 0), 1);
        assert_eq!((passed(&mut buckets, 2, 5, 0), passed(&mut buckets, 1, 5, 0)), (0, 5), "1 lacked three, 2 five");
    }
}
