// What Tidings sends and answers. Made of docs/schemas/*.schema.json by tests/message_schemas.rs.

/** What the bot should do: one message of the actions queue. */
export interface Action {
  /** CloudEvents' version: `1.0`. */
  specversion: string;
  /** The same however often the event is processed: do an action once by this id. */
  id: ActionId;
  /** `/tidings/rules/{rule or join}` */
  source: string;
  /** `tidings.notify`: say `data.text`. Any other: what a rule emits, with its data. */
  type: string;
  /** Of `data`: `application/json`. */
  datacontenttype: string;
  /** Whom it is for, as `whatsapp:491713920012`. Also the message group of the queue. */
  conversation: string;
  /** Its place among the conversation's: 20 digits, with gaps. Texts in this form sort as the numbers do. */
  sequence: string;
  priority: Priority;
  /** The claim key of the event: `tidings events show` takes it. */
  cause: ClaimKey;
  /** A `Notification`, if the type is `tidings.notify`. */
  data: unknown;
  /** The entity, as `order/1042`. Absent: the event has none. */
  subject?: string;
  /** When the event happened. Absent: a join, or a digest of several. */
  time?: Timestamp;
  /** W3C Trace Context of the webhook, if it had one. */
  traceparent?: string;
}

/**
 * The identity of an action: 64 hexadecimal digits. The same event gives the same id, in whatever order and however often it is
 * processed, and whichever conversation it belongs to.
 */
export type ActionId = string;

/** How much an action matters. */
export type Priority = "normal" | "low" | "urgent";

/** `{source}#{event key}`: the identity of an event everywhere in Tidings. */
export type ClaimKey = string;

/** A time in UTC, as RFC 3339 with milliseconds. */
export type Timestamp = string;

/** How a text reaches somebody, and so how what is put into it is escaped. */
export type Channel = "discord" | "email" | "messenger" | "slack" | "sms" | "telegram" | "web" | "whatsapp";

/** In which markup a text is written: what a sender has to say to the channel's API. */
export type Format = "plain" | "html" | "whatsapp" | "messenger" | "mrkdwn" | "MarkdownV2" | "markdown";

/** How many notifications a message stands for. */
export interface DigestCount {
  count: number;
  /** Those that have a line in the text. */
  shown: number;
}

/** The data of an action of the type `tidings.notify`. */
export interface Notification {
  /** By which channel it is said. Absent: by the conversation's own. */
  channel?: Channel;
  /** Ready to send: escaped for its channel, what was put into it included. */
  text: string;
  /** The markup of the text, which the channel's API has to be told. */
  format: Format;
  /** Of SMS: the messages that it is sent as. */
  segments?: number;
  /** `true`: the text was longer than the channel takes, and ends with a mark. Absent otherwise. */
  cut?: boolean;
  /** The language of the text, a BCP 47 tag, where the rule or the policy says which it is. */
  language?: string;
  /** Of a message that stands for several. */
  digest?: DigestCount;
}

/** What is known of a conversation. */
export interface Context {
  /** Its name. Another one than was asked for if that was the name of an identity. */
  conversation: string;
  /** Where the dialogue stands. Absent: no rule has said. */
  node?: string;
  /** By entity (`order/1042`), its facts by name. Empty: nothing is known, or nothing yet. */
  entities: { [name: string]: { [name: string]: unknown } };
  /** The identities that are linked to the conversation, as `customer:cus_123`. */
  identities: string[];
  /** Where the values come from, with `?details=true`. */
  details?: Details;
}

/** Where the values of an answer come from: an entry for each value. */
export interface Details {
  node?: FactDetail;
  entities: { [name: string]: { [name: string]: FactDetail } };
}

/** Where a value comes from. */
export interface FactDetail {
  /** When the newest event happened that had a part in the value. */
  time: Timestamp;
  /** Its claim key: `tidings events show` takes it. */
  cause: ClaimKey;
  /** From then on the value isn't given any more. Absent: it doesn't expire. */
  expires?: Timestamp;
}

/** One event on its way from the receiver to the processor: one message of the events queue. */
export interface Event {
  /** CloudEvents' version: `1.0`. */
  specversion: string;
  /** Of this contract: 1 to 3. A reader refuses what is newer than it knows. */
  tidingsversion: number;
  /** The provider's event id; the event key where there is none. Never trusted as identity: that is `claimkey`. */
  id: string;
  /** `/webhooks/{source}` */
  source: string;
  /** As the provider calls it. */
  type: string;
  /** The entity, as `order/1042`. */
  subject?: string;
  /** The provider's event time; absent where it sends none. */
  time?: Timestamp;
  /** The payload's version. */
  dataschema?: string;
  /** The media type of the payload. */
  datacontenttype: string;
  /** Whose context the event belongs to, where the preset knows; `rules.yaml` has the last word. */
  conversation?: string;
  /** The provider's own order within the entity: a decimal number. */
  sequence?: string;
  /** The conversation, the entity or the source: the first of these that is known. */
  partitionkey: string;
  /** Of its type among its source's types, by which events of one time are ordered: the higher one comes later. */
  rank?: number;
  /** When the first delivery of this event was received: its place among others that have no time of their own. */
  receivedtime: Timestamp;
  /** When this delivery was received, if it isn't the first: from then on its claim is known not to be gone. */
  deliveredtime?: Timestamp;
  /** The identity of the event, by which it is processed once. */
  claimkey: ClaimKey;
  /**
   * `sha256:…` of the signed bytes, where the claim key has a part that they don't cover: the provider's id of the delivery. It
   * says which events are of one body.
   */
  contentkey?: string;
  /** W3C Trace Context, as the provider sent it. */
  traceparent?: string;
  /**
   * The payload: JSON as sent, byte for byte; a form's fields and XML's elements as objects. `null`, and left out, where it is
   * neither.
   */
  data?: unknown;
  /** A payload that is none of these, from the second version on. */
  data_base64?: string;
  /** Why it couldn't be read as an event: `data_base64` has its bytes. From the third version on. */
  unreadable?: Why;
  /** Where. */
  unreadableat?: string;
  /** How the bytes were packed before they became base64, where they had no room otherwise. */
  datapacked?: Packed;
}

/** Why an authentic delivery, or one element of it, isn't an event. */
export type Why = "empty_body" | "not_utf8" | "truncated_json" | "not_json" | "not_xml" | "too_deep" | "no_type" | "long_type" | "not_inflated" | "no_event" | "too_large" | "too_large_to_split";

/** How the bytes of `data_base64` were packed before. */
export type Packed = "gzip";
