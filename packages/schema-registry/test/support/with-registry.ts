import { after, before } from 'node:test';
import type { SerdePlace } from '@odradek/client';
import {
  startSchemaRegistry,
  type TestSchemaRegistry,
} from '@odradek/testing/schema-registry/start-schema-registry.ts';
import { SchemaRegistry, type RegistrySerde, type SchemaRegistryOptions } from '../../src/index.ts';

export const VALUES: SerdePlace = { topic: 'orders', part: 'value' };
export const KEYS: SerdePlace = { topic: 'orders', part: 'key' };

/** A registry for the tests of a file, and clients of it, which are closed behind the last. */
export function withRegistry(): {
  readonly server: () => TestSchemaRegistry;
  readonly client: (options?: Partial<SchemaRegistryOptions>) => SchemaRegistry;
} {
  let server: TestSchemaRegistry | undefined;
  const clients: SchemaRegistry[] = [];
  before(async () => {
    server = await startSchemaRegistry();
  });
  after(async () => {
    for (const client of clients) client.close();
    await server?.close();
  });
  return {
    server: () => server!,
    client: (options) => {
      const client = new SchemaRegistry({ urls: server!.url, retryBackoffMs: 1, ...options });
      clients.push(client);
      return client;
    },
  };
}

/** Writes with one serde and reads with another, as over a topic. */
export async function throughTopic<T, U>(
  writer: RegistrySerde<T>,
  value: T,
  reader: RegistrySerde<U>,
  place: SerdePlace = VALUES,
): Promise<U> {
  await writer.prepareToWrite(place);
  return readBack(writer.serialize(value, place), reader, place);
}

export async function readBack<U>(bytes: Buffer, reader: RegistrySerde<U>, place = VALUES): Promise<U> {
  await reader.prepareToRead(bytes, place);
  return reader.deserialize(bytes, place);
}
