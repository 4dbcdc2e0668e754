//! The pages' own files, which are part of the program, and the headers of every answer.
//!
//! The policy allows a page to load scripts, styles and images of this server, to request data of it, and nothing else:
//! no inline script, no other host, no frame around it. `trusted-types 'none'` makes the browser refuse any text as
//! markup, wherever a script would try.

use super::answer::Problem;
use axum::extract::{Path, Request};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use include_dir::{Dir, include_dir};

static PAGE: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/src/inspector/page");

const HEADERS: [(HeaderName, HeaderValue); 7] = [
    (
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static(
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; \
             form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'",
        ),
    ),
    (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
    (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    (HeaderName::from_static("cross-origin-resource-policy"), HeaderValue::from_static("same-origin")),
    (HeaderName::from_static("cross-origin-opener-policy"), HeaderValue::from_static("same-origin")),
];

/// Adds the headers to every answer, also to errors.
pub(super) async fn guarded(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    response.headers_mut().extend(HEADERS);
    response
}

/// The one page. Its script shows what the address's fragment names.
pub(super) async fn page() -> Response {
    found("index.html")
}

pub(super) async fn file(Path(name): Path<String>) -> Response {
    if name == "index.html" { missing() } else { found(&name) }
}

fn found(name: &str) -> Response {
    match (PAGE.get_file(name), content_type(name)) {
        (Some(file), Some(content_type)) => ([(header::CONTENT_TYPE, content_type)], file.contents()).into_response(),
        (Some(_), None) | (None, _) => missing(),
    }
}

fn missing() -> Response {
    Problem::new(StatusCode::NOT_FOUND, "no such file").into_response()
}

fn content_type(name: &str) -> Option<&'static str> {
    match name.rsplit_once('.')?.1 {
        "html" => Some("text/html; charset=utf-8"),
        "css" => Some("text/css; charset=utf-8"),
        "js" => Some("text/javascript; charset=utf-8"),
        "svg" => Some("image/svg+xml"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_of_the_page_has_a_content_type_and_no_inline_script_or_style() {
        let mut names: Vec<&str> = PAGE.files().filter_map(|file| file.path().to_str()).collect();
        names.sort_unstable();
        assert!(names.contains(&"index.html") && names.len() > 5, "{names:?}");
        for name in names {
            let text = PAGE.get_file(name).and_then(|file| file.contents_utf8()).unwrap();
            assert!(content_type(name).is_some(), "{name}");
            // The policy would refuse them; here the reason is easier to find.
            for word in [
                "innerHTML",
                "outerHTML",
                "insertAdjacentHTML",
                "document.write",
                "eval(",
                "new Function",
                " style=\"",
                "onclick=",
            ] {
                assert!(!text.contains(word), "{name} has {word}");
            }
            for word in ["http://", "https://", "//cdn"] {
                let outside = text.lines().find(|line| line.contains(word) && !line.contains("www.w3.org"));
                assert!(outside.is_none(), "{name}: {outside:?}");
            }
        }
    }
}
