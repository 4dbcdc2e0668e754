//! Quiet hours: whether an instant is quiet, and until when. An instant is quiet if the zone's clock shows a time
//! inside a window. This one rule covers both sides of a clock change.

use std::time::Duration;
use tidings_config::limits::MAX_DEFERRAL;
use tidings_config::rules::{ClockEnd, ClockTime, Day, QuietHours};
use tidings_config::time::{Timestamp, Zone};

const MINUTE_MS: i64 = 60_000;
const DAY_MINUTES: i16 = 1_440;
const DAY_MS: i64 = DAY_MINUTES as i64 * MINUTE_MS;

/// A window on the clock of a zone.
#[derive(Clone, Debug)]
pub struct Window {
    /// Minutes since midnight.
    from: i16,
    /// The length in minutes, up to a day.
    minutes: i16,
    /// The days on which it begins. Empty: every day.
    days: Vec<Day>,
    zone: Zone,
}

impl Window {
    /// If `to` isn't after `from`, the window ends on the next day: from 10:00 to 10:00 is a whole day.
    pub fn new(from: ClockTime, to: ClockEnd, days: &[Day], zone: Zone) -> Self {
        let (from, to) = (from.minute_of_day(), to.minute_of_day());
        let minutes = if from < to { to - from } else { to + DAY_MINUTES - from };
        Self { from, minutes, days: days.to_vec(), zone }
    }

    /// `zone` is the person's own. `None`: the zone doesn't exist.
    pub fn configured(quiet: &QuietHours, zone: Option<&Zone>) -> Option<Self> {
        let zone = zone.cloned().or_else(|| Zone::named(&quiet.zone))?;
        Some(Self::new(quiet.from, quiet.to, &quiet.days, zone))
    }

    fn begins_on(&self, day: i64) -> bool {
        // Day 0, 1970-01-01, was a Thursday.
        let weekday = usize::try_from((day + 3).rem_euclid(7)).ok().and_then(|n| Day::ALL.get(n));
        self.days.is_empty() || weekday.is_some_and(|weekday| self.days.contains(weekday))
    }

    /// If `at` is quiet: the time until which it is certainly quiet. That is the window's end or the next clock
    /// change, after which it may be quiet or not.
    fn covers(&self, at: Timestamp) -> Option<Timestamp> {
        let local = at.unix_ms() + self.zone.offset_ms(at)?;
        let today = local.div_euclid(DAY_MS);
        let end = [today - 1, today].into_iter().filter(|day| self.begins_on(*day)).filter_map(|day| {
            let begin = day * DAY_MS + i64::from(self.from) * MINUTE_MS;
            let end = begin + i64::from(self.minutes) * MINUTE_MS;
            (begin <= local && local < end).then_some(end)
        });
        let end = at.plus(Duration::from_millis(u64::try_from(end.max()? - local).ok()?));
        Some(self.zone.next_change(at).map_or(end, |change| end.min(change)))
    }
}

/// The first instant after `now` outside all these windows. `None`: `now` isn't quiet. Beyond the longest wait of a
/// notification, any later instant may be returned.
pub fn quiet_until(windows: &[Window], now: Timestamp) -> Option<Timestamp> {
    let mut at = now;
    while let Some(later) = windows.iter().filter_map(|window| window.covers(at)).max() {
        at = later;
        if at.since(now) > MAX_DEFERRAL {
            break;
        }
    }
    (at > now).then_some(at)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(text: &str) -> Timestamp {
        Timestamp::parse_rfc3339(text).unwrap()
    }

    fn window(from: &str, to: &str, days: &[Day], zone: &str) -> Window {
        Window::new(from.parse().unwrap(), to.parse().unwrap(), days, Zone::named(zone).unwrap())
    }

    fn until(windows: &[Window], now: &str) -> Option<String> {
        quiet_until(windows, at(now)).map(|until| until.to_string().replace(":00.000Z", "Z"))
    }

    #[test]
    fn a_window_that_ends_inside_the_repeated_hour_ends_both_times() {
        // On that day Berlin's clocks go back from 03:00 to 02:00, at 01:00 UTC.
        let berlin = [window("22:00", "02:20", &[], "Europe/Berlin")];
        for (now, expected) in [
            ("2026-10-24T20:00:00Z", Some("2026-10-25T00:20Z")),
            ("2026-10-25T00:19:00Z", Some("2026-10-25T00:20Z")),
            ("2026-10-25T00:20:00Z", None),
            ("2026-10-25T00:59:00Z", None),
            ("2026-10-25T01:00:00Z", Some("2026-10-25T01:20Z")),
            ("2026-10-25T01:20:00Z", None),
        ] {
            assert_eq!(until(&berlin, now).as_deref(), expected, "{now}");
        }
        let new_york = [window("21:00", "01:20", &[], "America/New_York")];
        assert_eq!(
            until(&new_york, "2026-11-01T06:00:00Z").as_deref(),
            Some("2026-11-01T06:20Z"),
            "20 minutes, not a day and 20"
        );
        let lord_howe = [window("22:00", "01:40", &[], "Australia/Lord_Howe")];
        assert_eq!(until(&lord_howe, "2026-04-04T15:00:00Z").as_deref(), Some("2026-04-04T15:10Z"), "half an hour is repeated");
    }

    #[test]
    fn a_window_that_ends_in_the_skipped_hour_ends_when_the_clocks_are_put_forward() {
        let berlin = [window("22:00", "02:30", &[], "Europe/Berlin")];
        assert_eq!(until(&berlin, "2026-03-28T23:00:00Z").as_deref(), Some("2026-03-29T01:00Z"));
        let begins_there = [window("02:30", "04:00", &[], "Europe/Berlin")];
        assert_eq!(until(&begins_there, "2026-03-29T00:59:59Z"), None);
        assert_eq!(until(&begins_there, "2026-03-29T01:00:00Z").as_deref(), Some("2026-03-29T02:00Z"));
    }

    #[test]
    fn whole_days_and_weekends_are_possible_and_touching_windows_are_one() {
        let weekend = window("00:00", "24:00", &[Day::Saturday, Day::Sunday], "Europe/Berlin");
        let nights = window("22:00", "07:00", &[], "Europe/Berlin");
        let both = [weekend.clone(), nights.clone()];
        // 2026-11-20 is a Friday.
        assert_eq!(until(&both, "2026-11-20T20:59:00Z"), None);
        assert_eq!(until(&both, "2026-11-20T21:00:00Z").as_deref(), Some("2026-11-23T06:00Z"), "to Monday morning");
        assert_eq!(until(&[weekend], "2026-11-21T12:00:00Z").as_deref(), Some("2026-11-22T23:00Z"));
        let friday_nights = [window("22:00", "07:00", &[Day::Friday], "Europe/Berlin")];
        assert_eq!(until(&friday_nights, "2026-11-21T05:00:00Z").as_deref(), Some("2026-11-21T06:00Z"), "it began on Friday");
        assert_eq!(until(&friday_nights, "2026-11-22T05:00:00Z"), None);
        let always = [window("10:00", "10:00", &[], "UTC")];
        assert!(quiet_until(&always, at("2026-11-20T00:00:00Z")).unwrap().since(at("2026-11-20T00:00:00Z")) > MAX_DEFERRAL);
        assert_eq!(until(&[], "2026-11-20T00:00:00Z"), None);
    }

    /// The model of the property test: whether the clock is in a window, by `jiff`'s own calendar, minute by minute.
    fn is_quiet(windows: &[(ClockTime, ClockEnd, Vec<Day>)], zone: &jiff::tz::TimeZone, now: Timestamp) -> bool {
        let there = jiff::Timestamp::from_millisecond(now.unix_ms()).unwrap().to_zoned(zone.clone()).datetime();
        let minute = i16::from(there.hour()) * 60 + i16::from(there.minute());
        let begins = |days: &[Day], date: jiff::civil::Date| {
            let weekday = Day::ALL[usize::try_from(date.weekday().to_monday_zero_offset()).unwrap()];
            days.is_empty() || days.contains(&weekday)
        };
        windows.iter().any(|(from, to, days)| {
            let (from, to) = (from.minute_of_day(), to.minute_of_day());
            let (today, yesterday) = (begins(days, there.date()), begins(days, there.date().yesterday().unwrap()));
            if from < to {
                today && from <= minute && minute < to
            } else {
                (today && from <= minute) || (yesterday && minute < to)
            }
        })
    }

    const CHANGES: [(&str, &str); 10] = [
        ("Europe/Berlin", "2026-03-29T01:00:00Z"),
        ("Europe/Berlin", "2026-10-25T01:00:00Z"),
        ("America/New_York", "2026-03-08T07:00:00Z"),
        ("America/New_York", "2026-11-01T06:00:00Z"),
        ("Australia/Lord_Howe", "2026-04-04T15:00:00Z"),
        ("Australia/Lord_Howe", "2026-10-03T15:30:00Z"),
        ("Africa/Casablanca", "2026-02-15T02:00:00Z"),
        ("Africa/Casablanca", "2026-03-22T02:00:00Z"),
        ("Pacific/Apia", "2011-12-30T10:00:00Z"),
        ("UTC", "2026-11-20T00:00:00Z"),
    ];

    fn quarter() -> impl Strategy<Value = ClockTime> {
        // Biased towards the hours in which clocks change.
        (prop_oneof![0..24_i8, 0..4_i8], prop_oneof![Just(0_i8), Just(20), Just(30), 0..60_i8])
            .prop_map(|(hour, minute)| ClockTime { hour, minute })
    }

    fn any_window() -> impl Strategy<Value = (ClockTime, ClockEnd, Vec<Day>)> {
        let end = prop_oneof![4 => quarter().prop_map(ClockEnd::from), 1 => Just("24:00".parse::<ClockEnd>().unwrap())];
        (quarter(), end, proptest::sample::subsequence(Day::ALL.to_vec(), 0..7))
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn it_is_quiet_until_the_first_minute_outside_all_windows(
            windows in proptest::collection::vec(any_window(), 1..3), change in 0..CHANGES.len(),
        ) {
            let (name, change) = CHANGES[change];
            let zone = jiff::tz::TimeZone::get(name).unwrap();
            let ours: Vec<Window> =
                windows.iter().map(|(from, to, days)| Window::new(*from, *to, days, Zone::named(name).unwrap())).collect();
            // Goes backwards, to know for each minute until when it is quiet.
            let begin = at(change).minus(Duration::from_secs(86_400));
            let minutes = |n: u64| begin.plus(Duration::from_secs(60 * n));
            let mut outside = None;
            for n in (0..10 * 1_440_u64).rev() {
                let now = minutes(n);
                if !is_quiet(&windows, &zone, now) {
                    outside = Some(now);
                }
                if n < 2 * 1_440 {
                    let expected = if outside == Some(now) { None } else { outside };
                    match (quiet_until(&ours, now), expected) {
                        (Some(until), _) if until.since(now) > MAX_DEFERRAL => {
                            prop_assert!(expected.is_none_or(|expected| expected.since(now) > MAX_DEFERRAL), "{} {:?}", now, expected);
                        }
                        (until, _) => prop_assert_eq!(until, expected, "{}", now),
                    }
                }
            }
        }
    }
}
