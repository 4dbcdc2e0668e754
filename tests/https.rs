//! The adapter that fetches keys, with a local server: what it accepts, and when it gives up. (The receiver checks that
//! an address begins with `https://`. Most of these tests use plain HTTP.)

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Redirect;
use axum::routing::get;
use futures::stream::{self, StreamExt};
use std::path::Path;
use std::time::{Duration, Instant};
use tidings_config::limits::{FETCH_TIMEOUT, MAX_FETCHED_BYTES};
use tidings_core::aws::{Http, Https, UnusableBundle};
use tidings_core::ports::{Get, HttpsGet, Redacted};
use tidings_tests::{conformance, private_authority};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use zeroize::Zeroizing;

async fn server() -> String {
    let never = || async {
        tokio::time::sleep(Duration::from_secs(60)).await;
        "late"
    };
    let trickle = || async {
        let first = stream::once(async { Ok::<_, std::io::Error>("{\"keys\":[") });
        Body::from_stream(first.chain(stream::pending()))
    };
    let app = Router::new()
        .route("/jwks", get(|| async { "{\"keys\":[]}" }))
        .route("/full", get(|| async { "x".repeat(MAX_FETCHED_BYTES) }))
        .route("/long", get(|| async { "x".repeat(MAX_FETCHED_BYTES + 1) }))
        .route("/moved", get(|| async { Redirect::temporary("/jwks") }))
        .route("/private", get(|headers: HeaderMap| async move { headers["x-key"].as_bytes().to_vec() }))
        .route("/broken", get(|| async { StatusCode::INTERNAL_SERVER_ERROR }))
        .route("/never", get(never))
        .route("/trickle", get(trickle));
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
    let address = listener.local_addr().expect("its address");
    tokio::spawn(async move { axum::serve(listener, app).await });
    format!("http://{address}")
}

#[tokio::test]
async fn only_existing_documents_are_fetched() {
    let (url, https) = (server().await, Https::default());
    conformance::https_get(&https, &format!("{url}/jwks"), b"{\"keys\":[]}", &format!("{url}/unknown")).await;
    assert_eq!(https.get(&Get::public(&format!("{url}/full"))).await.expect("as long as it may be").len(), MAX_FETCHED_BYTES);
    for (path, said) in [("long", "length limit"), ("moved", "answered 307"), ("broken", "answered 500")] {
        let refused = https.get(&Get::public(&format!("{url}/{path}"))).await.expect_err(path);
        assert!(refused.to_string().contains(said), "{path}: {refused}");
    }
    for nowhere in ["http://127.0.0.1:9/", "https://", "not an address"] {
        https.get(&Get::public(nowhere)).await.expect_err(nowhere);
    }
}

#[tokio::test]
async fn a_secret_is_sent_in_its_header_and_shown_nowhere() {
    let (url, https) = (format!("{}/private", server().await), Https::default());
    let redacted = |text: &str| Redacted(Zeroizing::new(text.to_owned()));
    let secret = redacted("hunter2");
    let get = Get { header: Some(("X-Key", &secret)), ..Get::public(&url) };
    assert_eq!(https.get(&get).await.expect("it is answered"), b"hunter2");
    assert!(!format!("{get:?}").contains("hunter2"));
    for bad in ["hunter2\r\nX-Other: 1", "hunter2\0"] {
        let secret = redacted(bad);
        let refused = https.get(&Get { header: Some(("X-Key", &secret)), ..get }).await.expect_err("no header holds it");
        assert_eq!(refused.to_string(), "the secret contains characters that a header can't contain");
    }
}

#[tokio::test]
async fn it_times_out_before_and_during_a_response() {
    let (url, https) = (server().await, Https::default());
    for path in ["never", "trickle"] {
        let started = Instant::now();
        let refused = https.get(&Get::public(&format!("{url}/{path}"))).await.expect_err(path);
        assert!(refused.to_string().contains("no answer within"), "{path}: {refused}");
        assert!(started.elapsed() >= FETCH_TIMEOUT, "{path}: it waited as long as it may");
    }
}

/// An HTTPS server whose certificate is of an authority that nobody knows: its address, and the authority in PEM.
async fn private_server() -> (String, String) {
    let (acceptor, authority) = private_authority::localhost();
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
    let port = listener.local_addr().expect("its address").port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let Ok(mut stream) = acceptor.accept(stream).await else { continue };
            assert!(stream.read(&mut [0; 4096]).await.expect("a request") > 0);
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").await.expect("an answer");
        }
    });
    (format!("https://localhost:{port}/"), authority)
}

fn trusting(bundle: &Path) -> Result<Http, UnusableBundle> {
    Http::of(&|name| (name == "AWS_CA_BUNDLE").then(|| bundle.to_str().expect("a path").to_owned()))
}

#[tokio::test]
async fn a_private_authority_is_trusted_if_the_bundle_has_it() {
    let (url, authority) = private_server().await;
    let unknown = Https::default().get(&Get::public(&url)).await.expect_err("an authority that nobody knows");
    assert!(unknown.to_string().contains("UnknownIssuer"), "{unknown}");

    let bundle = Path::new(env!("CARGO_TARGET_TMPDIR")).join("authority.pem");
    std::fs::write(&bundle, authority).expect("a file");
    let https = Https::new(trusting(&bundle).expect("a bundle"));
    assert_eq!(https.get(&Get::public(&url)).await.expect("an answer"), b"ok");
    assert!(Http::of(&|_| Some(" ".to_owned())).is_ok(), "an empty variable names no bundle");
}

#[test]
fn a_bundle_that_cannot_be_used_is_refused_at_start() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let of = |name: &str, content: &str| {
        let path = folder.join(name);
        std::fs::write(&path, content).expect("a file");
        trusting(&path).expect_err(name).to_string()
    };
    let missing = trusting(&folder.join("missing.pem")).expect_err("no file").to_string();
    assert!(missing.starts_with("AWS_CA_BUNDLE=") && missing.contains("missing.pem: No such file"), "{missing}");
    for (said, content) in [
        ("it has no certificate", "nothing\n"),
        ("not PEM", "-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n"),
        ("a certificate is no authority", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"),
    ] {
        let refused = of("bundle.pem", content);
        assert!(refused.contains(said) && refused.ends_with("allowed: a file of certificates in PEM"), "{refused}");
    }
}
