//! `GET /context/{conversation}` on the webhook port, with the code of a stack deployed with `ContextApi`. Any caller
//! with the token of this `dev` may read it.

use super::access::admit;
use super::cloud::Cloud;
use crate::dev_client::token::Token;
use axum::Router;
use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use reader::ContextApi;
use reader::admit::Access;
use reader::reply::Reply;
use std::sync::Arc;
use tidings_config::time::SystemClock;

/// The caller's name in the log.
const CALLER: &str = "dev";

pub(crate) fn router(cloud: &Cloud) -> Router {
    let api = ContextApi::new(Arc::new(cloud.context_reader()), Access::FrontDoor, Arc::new(SystemClock));
    Router::new().route("/context/{*conversation}", any(answer)).with_state((Arc::new(api), cloud.token.clone()))
}

async fn answer(State((api, token)): State<(Arc<ContextApi>, Token)>, request: Request) -> Response {
    let (parts, _) = request.into_parts();
    if let Err(refused) = admit(&token, &parts) {
        return refused.into_response();
    }
    let request = reader::Request {
        method: parts.method.as_str().to_owned(),
        path: parts.uri.path().to_owned(),
        query: parts.uri.query().unwrap_or_default().to_owned(),
        authorization: None,
        identity: Some(CALLER.to_owned()),
        ..reader::Request::default()
    };
    response(&api.answer(&request).await)
}

fn response(reply: &Reply) -> Response {
    let mut response =
        (StatusCode::from_u16(reply.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR), reply.body()).into_response();
    for (name, value) in reply.headers() {
        if let Ok(value) = value.parse() {
            response.headers_mut().insert(header::HeaderName::from_static(name), value);
        }
    }
    response
}
