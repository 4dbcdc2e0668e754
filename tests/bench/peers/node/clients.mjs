// The clients of both functions: made once, when the process starts. Retries and times as the Rust functions have them.
// The SDK keeps connections open by default.
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { SQSClient } from '@aws-sdk/client-sqs';

export const configuration = { maxAttempts: 3, requestHandler: { connectionTimeout: 1000, requestTimeout: 1000 } };
export const dynamodb = new DynamoDBClient(configuration);
export const sqs = new SQSClient(configuration);
