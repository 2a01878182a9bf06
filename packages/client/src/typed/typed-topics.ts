import type { TopicPartition } from '../cluster/topic-partition.ts';
import type { ConsumedRecord } from '../consumer/consumed-record.ts';
import type { HandlerContext } from '../consumer/handler-runner.ts';
import { ClientError, asError } from '../errors.ts';
import type { ProducerRecord } from '../producer/producer-record.ts';
import type { Serde } from './serdes.ts';

/** A serde of any type. */
interface AnySerde {
  serialize(value: never): Buffer | null;
  deserialize(bytes: Buffer | null): unknown;
}

/** By topic, what its keys and values are. */
export type TopicMap = Readonly<Record<string, { readonly key: AnySerde; readonly value: AnySerde }>>;

type NameOf<Map extends TopicMap> = keyof Map & string;
type TypeOf<S extends AnySerde> = S extends Serde<infer T> ? T : never;

/** What takes the place of the bytes in a record of one topic. */
interface Contents<Map extends TopicMap, Name extends NameOf<Map>> {
  readonly topic: Name;
  readonly key: TypeOf<Map[Name]['key']>;
  readonly value: TypeOf<Map[Name]['value']>;
}

/** A record to be sent to one of the topics. */
export type TypedRecord<Map extends TopicMap, Name extends NameOf<Map> = NameOf<Map>> = {
  [Each in Name]: Contents<Map, Each> & Omit<ProducerRecord, keyof Contents<Map, Each>>;
}[Name];

/** A record that was read from one of the topics; its `topic` tells the types of its key and value. */
export type TypedConsumedRecord<Map extends TopicMap, Name extends NameOf<Map> = NameOf<Map>> = {
  [Each in Name]: Contents<Map, Each> & Omit<ConsumedRecord, keyof Contents<Map, Each>>;
}[Name];

/** A key or value could not be written as bytes, or bytes not read as one. Nothing was sent, nothing is skipped. */
export class SerdeError extends ClientError {
  override readonly name = 'SerdeError';
  readonly topic: string;
  readonly part: 'key' | 'value';

  constructor(
    code: 'UNSERIALIZABLE' | 'UNREADABLE',
    topic: string,
    part: 'key' | 'value',
    message: string,
    cause: Error,
  ) {
    super(code, `${message}: ${cause.message}`, { cause });
    this.topic = topic;
    this.part = part;
  }
}

/**
 * Topics with the types of their keys and values, between an application and any producer, consumer or pattern.
 *
 * @param topics by name; a serde each for key and value, `nullable(...)` where there may be none
 */
export function typedTopics<const Map extends TopicMap>(topics: Map): TypedTopics<Map> {
  return new TypedTopics(topics);
}

/** See `typedTopics`. */
export class TypedTopics<Map extends TopicMap> {
  private readonly topics: Map;

  constructor(topics: Map) {
    this.topics = topics;
  }

  /** For all that takes topics by name: consumers, dead letters, their creation. */
  get names(): readonly NameOf<Map>[] {
    return Object.keys(this.topics) as NameOf<Map>[];
  }

  /** As producers take it. @throws SerdeError UNSERIALIZABLE; ClientError UNKNOWN_TOPIC */
  encode<Name extends NameOf<Map>>(record: TypedRecord<Map, Name>): ProducerRecord {
    const { topic, key, value } = record;
    const serdes = this.serdesOf(topic);
    return {
      ...record,
      key: written(serdes.key as Serde<unknown>, key, topic, 'key'),
      value: written(serdes.value as Serde<unknown>, value, topic, 'value'),
    };
  }

  /** As consumers brought it. @throws SerdeError UNREADABLE; ClientError UNKNOWN_TOPIC */
  decode(record: ConsumedRecord): TypedConsumedRecord<Map> {
    const { key, value } = this.serdesOf(record.topic);
    return {
      ...record,
      key: read(key, record.key, record, 'key'),
      value: read(value, record.value, record, 'value'),
    } as unknown as TypedConsumedRecord<Map>;
  }

  /** A handler for `eachMessage`, and for those of the patterns, that gets records with their types. */
  handler<Context = HandlerContext>(
    handle: (record: TypedConsumedRecord<Map>, context: Context) => unknown,
  ): (record: ConsumedRecord, context: Context) => unknown {
    return (record, context) => handle(this.decode(record), context);
  }

  /** The records of `consumer.records()`, with their types. @throws SerdeError UNREADABLE, at the record that it is about */
  async *read(
    records: AsyncIterable<ConsumedRecord>,
  ): AsyncGenerator<TypedConsumedRecord<Map>, void, undefined> {
    for await (const record of records) yield this.decode(record);
  }

  private serdesOf(topic: string): Map[NameOf<Map>] {
    if (Object.hasOwn(this.topics, topic)) return this.topics[topic] as Map[NameOf<Map>];
    throw new ClientError(
      'UNKNOWN_TOPIC',
      `"${topic}" is none of the typed topics: ${this.names.join(', ')}`,
    );
  }
}

function written(serde: Serde<unknown>, value: unknown, topic: string, part: 'key' | 'value'): Buffer | null {
  try {
    return serde.serialize(value);
  } catch (thrown) {
    const message = `the ${part} of a record for topic "${topic}" cannot be written`;
    throw new SerdeError('UNSERIALIZABLE', topic, part, message, asError(thrown));
  }
}

function read(
  serde: AnySerde,
  bytes: Buffer | null,
  at: TopicPartition & { readonly offset: number },
  part: 'key' | 'value',
): unknown {
  try {
    return serde.deserialize(bytes);
  } catch (thrown) {
    const message = `the ${part} at offset ${at.offset} of ${at.topic}-${at.partition} cannot be read`;
    throw new SerdeError('UNREADABLE', at.topic, part, message, asError(thrown));
  }
}
