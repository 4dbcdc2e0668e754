//! Decides who may read contexts. The deployment chooses exactly one of two ways; there is no default.

pub use tidings_core::bearer::TokenBook;

use crate::Request;
use crate::reply::Reply;
use tidings_core::bearer::NotAdmitted;

/// How a caller is admitted.
#[derive(Debug)]
pub enum Access {
    /// The front door has authenticated the caller. A request without an identity is refused: a route without its
    /// authorizer must not expose contexts.
    FrontDoor,
    /// By a bearer token.
    Tokens(TokenBook),
}

/// A caller that may read.
pub(crate) struct Admitted {
    /// The name from the front door or the secret, for the log.
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
            Self::Tokens(book) => match book.admit(request.authorization.as_deref()).await {
                Ok(caller) => Ok(Admitted { caller }),
                Err(NotAdmitted::Unauthorized) => Err(Reply::Unauthorized),
                Err(NotAdmitted::Unavailable) => Err(Reply::Unavailable),
            },
        }
    }
}
