//! Logs a panic with its place and a text of ours. The standard hook prints the whole message, and a formatted
//! message may quote a payload (`byte index 3 is not a char boundary; it is inside … of …`).

use std::any::Any;
use std::panic::{PanicHookInfo, set_hook};

/// Installs the hook for the process. The span adds the invocation to the line.
pub(super) fn install_hook() {
    set_hook(Box::new(tell));
}

fn tell(info: &PanicHookInfo<'_>) {
    let at = info.location().map(ToString::to_string);
    tracing::error!(at, said = ours(info.payload()), "panicked");
}

/// The message, if it is a constant text of the program.
fn ours(payload: &(dyn Any + Send)) -> Option<&'static str> {
    payload.downcast_ref::<&'static str>().copied()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::panic::catch_unwind;

    #[test]
    fn a_panic_is_logged_without_formatted_values() {
        let secret = String::from("hünter2");
        let payload = |panics: &(dyn Fn() + std::panic::RefUnwindSafe)| catch_unwind(panics).unwrap_err();
        assert_eq!(ours(&*payload(&|| panic!("told to"))), Some("told to"));
        assert_eq!(ours(&*payload(&|| panic!("of {secret}"))), None);
        assert_eq!(ours(&*payload(&|| assert_eq!(secret, "x"))), None);
        assert_eq!(ours(&*payload(&|| drop(secret[..2].to_owned()))), None, "inside a character");
        assert_eq!(ours(&*payload(&|| assert!(secret.parse::<u8>().unwrap() > 0))), None);
    }
}
