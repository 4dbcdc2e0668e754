//! Who may read contexts. Exactly one of two ways, which the deployment chooses; there is no third, and no default.

mod tokens;

pub use tokens::TokenBook;

use crate::Request;
use crate::reply::Reply;

/// How a caller is admitted.
#[derive(Debug)]
pub enum Access {
    /// The front door has checked who it is. A request without an identity is refused all the same: a route without its
    /// authorizer doesn't open the contexts.
    FrontDoor,
    /// By a bearer token.
    Tokens(TokenBook),
}

/// Somebody who may read.
pub(crate) struct Admitted {
    /// As the front door or the secret names them, for the log.
    pub(crate) caller: String,
}

impl Access {
    pub(crate) async fn warm_up(&self) {
        match self {
            Self::FrontDoor => {}
            Self::Tokens(book) => book.load().await,
        }
    }

    pub(crate) async fn admit(&self, request: &Request) -> Result<Admitted, Reply> {
        match self {
            Self::FrontDoor => request.identity.clone().map(|caller| Admitted { caller }).ok_or(Reply::Forbidden),
            Self::Tokens(book) => book.admit(request.authorization.as_deref()).await.map(|caller| Admitted { caller }),
        }
    }
}
