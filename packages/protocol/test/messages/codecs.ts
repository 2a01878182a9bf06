import { kebabCase } from '../../../../scripts/protocol-generator/names.ts';
import { messagesOf } from '../../../../scripts/protocol-generator/api-file.ts';
import { parseRange } from '../../../../scripts/protocol-generator/versions.ts';
import type { Reader } from '../../src/primitives/reader.ts';
import type { Writer } from '../../src/primitives/writer.ts';
import { apis, messages } from '../../src/schema/all.ts';
import type { Message } from '../../src/schema/notation.ts';

/** A message with its generated functions, for tests that go through all of them. */
export interface MessageCodec {
  readonly schema: Message;
  readonly name: string;
  readonly versionMin: number;
  readonly versionMax: number;
  read(reader: Reader, version: number): object;
  write(writer: Writer, message: object, version: number): void;
}

export const allMessages: readonly Message[] = [...apis.flatMap(messagesOf), ...messages];

/** The codec of every message there is a schema for. */
export async function loadCodecs(): Promise<MessageCodec[]> {
  return Promise.all(allMessages.map(loadCodec));
}

async function loadCodec(schema: Message): Promise<MessageCodec> {
  const { name } = schema;
  const file = await import(`../../src/generated/${kebabCase(name)}.ts`);
  const versions = parseRange(schema.versions, { min: 0, max: Infinity })!;
  return {
    schema,
    name,
    versionMin: versions.min,
    versionMax: versions.max,
    read: file[`read${name}`],
    write: file[`write${name}`],
  };
}

export function versionsOf(codec: MessageCodec): number[] {
  return Array.from({ length: codec.versionMax - codec.versionMin + 1 }, (_, i) => codec.versionMin + i);
}
