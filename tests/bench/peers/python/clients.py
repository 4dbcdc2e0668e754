"""The clients of both functions: made once, when the process starts. Retries and times as the Rust functions have them."""

import boto3
from botocore.config import Config

CONFIG = Config(
    connect_timeout=1, read_timeout=1, tcp_keepalive=True, max_pool_connections=10, retries={"mode": "standard", "max_attempts": 3}
)
dynamodb = boto3.client("dynamodb", config=CONFIG)
sqs = boto3.client("sqs", config=CONFIG)
