//! HTTP/1.1 on a port of this machine, with TLS or without: one request after the other on a connection, as Lambda and AWS do it.

use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

pub type Answer = Response<Full<Bytes>>;

/// What answers requests.
pub trait Service: Send + Sync + 'static {
    fn answer(&self, request: Request<Bytes>) -> impl Future<Output = Answer> + Send;
}

/// A port that is closed when this is dropped.
#[derive(Debug)]
pub struct Port {
    pub address: SocketAddr,
    accepting: JoinHandle<()>,
}

impl Drop for Port {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

pub async fn serve<S: Service>(service: Arc<S>, tls: Option<TlsAcceptor>) -> io::Result<Port> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    let address = listener.local_addr()?;
    let accepting = tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            // A peer that is gone already.
            if stream.set_nodelay(true).is_err() {
                continue;
            }
            let (service, tls) = (Arc::clone(&service), tls.clone());
            tokio::spawn(async move {
                match tls {
                    None => connection(stream, service).await,
                    Some(tls) => {
                        if let Ok(stream) = tls.accept(stream).await {
                            connection(stream, service).await;
                        }
                    }
                }
            });
        }
    });
    Ok(Port { address, accepting })
}

/// Until the other side ends it. How it ends is its affair: a program that is stopped just goes.
async fn connection<S: Service>(stream: impl AsyncRead + AsyncWrite + Unpin, service: Arc<S>) {
    let answer = service_fn(|request: Request<Incoming>| {
        let service = Arc::clone(&service);
        async move {
            let (parts, body) = request.into_parts();
            let body = body.collect().await.map(|whole| whole.to_bytes()).unwrap_or_default();
            Ok::<_, Infallible>(service.answer(Request::from_parts(parts, body)).await)
        }
    });
    drop(http1::Builder::new().serve_connection(TokioIo::new(stream), answer).await);
}
