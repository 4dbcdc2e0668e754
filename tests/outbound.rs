//! Requests to servers that users name, with local servers: what is answered, and what an error says about the request.

use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Redirect;
use axum::routing::{get, post};
use futures::stream::{self, StreamExt};
use std::time::{Duration, Instant};
use tidings_core::aws::{Http, Outbound};
use tidings_core::ports::{Call, CallError, HttpsCall, Redacted};
use tidings_tests::private_authority;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use zeroize::Zeroizing;

fn call(url: &str, headers: &[(&str, &str)], body: &[u8]) -> Call {
    let redacted = |value: &str| Redacted(Zeroizing::new(value.to_owned()));
    Call {
        method: "POST",
        url: url.to_owned(),
        headers: headers.iter().map(|(name, value)| ((*name).to_owned(), redacted(value))).collect(),
        body: body.to_vec(),
        within: Duration::from_millis(500),
        at_most: 100,
    }
}

fn outbound() -> Outbound {
    Outbound::with_loopback(&Http::default())
}

async fn server() -> String {
    let echo = |headers: HeaderMap, body: Bytes| async move {
        let header = |name: &str| headers.get(name).map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default();
        format!("{} {} {}", header("x-team"), header("content-length"), String::from_utf8_lossy(&body))
    };
    let trickle = || async {
        let first = stream::once(async { Ok::<_, std::io::Error>("first") });
        Body::from_stream(first.chain(stream::pending()))
    };
    let app = Router::new()
        .route("/echo", post(echo))
        .route("/long", post(|| async { "x".repeat(1_000_000) }))
        .route("/moved", post(|| async { Redirect::temporary("/echo") }))
        .route("/broken", post(|| async { (StatusCode::INTERNAL_SERVER_ERROR, [("retry-after", "120")], "down") }))
        .route("/never", post(std::future::pending::<()>))
        .route("/trickle", post(trickle))
        .route("/get", get(|| async { "got" }));
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
    let address = listener.local_addr().expect("its address");
    tokio::spawn(async move { axum::serve(listener, app).await });
    format!("http://{address}")
}

/// A server of TCP, for each connection of which this is done.
async fn raw<F: Future<Output = ()> + Send>(serve: impl Fn(TcpStream) -> F + Send + 'static) -> String {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
    let address = listener.local_addr().expect("its address");
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            serve(stream).await;
        }
    });
    format!("http://{address}/")
}

#[tokio::test]
async fn an_answer_of_any_status_is_an_answer_and_no_redirect_is_followed() {
    let (url, outbound) = (server().await, outbound());
    let answered = outbound.call(&call(&format!("{url}/echo"), &[("X-Team", "crm")], b"{}")).await.expect("an answer");
    assert_eq!((answered.status, String::from_utf8_lossy(&answered.body).as_ref()), (200, "crm 2 {}"));
    let moved = outbound.call(&call(&format!("{url}/moved"), &[], b"{}")).await.expect("an answer");
    assert_eq!((moved.status, moved.body.as_slice()), (307, b"".as_slice()));
    let broken = outbound.call(&call(&format!("{url}/broken"), &[], b"")).await.expect("an answer");
    assert_eq!((broken.status, broken.body.as_slice()), (500, b"down".as_slice()));
    assert!(broken.headers.contains(&("retry-after".to_owned(), "120".to_owned())));
    let got = outbound.call(&Call { method: "GET", ..call(&format!("{url}/get"), &[], b"") }).await.expect("an answer");
    assert_eq!(got.body, b"got");
}

#[tokio::test]
async fn a_body_is_read_as_far_as_it_may_be_and_comes_in_time() {
    let (url, outbound) = (server().await, outbound());
    let long = outbound.call(&call(&format!("{url}/long"), &[], b"")).await.expect("an answer");
    assert_eq!((long.status, long.body.len()), (200, 100));
    let none = outbound.call(&Call { at_most: 0, ..call(&format!("{url}/long"), &[], b"") }).await.expect("an answer");
    assert_eq!((none.status, none.body.len()), (200, 0));
    let started = Instant::now();
    let cut = outbound.call(&call(&format!("{url}/trickle"), &[], b"")).await.expect("its status is known");
    assert_eq!((cut.status, cut.body.as_slice()), (200, b"first".as_slice()));
    assert!(started.elapsed() < Duration::from_secs(5));
}

#[tokio::test]
async fn a_request_that_was_not_written_is_told_from_one_without_an_answer() {
    let outbound = outbound();
    let closed = {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
        format!("http://{}/", listener.local_addr().expect("its address"))
    };
    let tls_to_plain = raw(|mut stream| async move {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await;
    })
    .await
    .replace("http://127.0.0.1", "https://localhost");
    let silent = raw(|stream| async move {
        tokio::time::sleep(Duration::from_secs(30)).await;
        drop(stream);
    })
    .await;
    for url in [closed.clone(), tls_to_plain, silent.replace("http://127.0.0.1", "https://localhost")] {
        let refused = outbound.call(&call(&url, &[], b"{}")).await.expect_err(&url);
        assert!(matches!(refused, CallError::NotSent(_)), "{url}: {refused}");
    }

    let closes = raw(|mut stream| async move {
        let _ = stream.read(&mut [0; 1024]).await;
    })
    .await;
    let cuts = raw(|mut stream| async move {
        let _ = stream.read(&mut [0; 16]).await;
    })
    .await;
    let breaks_head = raw(|mut stream| async move {
        let _ = stream.read(&mut [0; 1024]).await;
        let _ = stream.write_all(b"HTTP/1.1 20").await;
    })
    .await;
    let talks_nonsense = raw(|mut stream| async move {
        let _ = stream.read(&mut [0; 1024]).await;
        let _ = stream.write_all(b"220 smtp.example.com ESMTP\r\n").await;
    })
    .await;
    for url in [closes, cuts, breaks_head, talks_nonsense, silent, format!("{}/never", server().await)] {
        let body = vec![b'x'; 3_000_000];
        let lost = outbound.call(&call(&url, &[], &body)).await.expect_err(&url);
        assert!(matches!(lost, CallError::NoAnswer(_)), "{url}: {lost}");
    }
}

#[tokio::test]
async fn a_large_head_is_no_answer() {
    let endless = raw(|mut stream| async move {
        let _ = stream.read(&mut [0; 1024]).await;
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n").await;
        for n in 0..100_000 {
            if stream.write_all(format!("x-{n}: {}\r\n", "y".repeat(100)).as_bytes()).await.is_err() {
                break;
            }
        }
    })
    .await;
    let lost = outbound().call(&call(&endless, &[], b"{}")).await.expect_err("it never ends");
    assert!(matches!(lost, CallError::NoAnswer(_)), "{lost}");
}

#[tokio::test]
async fn a_deployed_client_reaches_no_private_address() {
    let url = server().await;
    let deployed = Outbound::new(&Http::default());
    for url in [
        format!("{url}/echo"),
        url.replace("http://", "https://"),
        "https://localhost/".to_owned(),
        "https://169.254.169.254/latest/meta-data".to_owned(),
        "https://[::1]/".to_owned(),
        "https://user@example.com/".to_owned(),
        "https://example.com:22/".to_owned(),
    ] {
        let refused = deployed.call(&call(&url, &[], b"{}")).await.expect_err(&url);
        assert!(matches!(refused, CallError::Forbidden(_)), "{url}: {refused}");
    }
}

#[tokio::test]
async fn a_header_that_belongs_to_the_connection_is_not_sent_and_no_value_is_shown() {
    let (url, outbound) = (format!("{}/echo", server().await), outbound());
    for (name, value) in [
        ("Host", "hunter2"),
        ("content-length", "hunter2"),
        ("Transfer-Encoding", "hunter2"),
        ("Connection", "hunter2"),
        ("a b", "hunter2"),
        ("X-Team", "hunter2\r\nX-Other: 1"),
        ("X-Team", "hunter2\0"),
    ] {
        let call = call(&url, &[(name, value)], b"{}");
        let refused = outbound.call(&call).await.expect_err(name);
        assert!(matches!(refused, CallError::NotSent(_)) && !refused.to_string().contains("hunter2"), "{refused}");
        assert!(!format!("{call:?}").contains("hunter2"));
    }
}

#[tokio::test]
async fn a_server_is_trusted_by_its_certificate_for_its_own_name() {
    let (acceptor, authority) = private_authority::localhost();
    let url = raw(move |stream| {
        let acceptor = acceptor.clone();
        async move {
            let Ok(mut stream) = acceptor.accept(stream).await else { return };
            let _ = stream.read(&mut [0; 4096]).await;
            let _ = stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await;
        }
    })
    .await;
    let bundle = std::env::temp_dir().join(format!("tidings-outbound-{}.pem", std::process::id()));
    std::fs::write(&bundle, authority).expect("a file");
    let trusting = Http::of(&|name| (name == "AWS_CA_BUNDLE").then(|| bundle.to_str().expect("a path").to_owned()));
    let trusting = Outbound::with_loopback(&trusting.expect("a bundle"));
    std::fs::remove_file(&bundle).expect("it was written");
    let by_name = url.replace("http://127.0.0.1", "https://localhost");
    assert_eq!(trusting.call(&call(&by_name, &[], b"{}")).await.expect("an answer").status, 204);
    let by_address = url.replace("http://", "https://");
    for (outbound, url) in [(&trusting, &by_address), (&outbound(), &by_name)] {
        let refused = outbound.call(&call(url, &[], b"{}")).await.expect_err(url);
        assert!(matches!(&refused, CallError::NotSent(why) if why.contains("certificate")), "{url}: {refused}");
    }
}
