//! The feed on the webhook port, with the code of a stack deployed with `Feed`: server-sent events that are held open,
//! and WebSockets. Viewers' tokens are signed with the token of this `dev` as the key.

use super::cloud::Cloud;
use crate::limits::MAX_VIEWERS;
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get};
use futures::stream;
use reader::feed::origin::Origins;
use reader::feed::reply::Answer;
use reader::feed::socket::Socket;
use reader::feed::token::Viewer;
use reader::feed::{FeedApi, sse};
use serde_json::Value;
use std::convert::Infallible;
use std::sync::Arc;
use tidings_config::limits::{FEED_HEARTBEAT, FEED_RETRY, MAX_FEED_APPEND_BYTES, MAX_SOCKET_MESSAGE_BYTES, SOCKET_PING};
use tidings_config::time::SystemClock;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::{Instant, sleep_until, timeout};

/// What the feed's routes share.
#[derive(Clone)]
struct Feeds {
    api: Arc<FeedApi>,
    /// Changes after every batch that was processed, and with every part that was appended.
    pulse: watch::Sender<()>,
    stop: watch::Receiver<bool>,
    viewers: Arc<Semaphore>,
}

/// `stop` turning true ends what is held open.
pub(crate) fn router(cloud: &Cloud, stop: watch::Receiver<bool>) -> Router {
    let (feeds, secret) = (Arc::new(cloud.feed_reader()), Arc::new(cloud.feed_secret()));
    let api = FeedApi::new(feeds, secret, Origins::Local, Arc::clone(&cloud.clock) as _)
        .verifying_by(Arc::new(SystemClock))
        .appending_to(Arc::new(cloud.contexts()))
        .telling_status_by(Arc::new(cloud.status_secret()), Arc::new(cloud.status_reader()));
    let (pulse, viewers) = (cloud.pulse.clone(), Arc::new(Semaphore::new(MAX_VIEWERS)));
    Router::new()
        .route("/feed/{*conversation}", any(answer))
        .route("/events/{token}", any(status))
        .route("/socket", get(upgrade))
        .with_state(Feeds { api: Arc::new(api), pulse, stop, viewers })
}

async fn answer(State(feeds): State<Feeds>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let Ok(body) = to_bytes(body, MAX_FEED_APPEND_BYTES).await else {
        return StatusCode::PAYLOAD_TOO_LARGE.into_response();
    };
    let request = reader::Request { body: String::from_utf8_lossy(&body).into_owned(), ..asked(&parts) };
    if parts.method != Method::GET {
        let answer = feeds.api.answer(&request).await;
        feeds.pulse.send_replace(());
        return response(answer);
    }
    let (viewer, after) = match feeds.api.open(&request).await {
        Ok(open) => open,
        Err(refused) => return response(feeds.api.written(refused, &request)),
    };
    let Ok(permit) = Arc::clone(&feeds.viewers).try_acquire_owned() else {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    };
    let head = feeds.api.written(reader::feed::reply::FeedReply::Stream(String::new()), &request);
    let held = Held { seen: feeds.pulse.subscribe(), feeds, viewer, after, said: sse::retry(FEED_RETRY), _permit: permit };
    let mut response = response(head);
    *response.body_mut() = Body::from_stream(stream::unfold(held, |mut held| async move {
        let text = held.next().await?;
        Some((Ok::<_, Infallible>(text), held))
    }));
    response
}

async fn status(State(feeds): State<Feeds>, request: Request) -> Response {
    let (parts, _) = request.into_parts();
    response(feeds.api.answer(&asked(&parts)).await)
}

/// Server-sent events that are held open.
struct Held {
    feeds: Feeds,
    seen: watch::Receiver<()>,
    viewer: Viewer,
    after: Option<u64>,
    /// What is sent first.
    said: String,
    _permit: OwnedSemaphorePermit,
}

impl Held {
    /// The next text. `None`: it ends, and the browser connects again, or learns that its token has expired.
    async fn next(&mut self) -> Option<String> {
        loop {
            if *self.feeds.stop.borrow() || !self.feeds.api.is_valid(&self.viewer) {
                return None;
            }
            self.seen.mark_unchanged();
            let batch = self.feeds.api.next(&self.viewer, self.after).await.ok()?;
            self.after = batch.cursor;
            let text = std::mem::take(&mut self.said) + &sse::events(&batch);
            if !text.is_empty() {
                return Some(text);
            }
            tokio::select! {
                changed = timeout(FEED_HEARTBEAT, self.seen.changed()) => if changed.is_err() {
                    return Some(sse::HEARTBEAT.to_owned());
                },
                () = stopped(self.feeds.stop.clone()) => return None,
            }
        }
    }
}

async fn upgrade(State(feeds): State<Feeds>, socket: WebSocketUpgrade, request: Request) -> Response {
    let (parts, _) = request.into_parts();
    let query = parts.uri.query().unwrap_or_default();
    let token = form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "token").map(|(_, token)| token.into_owned());
    let viewer = match feeds.api.viewer(token.as_deref()).await {
        Ok(viewer) => viewer,
        Err(refused) => return response(feeds.api.written(refused, &asked(&parts))),
    };
    let Ok(permit) = Arc::clone(&feeds.viewers).try_acquire_owned() else {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    };
    let socket = socket.max_message_size(MAX_SOCKET_MESSAGE_BYTES);
    socket.on_upgrade(move |open| async move {
        let _permit = permit;
        // An error means that the other side is gone.
        let _ = talk(feeds, Socket::new(viewer), open).await;
    })
}

/// Answers a client, and sends updates as they come, until one side ends it.
async fn talk(feeds: Feeds, mut socket: Socket, mut open: WebSocket) -> Result<(), axum::Error> {
    let mut seen = feeds.pulse.subscribe();
    // Between two pings something must come from the other side.
    let (mut ping, mut lives) = (Instant::now() + SOCKET_PING, true);
    loop {
        seen.mark_unchanged();
        let Ok((updates, more)) = socket.updates(&feeds.api).await else { return open.send(Message::Close(None)).await };
        send(&mut open, updates).await?;
        if more {
            continue;
        }
        tokio::select! {
            heard = open.recv() => match heard {
                None => return Ok(()),
                Some(message) => {
                    lives = true;
                    match message? {
                        Message::Text(text) => {
                            let answers = socket.hear(&feeds.api, &text).await;
                            send(&mut open, answers).await?;
                        }
                        Message::Close(_) => return Ok(()),
                        Message::Binary(_) | Message::Ping(_) | Message::Pong(_) => {}
                    }
                }
            },
            _ = seen.changed() => {}
            () = sleep_until(ping) => {
                if !lives {
                    return Ok(());
                }
                (ping, lives) = (Instant::now() + SOCKET_PING, false);
                open.send(Message::Ping(Vec::new().into())).await?;
            }
            () = stopped(feeds.stop.clone()) => return open.send(Message::Close(None)).await,
        }
    }
}

async fn stopped(mut stop: watch::Receiver<bool>) {
    drop(stop.wait_for(|stop| *stop).await);
}

async fn send(open: &mut WebSocket, messages: Vec<Value>) -> Result<(), axum::Error> {
    for message in messages {
        open.send(Message::Text(message.to_string().into())).await?;
    }
    Ok(())
}

fn asked(parts: &Parts) -> reader::Request {
    let header = |name: HeaderName| text(&parts.headers, &name);
    reader::Request {
        method: parts.method.as_str().to_owned(),
        path: parts.uri.path().to_owned(),
        query: parts.uri.query().unwrap_or_default().to_owned(),
        authorization: header(header::AUTHORIZATION),
        origin: header(header::ORIGIN),
        last_event_id: header(HeaderName::from_static("last-event-id")),
        ..reader::Request::default()
    }
}

fn text(headers: &HeaderMap, name: &HeaderName) -> Option<String> {
    headers.get(name)?.to_str().ok().map(str::to_owned)
}

fn response(answer: Answer) -> Response {
    let Answer { status, headers, body } = answer;
    let mut response = (StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR), body).into_response();
    for (name, value) in headers {
        if let Ok(value) = HeaderValue::from_str(&value) {
            response.headers_mut().insert(HeaderName::from_static(name), value);
        }
    }
    response
}
