import type { ReferencedSchema, Schema } from '../registry/schema.ts';
import type { PayloadReader, PayloadWriter, SchemaFormat } from '../serde/schema-format.ts';
import { checkMessage } from './check-message.ts';
import { readMessageIndexes, writeMessageIndexes } from './message-indexes.ts';
import { messagesOf, type FileMessage } from './proto-file.ts';

export interface ProtobufConversions {
  /** See `ProtobufOptions`. */
  readonly message: string | null;
  readonly longs: 'bigint' | 'string';
}

/** The messages of a file, by the indexes that payloads name them with. */
type Messages = readonly FileMessage[];

export class ProtobufFormat<T> implements SchemaFormat<T, Messages> {
  readonly type = 'PROTOBUF';
  private readonly message: string | null;
  private readonly conversion: object;

  constructor({ message, longs }: ProtobufConversions) {
    this.message = message;
    this.conversion = { longs: longs === 'bigint' ? BigInt : String, enums: String, defaults: true };
  }

  async compile({ text }: Schema, referenced: readonly ReferencedSchema[]): Promise<Messages> {
    return messagesOf(text, referenced);
  }

  recordName(messages: Messages): string {
    return this.chosen(messages).type.fullName.slice(1);
  }

  writer(messages: Messages): PayloadWriter<T> {
    const { type, indexes } = this.chosen(messages);
    const mark = writeMessageIndexes(indexes);
    return (value) => {
      checkMessage(type, value);
      return Buffer.concat([mark, type.encode(type.fromObject(withNumerals(value))).finish()]);
    };
  }

  reader(written: Messages, own: Messages | null): PayloadReader<T> {
    const target = own === null ? null : this.chosen(own);
    return (rest, apart) => {
      const { indexes, sizeBytes } = readMessageIndexes(rest);
      const source = written.find((each) => each.indexes.join() === indexes.join());
      if (source === undefined) throw new RangeError('it is a message that its schema does not have');
      if (target !== null && source.path !== target.path)
        throw new TypeError(`it is a ${source.path}, not a ${target.path}`);
      const { type } = target ?? source;
      return type.toObject(type.decode(apart ?? rest.subarray(sizeBytes)), this.conversion) as T;
    };
  }

  /** By its name with or without its package; else the only one that is not within another. */
  private chosen(messages: Messages): FileMessage {
    const { message } = this;
    const outermost = messages.filter(({ indexes }) => indexes.length === 1);
    const found =
      message === null
        ? outermost
        : messages.filter(({ path, type }) => path === message || type.fullName === `.${message}`);
    if (found.length === 1) return found[0]!;
    const names = messages.map(({ path }) => path).join(', ');
    const reason = message === null ? 'the option "message" does not say which' : `none is "${message}"`;
    throw new TypeError(`its schema has the messages ${names}: ${reason}`);
  }
}

/** What `protobufjs` takes for 64-bit numbers: texts in place of bigints. */
function withNumerals(value: object): object {
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, withNumeral(each)]));
}

function withNumeral(value: unknown): unknown {
  if (typeof value === 'bigint') return String(value);
  if (Array.isArray(value)) return value.map(withNumeral);
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return value;
  return withNumerals(value);
}
