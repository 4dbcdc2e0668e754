//! Hello world: the runtime, and an answer. It calls nothing, logs nothing and reads nothing of the request.

use lambda_http::{Error, Request, run, service_fn};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    run(service_fn(|_: Request| async { Ok::<_, Error>("hello world") })).await
}
