//! Everything that `dev` serves besides the webhooks requires its token and a program on this machine.

use crate::support::{Dev, json, out, run};
use http::Method;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;

/// Sends a raw request and returns the response's status. An ordinary client wouldn't allow `Host` to be set.
pub(crate) fn raw(url: &str, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(url.trim_start_matches("http://")).expect("a connection");
    let mut request = format!("{method} {path} HTTP/1.1\r\nconnection: close\r\ncontent-length: {}\r\n", body.len());
    for (name, value) in headers {
        request += &format!("{name}: {value}\r\n");
    }
    stream.write_all(format!("{request}\r\n{body}").as_bytes()).expect("it is sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("text");
    let status = answer.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or_else(|| panic!("no answer: {answer}"));
    (status, answer)
}

const LINK: &str = r#"{"specversion":"1.0","tidingsversion":1,"id":"forged-1","source":"/tidings","type":"tidings.link","time":"2026-11-20T10:00:00.000Z","data":{"identity":"order:1042","conversation":"whatsapp:666"}}"#;

#[test]
fn its_own_paths_refuse_web_pages_other_hosts_and_callers_without_the_token() {
    let dev = Dev::start(&[]);
    let here = dev.webhooks.trim_start_matches("http://").to_owned();
    let port = here.rsplit(':').next().unwrap();
    let bearer = format!("Bearer {}", dev.token);
    let (host, key) = (("host", here.as_str()), ("authorization", bearer.as_str()));
    let rebound = format!("evil.example:{port}");
    let refused: [(&[(&str, &str)], u16); 9] = [
        (&[("host", &rebound), key], 403),
        (&[("host", "evil.example")], 403),
        (&[("host", ""), key], 403),
        (&[host, key, ("origin", "https://evil.example")], 403),
        (&[host, key, ("origin", "null")], 403),
        (&[host, key, ("sec-fetch-site", "cross-site")], 403),
        (&[host], 401),
        (&[host, ("authorization", "Bearer 00")], 401),
        (&[host, ("authorization", &dev.token)], 401),
    ];
    for path in ["/_dev/links", "/_dev/links/", "/_dev/links?a=b", "/_dev", "/_dev/anything", "/_dev/assets", "/_dev/api"] {
        for method in [Method::POST, Method::GET, Method::PUT, Method::DELETE, Method::OPTIONS, Method::PATCH, Method::HEAD] {
            for (headers, status) in &refused {
                let (seen, answer) = raw(&dev.webhooks, method.as_str(), path, headers, LINK);
                assert_eq!(seen, *status, "{method} {path} {headers:?}");
                assert!(!answer.contains("access-control"), "{answer}");
            }
        }
    }
    for path in ["//_dev/links", "/./_dev/links", "/_dev%2Fevents", "/%5Fdev/events", "/webhooks/../_dev/links", "/_DEV/events"] {
        let (seen, _) = raw(&dev.webhooks, "POST", path, &[host], LINK);
        assert!((400..500).contains(&seen), "{path}: {seen}");
    }
    assert_eq!(
        raw(&dev.webhooks, "POST", &format!("http://{rebound}/_dev/links"), &[host, key], LINK).0,
        403,
        "an absolute form"
    );

    let nothing = dev.ask(&["events", "list", "--json"]);
    assert!(!out(&nothing).contains("forged-1"), "{}", out(&nothing));
    assert_eq!(raw(&dev.webhooks, "POST", "/_dev/links", &[host, key], LINK).0, 202, "a request with the token is accepted");
    dev.claim("@link#forged-1", "processed");
}

#[test]
fn the_tables_refuse_web_pages_other_hosts_and_callers_without_the_token() {
    let dev = Dev::start(&[]);
    let here = dev.dynamodb().trim_start_matches("http://").to_owned();
    let signed = |key: &str| {
        format!("AWS4-HMAC-SHA256 Credential={key}/20261120/eu-central-1/dynamodb/aws4_request, SignedHeaders=host, Signature=0")
    };
    let (right, wrong) = (signed(&dev.token), signed("embedded"));
    let put = r#"{"TableName":"tidings-claims","Item":{"pk":{"S":"stripe#forged"},"state":{"S":"processed"}}}"#;
    let call = |headers: &[(&str, &str)]| {
        let all = [
            &[
                ("x-amz-target", "DynamoDB_20120810.PutItem"),
                ("content-type", "application/x-amz-json-1.0"),
                ("x-amz-date", "20261120T000000Z"),
            ],
            headers,
        ]
        .concat();
        raw(dev.dynamodb(), "POST", "/", &all, put)
    };
    let (host, key) = (("host", here.as_str()), ("authorization", right.as_str()));
    for (headers, status) in [
        (&[host][..], 401),
        (&[host, ("authorization", &wrong)], 401),
        (&[host, key, ("origin", "https://evil.example")], 403),
        (&[host, key, ("sec-fetch-mode", "no-cors")], 403),
        (&[("host", "evil.example:8788"), key], 403),
    ] {
        let (seen, answer) = call(headers);
        assert_eq!(seen, status, "{headers:?}");
        assert!(!answer.contains("access-control"), "{answer}");
    }
    let preflight = [host, ("origin", "https://evil.example"), ("access-control-request-method", "POST")];
    let (seen, answer) = raw(dev.dynamodb(), "OPTIONS", "/", &preflight, "");
    assert!(seen == 403 && !answer.contains("access-control"), "{answer}");
    assert!(!dev.ask(&["events", "show", "stripe#forged"]).status.success(), "nothing was written");
    assert_eq!(call(&[host, key]).0, 200);
}

#[test]
fn webhooks_need_no_token_and_may_come_by_any_name() {
    let dev = Dev::start(&[]);
    let request = json(&dev.send(&["stripe", "--same", "--dry-run", "--json"]));
    let body =
        base64::Engine::decode(&base64::engine::general_purpose::STANDARD, request["body_base64"].as_str().unwrap()).unwrap();
    let headers = request["headers"].as_object().unwrap();
    let mut all: Vec<(&str, &str)> = headers.iter().map(|(name, value)| (name.as_str(), value.as_str().unwrap())).collect();
    all.extend([("host", "my-tunnel.example"), ("origin", "https://provider.example"), ("sec-fetch-mode", "cors")]);
    let path = request["path"].as_str().unwrap();
    assert_eq!(raw(&dev.webhooks, "POST", path, &all, std::str::from_utf8(&body).unwrap()).0, 202);
    dev.claim("stripe#evt_1TidingsCheckout1042", "processed");
}

#[test]
fn the_token_file_is_private_and_is_deleted_with_its_dev() {
    let home = std::env::temp_dir().join(format!("tidings-home-{}", std::process::id()));
    let dev = Dev::start_with(&[], |command| {
        command.env("XDG_RUNTIME_DIR", &home);
    });
    let port = dev.webhooks.rsplit(':').next().unwrap().to_owned();
    let file = home.join(format!("tidings/dev-{port}.token"));
    assert_eq!(std::fs::read_to_string(&file).unwrap(), dev.token);
    use std::os::unix::fs::PermissionsExt as _;
    let mode = |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&file), mode(file.parent().unwrap())), (0o600, 0o700));
    // A user with another home folder counts as another user.
    let stranger = run(&["link", "order:1", "whatsapp:1", "--url", &dev.webhooks]);
    assert_eq!(stranger.status.code(), Some(1));
    dev.stop();
    assert!(!file.exists());
    std::fs::remove_dir_all(home).unwrap();
}
