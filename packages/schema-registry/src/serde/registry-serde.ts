import { ClientError, asError, type Serde, type SerdePlace } from '@odradek/client';
import { NO_HEADERS, type RecordHeader } from '@odradek/protocol/records/record.ts';
import type { Schema } from '../registry/schema.ts';
import type { SchemaRegistry } from '../registry/schema-registry.ts';
import { markOf, readMark } from './schema-mark.ts';
import type { PayloadReader, PayloadWriter, SchemaFormat } from './schema-format.ts';
import type { RegistrySerdeSettings } from './serde-options.ts';

/** Schemas by which records were written, of which the way to read them is kept. */
const READERS_MAX = 1_000;

interface Writer<T> {
  readonly mark: Buffer;
  readonly write: PayloadWriter<T>;
}

/**
 * Keys or values whose schemas lie in a registry. Works in `typedTopics`, which prepares it: writing and reading are
 * synchronous, and wait for the registry only where a schema comes up for the first time.
 */
export class RegistrySerde<T, Compiled = unknown> implements Serde<T> {
  private readonly registry: SchemaRegistry;
  private readonly format: SchemaFormat<T, Compiled>;
  private readonly settings: RegistrySerdeSettings;
  private readonly schema: Schema | null;
  private own: Promise<Compiled> | null = null;
  private readonly writers = { key: new Map<string, Writer<T>>(), value: new Map<string, Writer<T>>() };
  private readonly readers = new Map<number | string, PayloadReader<T>>();

  /** @param text the schema by which it writes and reads; null to go by those in the registry */
  constructor(
    registry: SchemaRegistry,
    format: SchemaFormat<T, Compiled>,
    settings: RegistrySerdeSettings,
    text: string | null,
  ) {
    this.registry = registry;
    this.format = format;
    this.settings = settings;
    this.schema = text === null ? null : { type: format.type, text, references: settings.references };
  }

  /**
   * Finds the schema for what is written to a topic: its own, which has to be registered (or is, with `autoRegister`), or the
   * newest of the subject.
   *
   * @throws RegistryError, MissingPeerError, ClientError NO_SCHEMA; Error when it is no schema
   */
  async prepareToWrite(place: SerdePlace): Promise<void> {
    const own = await this.ownCompiled();
    const recordName = own === null ? null : this.format.recordName(own);
    const subject = this.settings.subjectOf({ ...place, recordName });
    const { id, compiled } = await this.schemaToWrite(subject, own);
    this.writers[place.part].set(place.topic, { mark: markOf(id), write: this.format.writer(compiled) });
  }

  serialize(value: T, place?: SerdePlace): Buffer {
    if (place === undefined)
      throw new ClientError('NO_PLACE', 'for which topic it is is not said, which its schema depends on');
    const writer = this.writers[place.part].get(place.topic);
    if (writer === undefined)
      throw new ClientError('NOT_PREPARED', 'its schema was not looked up: await prepareToWrite() first');
    const written = Buffer.concat([writer.mark, writer.write(value)]);
    this.checkSize(written);
    return written;
  }

  prepareToRead(
    given: Buffer | null,
    { part }: SerdePlace,
    headers: readonly RecordHeader[] = NO_HEADERS,
  ): Promise<void> | null {
    const schemaId = schemaIdOf(given, part, headers);
    return schemaId === null || this.readers.has(schemaId) ? null : this.bringReader(schemaId);
  }

  /** @throws Error when it is no such value, or its schema has not been brought */
  deserialize(given: Buffer | null, place?: SerdePlace, headers: readonly RecordHeader[] = NO_HEADERS): T {
    if (given === null) throw new TypeError('it is null, which only a nullable serde takes');
    this.checkSize(given);
    const { schemaId, rest, apart } = readMark(given, place?.part ?? 'value', headers);
    const reader = this.readers.get(schemaId);
    if (reader === undefined)
      throw new ClientError(
        'NOT_PREPARED',
        `its schema ${schemaId} was not brought: await prepareToRead() first`,
      );
    return reader(rest, apart);
  }

  private async schemaToWrite(
    subject: string,
    own: Compiled | null,
  ): Promise<{ id: number; compiled: Compiled }> {
    const { autoRegister, useLatestVersion, normalize } = this.settings;
    if (useLatestVersion) {
      const latest = await this.registry.schemaOf(subject, 'latest');
      return { id: latest.id, compiled: await this.compile(latest) };
    }
    if (this.schema === null || own === null)
      throw new ClientError('NO_SCHEMA', 'it can only be read: to write, give a schema or useLatestVersion');
    const id = autoRegister
      ? await this.registry.register(subject, this.schema, { normalize })
      : await this.registry.idOf(subject, this.schema, { normalize });
    return { id, compiled: own };
  }

  /** What the bytes say when they cannot be read for other reasons than the registry is said by `deserialize`. */
  private async bringReader(schemaId: number | string): Promise<void> {
    const [written, own] = await Promise.all([this.registry.schemaById(schemaId), this.ownCompiled()]);
    const referenced = await this.registry.referencedBy(written);
    const reader = await this.readerOf(written, referenced, own);
    if (this.readers.size >= READERS_MAX) this.readers.delete(this.readers.keys().next().value!);
    this.readers.set(schemaId, reader);
  }

  private async readerOf(
    written: Schema,
    referenced: Parameters<SchemaFormat<T, Compiled>['compile']>[1],
    own: Compiled | null,
  ): Promise<PayloadReader<T>> {
    try {
      if (written.type !== this.format.type) throw otherType(written, this.format.type);
      return this.format.reader(await this.format.compile(written, referenced), own);
    } catch (thrown) {
      const error = asError(thrown);
      return () => {
        throw error;
      };
    }
  }

  /** Once, unless it fails. */
  private async ownCompiled(): Promise<Compiled | null> {
    if (this.schema === null) return null;
    this.own ??= this.compile(this.schema);
    try {
      return await this.own;
    } catch (thrown) {
      this.own = null;
      throw thrown;
    }
  }

  private async compile(schema: Schema): Promise<Compiled> {
    if (schema.type !== this.format.type) throw otherType(schema, this.format.type);
    return this.format.compile(schema, await this.registry.referencedBy(schema));
  }

  private checkSize({ length }: Buffer): void {
    const { sizeMaxBytes } = this.settings;
    if (length > sizeMaxBytes)
      throw new RangeError(`it has ${length} bytes, sizeMaxBytes is ${sizeMaxBytes}`);
  }
}

/** Null when there is none to be brought; why is said when it is read. */
function schemaIdOf(
  given: Buffer | null,
  part: SerdePlace['part'],
  headers: readonly RecordHeader[],
): number | string | null {
  if (given === null) return null;
  try {
    return readMark(given, part, headers).schemaId;
  } catch {
    return null;
  }
}

function otherType({ type }: Schema, expected: string): ClientError {
  return new ClientError('OTHER_SCHEMA_TYPE', `its schema is of type ${type}, not ${expected}`);
}
