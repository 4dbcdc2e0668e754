// What `processor` does, for two types of event, written by hand: each event once, one update of the context, one action.
import { createHash } from 'node:crypto';
import { BatchProcessor, EventType, processPartialResponse } from '@aws-lambda-powertools/batch';
import { IdempotencyConfig, makeIdempotent } from '@aws-lambda-powertools/idempotency';
import { DynamoDBPersistenceLayer } from '@aws-lambda-powertools/idempotency/dynamodb';
import { Logger } from '@aws-lambda-powertools/logger';
import { Metrics, MetricUnit } from '@aws-lambda-powertools/metrics';
import { ConditionalCheckFailedException, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { SendMessageCommand } from '@aws-sdk/client-sqs';
import { dynamodb, sqs } from './clients.mjs';

const { ACTIONS_QUEUE_URL, CLAIMS_TABLE, CONTEXT_TABLE } = process.env;

const logger = new Logger({ serviceName: 'processor' });
const metrics = new Metrics({ serviceName: 'processor' });
const processor = new BatchProcessor(EventType.SQS);
const claims = new DynamoDBPersistenceLayer({ tableName: CLAIMS_TABLE, awsSdkV3Client: dynamodb });
const once = new IdempotencyConfig({
  eventKeyJmesPath: 'claimkey',
  expiresAfterSeconds: 30 * 24 * 3600,
  throwOnNoIdempotencyKey: true,
});

const rules = {
  'order.priced'({ subject, data: { order } }) {
    const facts = { total: order.total_cents / 100, currency: order.currency };
    return { conversation: `whatsapp:${order.customer_phone.slice(1)}`, entity: subject, facts };
  },
  app_mention({ conversation, data: { event } }) {
    const facts = { text: event.text ?? null, user: event.user ?? null };
    const wanted = { channel: event.channel, text: event.text ?? '' };
    return { conversation, entity: conversation, facts, action: { type: 'answer.wanted', data: wanted } };
  },
};

const sha256 = (text) => createHash('sha256').update(text).digest('hex');

// Sets the facts, unless a newer event has.
async function update(conversation, entity, facts, event) {
  try {
    await dynamodb.send(
      new UpdateItemCommand({
        TableName: CONTEXT_TABLE,
        Key: { pk: { S: conversation }, sk: { S: `entity#${entity}` } },
        UpdateExpression: 'SET facts = :facts, occurred = :occurred ADD version :one',
        ConditionExpression: 'attribute_not_exists(occurred) OR occurred <= :occurred',
        ExpressionAttributeValues: {
          ':facts': { S: JSON.stringify(facts) },
          ':occurred': { S: event.time },
          ':one': { N: '1' },
        },
      }),
    );
  } catch (error) {
    if (!(error instanceof ConditionalCheckFailedException)) throw error;
    return 'stale';
  }
  return 'applied';
}

async function send(conversation, action, event) {
  const body = {
    specversion: '1.0',
    id: sha256(event.claimkey),
    source: '/rules',
    type: action.type,
    time: event.time,
    conversation,
    cause: event.claimkey,
    data: action.data,
  };
  await sqs.send(
    new SendMessageCommand({
      QueueUrl: ACTIONS_QUEUE_URL,
      MessageBody: JSON.stringify(body),
      MessageGroupId: sha256(conversation),
      MessageDeduplicationId: body.id,
    }),
  );
}

const apply = makeIdempotent(
  async (event) => {
    const { conversation, entity, facts, action } = rules[event.type](event);
    const outcome = await update(conversation, entity, facts, event);
    if (action && outcome === 'applied') await send(conversation, action, event);
    return { outcome };
  },
  { config: once, persistenceStore: claims },
);

async function recordHandler(record) {
  const event = JSON.parse(record.body);
  const { outcome } = await apply(event);
  metrics.addMetric('Processed', MetricUnit.Count, 1);
  metrics.addMetric('LagMs', MetricUnit.Milliseconds, Date.now() - Number(record.attributes.SentTimestamp));
  logger.info('processed', { claim_key: event.claimkey, event_type: event.type, outcome });
}

export async function handler(batch, context) {
  logger.addContext(context);
  once.registerLambdaContext(context);
  try {
    return await processPartialResponse(batch, recordHandler, processor, { context });
  } finally {
    metrics.publishStoredMetrics();
  }
}
