//! A deployed stack simulated around a `tidings dev`: responses of CloudFormation, Secrets Manager, Service Quotas and
//! SQS for operators' commands, denied calls to CloudWatch, and the `dev`'s own DynamoDB. Only what the tests need.

use crate::support::{Dev, command, json};
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::IntoResponse;
use serde_json::{Value, json as object};
use std::process::Output;
use std::sync::{Arc, Mutex};

/// When another writer writes the secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Interfering {
    Nobody,
    /// Between the first read and the second.
    BeforeTheLook,
    /// Between the write and the move of the label.
    BeforeItCounts,
}

pub(crate) struct Stack {
    pub(crate) endpoint: String,
    state: Arc<Mutex<Account>>,
    _runtime: tokio::runtime::Runtime,
}

struct Account {
    webhooks: String,
    dynamodb: String,
    token: String,
    /// The secret's versions, in the order of writing.
    versions: Vec<String>,
    /// The index of the current version.
    current: usize,
    interfering: Interfering,
    looks: usize,
    /// The quota of concurrent executions.
    functions: f64,
    /// The message in the dead-letter queue. A receive hides it.
    dead: Option<String>,
    /// Sent messages, each with its queue.
    sent: Vec<(String, Value)>,
}

pub(crate) const THEIRS: &str = r#"{"orders":"theirs"}"#;

impl Stack {
    pub(crate) fn around(dev: &Dev, secret: &str) -> Self {
        let (webhooks, dynamodb, token) = (dev.webhooks.clone(), dev.dynamodb().to_owned(), dev.token.clone());
        let versions = vec![secret.to_owned()];
        let state = Account {
            webhooks,
            dynamodb,
            token,
            versions,
            current: 0,
            interfering: Interfering::Nobody,
            looks: 0,
            functions: 1_000.0,
            dead: None,
            sent: Vec::new(),
        };
        let state = Arc::new(Mutex::new(state));
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime");
        let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).expect("a port");
        let endpoint = format!("http://{}", listener.local_addr().expect("its address"));
        let app = Router::new().fallback(answer).with_state(Arc::clone(&state));
        runtime.spawn(async move { axum::serve(listener, app).await });
        Self { endpoint, state, _runtime: runtime }
    }

    /// The current document, and the number of versions written after the first.
    pub(crate) fn secret(&self) -> (Value, usize) {
        let state = self.state.lock().expect("no panic");
        (serde_json::from_str(&state.versions[state.current]).expect("JSON"), state.versions.len() - 1)
    }

    pub(crate) fn meddle(&self, interfering: Interfering) {
        let mut state = self.state.lock().expect("no panic");
        (state.interfering, state.looks) = (interfering, 0);
    }

    /// Sets the account's quota of concurrent executions.
    pub(crate) fn allow(&self, functions: f64) {
        self.state.lock().expect("no panic").functions = functions;
    }

    /// Puts a message into the dead-letter queue.
    pub(crate) fn dead_letter(&self, message: &str) {
        self.state.lock().expect("no panic").dead = Some(message.to_owned());
    }

    /// The messages sent since the last call, each with its queue.
    pub(crate) fn sent(&self) -> Vec<(String, Value)> {
        std::mem::take(&mut self.state.lock().expect("no panic").sent)
    }

    pub(crate) fn ask(&self, arguments: &[&str]) -> Output {
        command()
            .args(arguments)
            .args(["--stack", "shop", "--region", "eu-central-1", "--endpoint-url", &self.endpoint])
            .envs([("AWS_ACCESS_KEY_ID", "none"), ("AWS_SECRET_ACCESS_KEY", "none"), ("AWS_EC2_METADATA_DISABLED", "true")])
            .output()
            .expect("the binary")
    }

    pub(crate) fn ask_json(&self, arguments: &[&str]) -> Value {
        json(&self.ask(&[arguments, &["--json"]].concat()))
    }
}

/// AWS's response to a denied call, in the format of each protocol.
const DENIED_CBOR: &[u8] = b"\xa2\x66__type\x6cAccessDenied\x67message\x6bnot allowed";
const DENIED_XML: &str = "<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>not allowed</Message></Error>\
                          </ErrorResponse>";

/// The identity of the credentials.
const CALLER: &str = "<GetCallerIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><GetCallerIdentityResult>\
                      <Arn>arn:aws:sts::123456789012:assumed-role/ops/lena</Arn></GetCallerIdentityResult>\
                      </GetCallerIdentityResponse>";

async fn answer(State(state): State<Arc<Mutex<Account>>>, headers: HeaderMap, body: Bytes) -> axum::response::Response {
    if headers.contains_key("smithy-protocol") {
        let form = [("smithy-protocol", "rpc-v2-cbor"), ("content-type", "application/cbor")];
        return (StatusCode::FORBIDDEN, form, DENIED_CBOR).into_response();
    }
    if body.starts_with(b"Action=GetCallerIdentity") {
        return CALLER.into_response();
    }
    if body.starts_with(b"Action=DescribeStackResources") {
        return (StatusCode::FORBIDDEN, DENIED_XML).into_response();
    }
    let target = headers.get("x-amz-target").map(|target| target.to_str().expect("text").to_owned()).unwrap_or_default();
    if target.starts_with("DynamoDB_") {
        let (url, token) = {
            let state = state.lock().expect("no panic");
            (state.dynamodb.clone(), state.token.clone())
        };
        return tokio::task::spawn_blocking(move || forward(&url, &token, &headers, &body))
            .await
            .expect("an answer")
            .into_response();
    }
    let mut state = state.lock().expect("no panic");
    match target.as_str() {
        "" => state.described().into_response(),
        "AmazonSQS.GetQueueAttributes" => {
            object!({ "Attributes": { "ApproximateNumberOfMessages": "2" } }).to_string().into_response()
        }
        "ServiceQuotasV20190624.GetServiceQuota" => {
            let request: Value = serde_json::from_slice(&body).expect("JSON");
            match request["ServiceCode"].as_str() {
                Some("lambda") => object!({ "Quota": { "Value": state.functions } }).to_string().into_response(),
                // Service Quotas has no applied value unless one was requested.
                _ => (StatusCode::BAD_REQUEST, r#"{"__type":"NoSuchResourceException"}"#).into_response(),
            }
        }
        "ServiceQuotasV20190624.GetAWSDefaultServiceQuota" => {
            object!({ "Quota": { "Value": 10_000.0 } }).to_string().into_response()
        }
        "AmazonSQS.SendMessage" => {
            let request: Value = serde_json::from_slice(&body).expect("JSON");
            let queue = request["QueueUrl"].as_str().expect("an address").rsplit('/').next().expect("a name");
            let message = serde_json::from_str(request["MessageBody"].as_str().expect("a text")).expect("JSON");
            state.sent.push((queue.to_owned(), message));
            object!({ "MessageId": "m-1" }).to_string().into_response()
        }
        "AmazonSQS.ReceiveMessage" => {
            let message = |body: &String| object!({ "MessageId": "m-1", "ReceiptHandle": "r-1", "Body": body });
            object!({ "Messages": state.dead.take().iter().map(message).collect::<Vec<_>>() }).to_string().into_response()
        }
        "AmazonSQS.ChangeMessageVisibilityBatch" => {
            object!({ "Successful": [{ "Id": "0" }], "Failed": [] }).to_string().into_response()
        }
        "secretsmanager.GetSecretValue" => {
            state.looks += 1;
            if state.looks == 2 && state.interfering == Interfering::BeforeTheLook {
                state.theirs();
            }
            object!({ "Name": "tidings", "VersionId": format!("v{}", state.current), "SecretString": state.versions[state.current] })
                .to_string()
                .into_response()
        }
        "secretsmanager.PutSecretValue" => {
            let request: Value = serde_json::from_slice(&body).expect("JSON");
            assert_eq!(request["VersionStages"], object!(["TIDINGS_NEXT"]), "it doesn't count yet");
            state.versions.push(request["SecretString"].as_str().expect("text").to_owned());
            object!({ "Name": "tidings", "VersionId": format!("v{}", state.versions.len() - 1) }).to_string().into_response()
        }
        "secretsmanager.UpdateSecretVersionStage" => {
            let request: Value = serde_json::from_slice(&body).expect("JSON");
            let version = |name: &str| request[name].as_str().and_then(|v| v.strip_prefix('v')?.parse::<usize>().ok());
            let ours = version("MoveToVersionId").expect("a version");
            if state.interfering == Interfering::BeforeItCounts {
                state.theirs();
            }
            if version("RemoveFromVersionId") != Some(state.current) {
                return (StatusCode::BAD_REQUEST, r#"{"__type":"InvalidParameterException","Message":"not attached"}"#)
                    .into_response();
            }
            state.current = ours;
            object!({ "Name": "tidings" }).to_string().into_response()
        }
        other => panic!("nobody needs {other:?}"),
    }
}

fn forward(url: &str, token: &str, headers: &HeaderMap, body: &Bytes) -> (StatusCode, Vec<u8>) {
    let mut post = ureq::post(url).config().http_status_as_error(false).build();
    for name in ["x-amz-target", "content-type", "authorization", "x-amz-date"] {
        let value = headers.get(name).expect("a signed call").to_str().expect("text");
        post = post.header(name, value.replace("Credential=none/", &format!("Credential={token}/")));
    }
    let mut response = post.send(&body[..]).expect("an answer");
    (response.status(), response.body_mut().read_to_vec().expect("a body"))
}

impl Account {
    /// The other writer writes.
    fn theirs(&mut self) {
        self.versions.push(THEIRS.to_owned());
        self.current = self.versions.len() - 1;
    }

    fn described(&self) -> String {
        let outputs = [
            ("WebhookUrl", self.webhooks.as_str()),
            ("EventsQueueUrl", "https://sqs.example/events"),
            ("LinksQueueUrl", "https://sqs.example/links"),
            ("DeadLetterQueueUrl", "https://sqs.example/dead"),
            ("ActionsQueueUrl", "https://sqs.example/actions.fifo"),
            ("ClaimsTableName", "tidings-claims"),
            ("ContextTableName", "tidings-context"),
            ("TimersTableName", "tidings-timers"),
            ("SecretArn", "tidings"),
        ];
        let member = |(key, value): (&str, &str)| {
            format!("<member><OutputKey>{key}</OutputKey><OutputValue>{value}</OutputValue></member>")
        };
        let outputs: String = outputs.into_iter().map(member).collect();
        let parameter = |(key, value): (&str, &str)| {
            format!("<member><ParameterKey>{key}</ParameterKey><ParameterValue>{value}</ParameterValue></member>")
        };
        let topic = "arn:aws:sns:eu-central-1:123456789012:alarms";
        let parameters = [
            ("ProcessorMaxConcurrency", "20"),
            ("ThrottleRateLimit", "500"),
            ("AlarmTopicArn", topic),
            ("PagingTopicArn", topic),
        ];
        let parameters: String = parameters.map(parameter).concat();
        format!(
            "<DescribeStacksResponse xmlns=\"http://cloudformation.amazonaws.com/doc/2010-05-15/\"><DescribeStacksResult><Stacks>\
             <member><StackName>shop</StackName><CreationTime>2026-11-24T00:00:00Z</CreationTime>\
             <StackStatus>CREATE_COMPLETE</StackStatus><Outputs>{outputs}</Outputs>\
             <Parameters>{parameters}</Parameters></member></Stacks></DescribeStacksResult>\
             </DescribeStacksResponse>"
        )
    }
}
