//! Addresses in requests, that something is fetched from.

use http::Uri;

/// Whether it is one that may be fetched: HTTPS on one of these hosts, on its own port, for nobody in particular. In a pattern
/// `*` stands for letters, digits and hyphens.
pub(crate) fn is_allowed(url: &str, hosts: &[String]) -> bool {
    let Ok(uri) = url.parse::<Uri>() else { return false };
    let host = uri.host().unwrap_or_default();
    let bare = uri.authority().is_some_and(|authority| authority.as_str() == host);
    uri.scheme_str() == Some("https") && bare && !uri.path().contains("..") && hosts.iter().any(|pattern| is_host(host, pattern))
}

fn is_host(host: &str, pattern: &str) -> bool {
    let label = |(seen, wanted): (&str, &str)| match wanted {
        "*" => !seen.is_empty() && seen.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-'),
        fixed => seen.eq_ignore_ascii_case(fixed),
    };
    host.split('.').count() == pattern.split('.').count() && host.split('.').zip(pattern.split('.')).all(label)
}

#[cfg(test)]
mod tests {
    use super::is_allowed;

    #[test]
    fn only_the_provider_s_own_hosts() {
        let hosts = ["sns.*.amazonaws.com".to_owned(), "api.paypal.com".to_owned()];
        for good in [
            "https://sns.us-east-1.amazonaws.com/SimpleNotificationService-0.pem",
            "https://SNS.eu-central-1.amazonaws.com/?Action=ConfirmSubscription&Token=1",
            "https://api.paypal.com/v1/notifications/certs/CERT-1",
        ] {
            assert!(is_allowed(good, &hosts), "{good}");
        }
        for bad in [
            "http://sns.us-east-1.amazonaws.com/a.pem",
            "https://sns.us-east-1.amazonaws.com.evil.example/a.pem",
            "https://sns.us-east-1.amazonaws.com:444/a.pem",
            "https://sns.us-east-1.amazonaws.com@evil.example/a.pem",
            "https://evil@sns.us-east-1.amazonaws.com/a.pem",
            "https://sns.a.b.amazonaws.com/a.pem",
            "https://sns..amazonaws.com/a.pem",
            "https://sns.us_east.amazonaws.com/a.pem",
            "https://api.paypal.com/../a.pem",
            "https://127.0.0.1/a.pem",
            "//api.paypal.com/a.pem",
            "api.paypal.com",
            "",
        ] {
            assert!(!is_allowed(bad, &hosts), "{bad}");
        }
    }
}
