// What `receiver` does, for Stripe and WhatsApp, written by hand: verify, claim, enqueue, mark, answer.
import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import { Logger } from '@aws-lambda-powertools/logger';
import { Metrics, MetricUnit } from '@aws-lambda-powertools/metrics';
import { ConditionalCheckFailedException, PutItemCommand, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { SendMessageBatchCommand, SendMessageCommand } from '@aws-sdk/client-sqs';
import { configuration, dynamodb, sqs } from './clients.mjs';

const { CLAIMS_TABLE, EVENTS_QUEUE_URL, SECRET_ARN } = process.env;
const TOLERANCE_S = 300;
const CLAIM_LIFETIME_S = 30 * 24 * 3600;
const SECRET_LIFETIME_MS = 300_000;

const logger = new Logger({ serviceName: 'receiver' });
const metrics = new Metrics({ serviceName: 'receiver' });
const secretsManager = new SecretsManagerClient(configuration);

let secrets = { document: {}, until: 0 };
async function secretOf(source) {
  if (Date.now() > secrets.until) {
    const { SecretString } = await secretsManager.send(new GetSecretValueCommand({ SecretId: SECRET_ARN }));
    secrets = { document: JSON.parse(SecretString), until: Date.now() + SECRET_LIFETIME_MS };
  }
  return secrets.document[source];
}

class Unauthentic extends Error {}

function equal(expected, seen) {
  const [a, b] = [Buffer.from(expected), Buffer.from(seen)];
  return a.length === b.length && timingSafeEqual(a, b);
}

const verify = {
  // `Stripe-Signature: t=TIME,v1=HMAC[,v1=HMAC]` over `TIME.BODY`.
  async stripe(headers, body) {
    const fields = (headers['stripe-signature'] ?? '').split(',').map((field) => field.split('='));
    const signedAt = fields.find(([name]) => name === 't')?.[1] ?? '';
    if (!/^\d+$/.test(signedAt) || Math.abs(Date.now() / 1000 - Number(signedAt)) > TOLERANCE_S) {
      throw new Unauthentic('timestamp');
    }
    const hmac = createHmac('sha256', await secretOf('stripe')).update(`${signedAt}.`).update(body);
    const expected = hmac.digest('hex');
    if (!fields.some(([name, value]) => name === 'v1' && equal(expected, value ?? ''))) throw new Unauthentic('signature');
    const event = JSON.parse(body);
    return [{ id: event.id, type: event.type, data: event }];
  },
  // `X-Hub-Signature-256: sha256=HMAC` over the body, which has several messages.
  async whatsapp(headers, body) {
    const expected = createHmac('sha256', await secretOf('whatsapp')).update(body).digest('hex');
    if (!equal(`sha256=${expected}`, headers['x-hub-signature-256'] ?? '')) throw new Unauthentic('signature');
    const changes = JSON.parse(body).entry.flatMap((entry) => entry.changes.map((change) => change.value));
    return changes.flatMap(({ messages = [] }) =>
      messages.map((message) => ({ id: message.id, type: `message.${message.type}`, data: message })),
    );
  },
};

// The state that the claim had, or undefined if it is new.
async function claim(key, source, type, digest, now) {
  try {
    await dynamodb.send(
      new PutItemCommand({
        TableName: CLAIMS_TABLE,
        Item: {
          pk: { S: key },
          state: { S: 'received' },
          source: { S: source },
          event_type: { S: type },
          body_sha256: { S: digest },
          received_at: { N: String(now) },
          expires_at: { N: String(Math.floor(now / 1000) + CLAIM_LIFETIME_S) },
        },
        ConditionExpression: 'attribute_not_exists(pk)',
        ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
      }),
    );
  } catch (error) {
    if (!(error instanceof ConditionalCheckFailedException)) throw error;
    return error.Item.state.S;
  }
}

async function enqueue(messages) {
  if (messages.length === 1) {
    await sqs.send(new SendMessageCommand({ QueueUrl: EVENTS_QUEUE_URL, MessageBody: messages[0] }));
    return;
  }
  for (let start = 0; start < messages.length; start += 10) {
    const Entries = messages.slice(start, start + 10).map((body, n) => ({ Id: String(n), MessageBody: body }));
    const { Failed = [] } = await sqs.send(new SendMessageBatchCommand({ QueueUrl: EVENTS_QUEUE_URL, Entries }));
    if (Failed.length > 0) throw new Error(`not enqueued: ${Failed[0].Code}`);
  }
}

async function markEnqueued(key) {
  try {
    await dynamodb.send(
      new UpdateItemCommand({
        TableName: CLAIMS_TABLE,
        Key: { pk: { S: key } },
        UpdateExpression: 'SET #state = :enqueued, enqueued_at = :at',
        ConditionExpression: '#state = :received',
        ExpressionAttributeNames: { '#state': 'state' },
        ExpressionAttributeValues: {
          ':enqueued': { S: 'enqueued' },
          ':received': { S: 'received' },
          ':at': { N: String(Date.now()) },
        },
      }),
    );
  } catch (error) {
    // The processor was quicker.
    if (!(error instanceof ConditionalCheckFailedException)) throw error;
  }
}

const answer = (statusCode, status) => ({
  statusCode,
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify({ status }),
});

async function receive(request) {
  const source = request.rawPath.slice('/webhooks/'.length);
  const body = Buffer.from(request.body, request.isBase64Encoded ? 'base64' : 'utf8');
  if (!Object.hasOwn(verify, source)) return answer(404, 'unknown');
  let events;
  try {
    events = await verify[source](request.headers, body);
  } catch (reason) {
    if (!(reason instanceof Unauthentic)) throw reason;
    metrics.addMetric('Unauthentic', MetricUnit.Count, 1);
    logger.warn('refused', { source, reason: reason.message });
    return answer(401, 'unauthentic');
  }

  const [now, digest] = [Date.now(), createHash('sha256').update(body).digest('hex')];
  const claimed = await Promise.all(
    events.map(async ({ id, type, data }) => {
      const key = `${source}#${id}`;
      const state = await claim(key, source, type, digest, now);
      logger.info('claimed', { claim_key: key, event_type: type });
      // What was claimed and not enqueued is enqueued again.
      const isFresh = state === undefined || state === 'received';
      return isFresh ? [{ key, message: JSON.stringify({ claimkey: key, id, source, type, received: now, data }) }] : [];
    }),
  );
  const fresh = claimed.flat();
  if (fresh.length > 0) {
    await enqueue(fresh.map(({ message }) => message));
    await Promise.all(fresh.map(({ key }) => markEnqueued(key)));
  }
  metrics.addMetric('Accepted', MetricUnit.Count, fresh.length);
  metrics.addMetric('Duplicate', MetricUnit.Count, events.length - fresh.length);
  if (fresh.length > 0 && source !== 'whatsapp') return answer(202, 'accepted');
  return answer(200, fresh.length > 0 ? 'accepted' : 'duplicate');
}

export async function handler(request, context) {
  logger.addContext(context);
  try {
    return await receive(request);
  } finally {
    metrics.publishStoredMetrics();
  }
}

// Asked for before the first request, as the Rust function does.
await secretOf('stripe');
