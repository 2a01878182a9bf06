import type { ConsumedRecord } from '../consumer/consumed-record.ts';
import type { FetchedRecords } from '../consumer/fetch/fetched-data.ts';
import type { HandlerContext } from '../consumer/handler-runner.ts';
import { ClientError, asError, isRetriableError } from '../errors.ts';
import type { ProducerRecord } from '../producer/producer-record.ts';
import type { Serde, SerdePlace } from './serdes.ts';

/** A serde of any type. */
interface AnySerde extends Pick<Serde<unknown>, 'deserialize' | 'prepareToWrite' | 'prepareToRead'> {
  serialize(value: never, place?: SerdePlace): Buffer | null;
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

/**
 * A key or value could not be written as bytes (UNSERIALIZABLE), bytes could not be read as one (UNREADABLE), or what that
 * takes could not be brought (UNPREPARED), which may be retriable. Nothing was sent, nothing is skipped.
 */
export class SerdeError extends ClientError {
  override readonly name = 'SerdeError';
  readonly topic: string;
  readonly part: 'key' | 'value';

  constructor(
    code: 'UNSERIALIZABLE' | 'UNREADABLE' | 'UNPREPARED',
    { topic, part }: SerdePlace,
    message: string,
    cause: Error,
  ) {
    const retriable = code === 'UNPREPARED' && isRetriableError(cause);
    super(code, `${message}: ${cause.message}`, { cause, retriable });
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

/** One of the topics, with what its keys and values are. */
interface TypedTopic {
  readonly key: AnySerde;
  readonly value: AnySerde;
  readonly keyPlace: SerdePlace;
  readonly valuePlace: SerdePlace;
  /** Whether one of the serdes may have to bring something before it reads. */
  readonly bringsToRead: boolean;
}

/** See `typedTopics`. */
export class TypedTopics<Map extends TopicMap> {
  private readonly topics: ReadonlyMap<string, TypedTopic>;

  constructor(topics: Map) {
    this.topics = new globalThis.Map(
      Object.entries(topics).map(([topic, serdes]) => [topic, typedTopic(topic, serdes)]),
    );
  }

  /** For all that takes topics by name: consumers, dead letters, their creation. */
  get names(): readonly NameOf<Map>[] {
    return [...this.topics.keys()] as NameOf<Map>[];
  }

  /**
   * Brings what `encode` needs for these topics, by default all: for serdes that have something to bring, such as
   * schemas. Again, it looks for what is new.
   *
   * @throws SerdeError UNPREPARED; ClientError UNKNOWN_TOPIC
   */
  async prepareToWrite(...names: readonly NameOf<Map>[]): Promise<void> {
    for (const name of names.length > 0 ? names : this.names) {
      const { key, value, keyPlace, valuePlace } = this.topic(name);
      await Promise.all([preparedToWrite(key, keyPlace), preparedToWrite(value, valuePlace)]);
    }
  }

  /** As producers take it. @throws SerdeError UNSERIALIZABLE; ClientError UNKNOWN_TOPIC */
  encode<Name extends NameOf<Map>>(record: TypedRecord<Map, Name>): ProducerRecord {
    const { key, value, keyPlace, valuePlace } = this.topic(record.topic);
    return {
      ...record,
      key: written(key as Serde<unknown>, record.key, keyPlace),
      value: written(value as Serde<unknown>, record.value, valuePlace),
    };
  }

  /**
   * As consumers brought it. Where a serde has to bring something first that it has not brought yet, use `handler`, `read` or
   * `decodeBatch`.
   *
   * @throws SerdeError UNREADABLE; ClientError UNKNOWN_TOPIC
   */
  decode(record: ConsumedRecord): TypedConsumedRecord<Map> {
    const { key, value, keyPlace, valuePlace } = this.topic(record.topic);
    return {
      ...record,
      key: read(key, record.key, record, keyPlace),
      value: read(value, record.value, record, valuePlace),
    } as unknown as TypedConsumedRecord<Map>;
  }

  /** All records of a batch in their order. @throws SerdeError UNREADABLE, UNPREPARED; ClientError UNKNOWN_TOPIC */
  async decodeBatch(
    batch: Pick<FetchedRecords, 'topic' | 'partition' | 'records'>,
  ): Promise<TypedConsumedRecord<Map>[]> {
    const { topic, partition } = batch;
    const decoded: TypedConsumedRecord<Map>[] = [];
    for (const each of batch.records) {
      const record = { topic, partition, ...each };
      const preparing = this.preparing(record);
      if (preparing !== null) await preparing;
      decoded.push(this.decode(record));
    }
    return decoded;
  }

  /** A handler for `eachMessage`, and for those of the patterns, that gets records with their types. */
  handler<Context = HandlerContext>(
    handle: (record: TypedConsumedRecord<Map>, context: Context) => unknown,
  ): (record: ConsumedRecord, context: Context) => unknown {
    return (record, context) => {
      const preparing = this.preparing(record);
      if (preparing === null) return handle(this.decode(record), context);
      return preparing.then(() => handle(this.decode(record), context));
    };
  }

  /** The records of `consumer.records()`, with their types. @throws SerdeError, at the record that it is about */
  async *read(
    records: AsyncIterable<ConsumedRecord>,
  ): AsyncGenerator<TypedConsumedRecord<Map>, void, undefined> {
    for await (const record of records) {
      const preparing = this.preparing(record);
      if (preparing !== null) await preparing;
      yield this.decode(record);
    }
  }

  /** Null when the record can be decoded now. */
  private preparing(record: ConsumedRecord): Promise<unknown> | null {
    const { key, value, keyPlace, valuePlace, bringsToRead } = this.topic(record.topic);
    if (!bringsToRead) return null;
    const forKey = key.prepareToRead?.(record.key, keyPlace, record.headers) ?? null;
    const forValue = value.prepareToRead?.(record.value, valuePlace, record.headers) ?? null;
    if (forKey === null && forValue === null) return null;
    return Promise.all([
      preparedToRead(forKey, record, keyPlace),
      preparedToRead(forValue, record, valuePlace),
    ]);
  }

  private topic(name: string): TypedTopic {
    const found = this.topics.get(name);
    if (found !== undefined) return found;
    throw new ClientError('UNKNOWN_TOPIC', `"${name}" is none of the typed topics: ${this.names.join(', ')}`);
  }
}

function typedTopic(topic: string, { key, value }: TopicMap[string]): TypedTopic {
  return {
    key,
    value,
    keyPlace: { topic, part: 'key' },
    valuePlace: { topic, part: 'value' },
    bringsToRead: key.prepareToRead !== undefined || value.prepareToRead !== undefined,
  };
}

async function preparedToWrite(serde: AnySerde, place: SerdePlace): Promise<void> {
  try {
    await serde.prepareToWrite?.(place);
  } catch (thrown) {
    const message = `the ${place.part} of records for topic "${place.topic}" cannot be written`;
    throw new SerdeError('UNPREPARED', place, message, asError(thrown));
  }
}

async function preparedToRead(
  bringing: Promise<void> | null,
  at: RecordPlace,
  place: SerdePlace,
): Promise<void> {
  try {
    await bringing;
  } catch (thrown) {
    throw new SerdeError('UNPREPARED', place, unreadable(at, place), asError(thrown));
  }
}

function written(serde: Serde<unknown>, value: unknown, place: SerdePlace): Buffer | null {
  try {
    return serde.serialize(value, place);
  } catch (thrown) {
    const message = `the ${place.part} of a record for topic "${place.topic}" cannot be written`;
    throw new SerdeError('UNSERIALIZABLE', place, message, asError(thrown));
  }
}

function read(serde: AnySerde, bytes: Buffer | null, at: RecordPlace, place: SerdePlace): unknown {
  try {
    return serde.deserialize(bytes, place, at.headers);
  } catch (thrown) {
    throw new SerdeError('UNREADABLE', place, unreadable(at, place), asError(thrown));
  }
}

type RecordPlace = Pick<ConsumedRecord, 'topic' | 'partition' | 'offset' | 'headers'>;

function unreadable({ topic, partition, offset }: RecordPlace, { part }: SerdePlace): string {
  return `the ${part} at offset ${offset} of ${topic}-${partition} cannot be read`;
}
