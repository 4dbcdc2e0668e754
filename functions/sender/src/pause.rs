//! How long a message that can't be said yet is hidden.

use std::time::Duration;
use tidings_config::limits::{FIRST_SEND_PAUSE, MAX_SEND_PAUSE};

/// Twice as long with each receive, up to [`MAX_SEND_PAUSE`], and a random part less, up to a quarter; at least as long as
/// the provider asks for. In whole seconds.
pub(crate) fn pause(receive_count: u32, asked: Option<Duration>) -> Duration {
    let doubled = FIRST_SEND_PAUSE.saturating_mul(1_u32.checked_shl(receive_count.saturating_sub(1)).unwrap_or(u32::MAX));
    let own = doubled.min(MAX_SEND_PAUSE).mul_f64(1.0 - fastrand::f64() / 4.0);
    let pause = own.max(asked.unwrap_or_default());
    Duration::from_secs(pause.as_millis().div_ceil(1_000).try_into().unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pause_doubles_up_to_its_limit_and_is_never_shorter_than_asked() {
        for (receives, longest) in [(1, 2), (2, 4), (5, 32), (30, 900), (u32::MAX, 900)] {
            let pause = pause(receives, None).as_secs();
            assert!(pause <= longest && pause >= longest * 3 / 4, "{receives}: {pause}");
        }
        assert_eq!(pause(1, Some(Duration::from_secs(60))).as_secs(), 60);
        assert!(pause(30, Some(Duration::from_secs(1))).as_secs() >= 675);
        assert_eq!(pause(1, Some(Duration::from_millis(2_100))).as_secs(), 3);
    }
}
