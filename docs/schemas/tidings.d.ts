// What Tidings sends and answers. Made of docs/schemas/*.schema.json by tests/message_schemas.rs.

/** An action for the bot: one message of the actions queue. */
export interface Action {
  /** CloudEvents' version: `1.0`. */
  specversion: string;
  /** The action's id. It stays the same if the event is processed again, so perform each id once. */
  id: ActionId;
  /** `/tidings/rules/{rule or join}` */
  source: string;
  /** `tidings.notify`: send `data.text` to the person. Any other type: an action that a rule emits, with its data. */
  type: string;
  /** Media type of `data`: `application/json`. */
  datacontenttype: string;
  /** The recipient, such as `whatsapp:491713920012`. Also the message group of the queue. */
  conversation: string;
  /** The action's position in its conversation: 20 digits, with gaps. Sorting the texts sorts the numbers. */
  sequence: string;
  priority: Priority;
  /** The claim key of the event: `tidings events show` takes it. */
  cause: ClaimKey;
  /** A `Notification` if the type is `tidings.notify`. */
  data: unknown;
  /** The entity, such as `order/1042`. Absent: the event has none. */
  subject?: string;
  /** When the event happened. Absent: a join, or a digest of several. */
  time?: Timestamp;
  /** W3C Trace Context of the webhook, if it had one. */
  traceparent?: string;
  /**
   * The names in `data` whose values the provider's own systems or your rules wrote, separated by spaces. Every other
   * value is a stranger's. Absent: all of them are, as the text of a notification.
   */
  byprovider?: string;
}

/**
 * The id of an action: 64 hexadecimal digits. An event gives its actions the same ids in every order and every
 * repetition of processing, and in every conversation.
 */
export type ActionId = string;

/** The priority of an action. */
export type Priority = "normal" | "low" | "urgent";

/** `{source}#{event key}`, for a tenant `{source}/{tenant}#{event key}`: the identity of an event everywhere in Tidings. */
export type ClaimKey = string;

/** A time in UTC, as RFC 3339 with milliseconds. */
export type Timestamp = string;

/** A channel that delivers a text. It decides how values in a text are escaped. */
export type Channel = "discord" | "email" | "googlechat" | "instagram" | "line" | "messenger" | "slack" | "sms" | "teams" | "telegram" | "viber" | "web" | "whatsapp";

/** The markup of a text, which a sender must state in the channel's API. */
export type Format = "plain" | "html" | "whatsapp" | "messenger" | "mrkdwn" | "MarkdownV2" | "markdown";

/** The number of notifications that a message stands for. */
export interface DigestCount {
  count: number;
  /** Notifications with a line in the text. */
  shown: number;
}

/** The data of an action of the type `tidings.notify`. */
export interface Notification {
  /** The channel to use. Absent: the conversation's own channel. */
  channel?: Channel;
  /** Ready to send: the text and its values are escaped for the channel. */
  text: string;
  /** The markup of the text, to be stated in the call of the channel's API. */
  format: Format;
  /** SMS only: the number of messages that the text is sent as. */
  segments?: number;
  /** `true`: the text exceeded the channel's limit and was cut, with a mark at its end. Absent otherwise. */
  cut?: boolean;
  /** The language of the text, a BCP 47 tag, if the rule or the policy states it. */
  language?: string;
  /** The counts of a digest. */
  digest?: DigestCount;
}

/** An event of a turn, with what the rule emits for it beside these names. */
export interface TurnMessage {
  /** The claim key of the event. */
  event: ClaimKey;
  /** When the event happened. */
  at: Timestamp;
  [name: string]: unknown;
}

/** What ends a turn. */
export type ClosedBy = "quiet" | "at_most" | "collect" | "size";

/** The data of an action whose rule has `debounce`: the events of one turn. */
export interface Turn {
  /** One for each event, in the order of events: 1 to 100. */
  messages: TurnMessage[];
  /** When the first of them came. */
  opened: Timestamp;
  /** What ended the turn. */
  closed_by: ClosedBy;
}

/** The context of a conversation. */
export interface Context {
  /** Its name. If the request named an identity, this is the conversation that the identity is linked to. */
  conversation: string;
  /** The dialogue node. Absent: no rule has set one. */
  node?: string;
  /** The facts of each entity (`order/1042`) by name. Empty: no fact is known. */
  entities: { [name: string]: { [name: string]: unknown } };
  /** The identities that are linked to the conversation, such as `customer:cus_123`. */
  identities: string[];
  /**
   * The facts of each entity whose values the provider's own systems or your rules wrote. Everything else that the
   * answer contains is a stranger's, except for the node: don't put it where a model reads instructions.
   */
  by_provider?: { [name: string]: string[] };
  /** The origin of each value, with `?details=true`. */
  details?: Details;
}

/** The origins of the values of an answer: one entry for each value. */
export interface Details {
  node?: FactDetail;
  entities: { [name: string]: { [name: string]: FactDetail } };
}

/** The origin of a value. */
export interface FactDetail {
  /** The time of the newest event that contributed to the value. */
  time: Timestamp;
  /** That event's claim key: `tidings events show` takes it. */
  cause: ClaimKey;
  /** When the value expires. Absent: it doesn't expire. */
  expires?: Timestamp;
  /** Who wrote the value. */
  by: WrittenBy;
}

/** Who wrote a value. */
export type WrittenBy = "provider" | "stranger";

/** One event between the receiver and the processor: one message of the events queue. */
export interface Event {
  /** CloudEvents' version: `1.0`. */
  specversion: string;
  /** The version of this contract: 1 to 4. A reader refuses versions newer than its own. */
  tidingsversion: number;
  /** The provider's event id; the event key if there is none. Don't use it as identity: use `claimkey`. */
  id: string;
  /** `/webhooks/{source}` */
  source: string;
  /** The tenant of its source. Absent: the source has none. From version 4 on. */
  tenant?: TenantName;
  /** The provider's event type. */
  type: string;
  /** The entity, such as `order/1042`. */
  subject?: string;
  /** The provider's event time. Absent: the provider sends none. */
  time?: Timestamp;
  /** The payload's version. */
  dataschema?: string;
  /** The media type of the payload. */
  datacontenttype: string;
  /** Whose context the event belongs to, if the preset knows. `rules.yaml` takes precedence. */
  conversation?: string;
  /** The provider's own order within the entity: a decimal number. */
  sequence?: string;
  /** The conversation, the entity or the source: the first that is known. */
  partitionkey: string;
  /** The rank of its type among its source's types. Of events of one time, the one with the higher rank counts as later. */
  rank?: number;
  /** When the first delivery of this event was received. It orders events without a time of their own. */
  receivedtime: Timestamp;
  /** When this delivery was received, if it isn't the first. At that time the claim still existed. */
  deliveredtime?: Timestamp;
  /** The identity of the event. Each identity is processed once. */
  claimkey: ClaimKey;
  /**
   * `sha256:…` of the signed bytes, if the claim key has an unsigned part (the provider's id of the delivery).
   * Events with the same value have the same body.
   */
  contentkey?: string;
  /** W3C Trace Context, as the provider sent it. */
  traceparent?: string;
  /**
   * The payload: JSON as sent, byte for byte; a form's fields and XML's elements as objects. `null`, and left out,
   * if it is neither.
   */
  data?: unknown;
  /** Any other payload, as base64. From version 2 on. */
  data_base64?: string;
  /** Why the delivery couldn't be read as an event: `data_base64` has its bytes. From version 3 on. */
  unreadable?: Why;
  /** The place of the error. */
  unreadableat?: string;
  /** How the bytes were compressed before base64, if they had no room otherwise. */
  datapacked?: Packed;
}

/**
 * 1 to 64 of A-Z, a-z, 0-9, - and _, which begins with a letter or a digit. It has no character that separates the parts
 * of a claim key, and none that a URL escapes.
 */
export type TenantName = string;

/** Why an authentic delivery, or one element of it, isn't an event. */
export type Why = "empty_body" | "not_utf8" | "truncated_json" | "not_json" | "not_xml" | "too_deep" | "no_type" | "long_type" | "not_inflated" | "no_event" | "too_large" | "too_large_to_split";

/** How the bytes of `data_base64` were compressed. */
export type Packed = "gzip";
