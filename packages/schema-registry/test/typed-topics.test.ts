import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SerdeError, nullable, strings, typedTopics, type ConsumedRecord } from '@odradek/client';
import { avro, jsonSchema, protobuf } from '../src/index.ts';
import { MissingPeerError, absent } from '../src/serde/peers.ts';
import { withRegistry } from './support/with-registry.ts';

const { client, server } = withRegistry();
const NAMED = { type: 'record', name: 'Named', fields: [{ name: 'name', type: 'string' }] } as const;
const PROTO = 'syntax = "proto3"; message Named { string name = 1; }';
const JSON_SCHEMA = { type: 'object', required: ['name'] };

interface Named {
  readonly name: string;
}

function topics() {
  const registry = client();
  const autoRegister = true;
  return typedTopics({
    avro: { key: strings, value: nullable(avro(registry, { schema: NAMED, autoRegister })) },
    proto: { key: strings, value: protobuf<Named>(registry, { schema: PROTO, autoRegister }) },
    json: { key: strings, value: jsonSchema<Named>(registry, { schema: JSON_SCHEMA, autoRegister }) },
  });
}

type Topics = ReturnType<typeof topics>;

function sent(
  writer: Topics,
  topic: 'avro' | 'proto' | 'json',
  name: string,
  offset: number,
): ConsumedRecord {
  const { value, key = null } = writer.encode({ topic, key: 'a', value: { name } });
  return { topic, partition: 0, offset, timestamp: 1, key, value, headers: [] };
}

async function written(): Promise<readonly ConsumedRecord[]> {
  const writer = topics();
  await writer.prepareToWrite();
  const tombstone = {
    topic: 'avro',
    partition: 0,
    offset: 3,
    timestamp: 1,
    key: Buffer.from('a'),
    value: null,
  };
  return [
    sent(writer, 'avro', 'one', 0),
    sent(writer, 'proto', 'two', 1),
    sent(writer, 'json', 'three', 2),
    { ...tombstone, headers: [] },
  ];
}

const NAMES = ['one', 'two', 'three', undefined];

test('a topic is written when its schema is there, and others do not need theirs', async () => {
  const writer = topics();
  await writer.prepareToWrite('json');
  assert.equal(sent(writer, 'json', 'a', 0).value?.[0], 0);
  assert.throws(() => sent(writer, 'avro', 'a', 0), {
    name: 'SerdeError',
    code: 'UNSERIALIZABLE',
    topic: 'avro',
    part: 'value',
  });
});

test('handlers, loops and batches bring the schemas that come up, each once and in order', async () => {
  const records = await written();
  const before = server().requests.length;
  const reader = topics();
  const seen: (string | undefined)[] = [];
  const handle = reader.handler((record) => void seen.push(record.value?.name));
  for (const record of [...records, ...records])
    await handle(record, { signal: new AbortController().signal });
  assert.deepEqual(seen, [...NAMES, ...NAMES]);
  assert.equal(server().requests.length - before, 3);
  async function* source() {
    yield* records;
  }
  const looped: (string | undefined)[] = [];
  for await (const { value } of topics().read(source())) looped.push(value?.name);
  assert.deepEqual(looped, NAMES);
  const [first] = records;
  const many = Array.from({ length: 5 }, (_, offset) => ({ ...first!, offset }));
  const batch = await topics().decodeBatch({ topic: 'avro', partition: 0, records: many });
  assert.deepEqual(
    batch.map(({ offset }) => offset),
    [0, 1, 2, 3, 4],
  );
});

test('once its schema is there a record is handled in the same turn', async () => {
  const [first] = await written();
  const reader = topics();
  const handle = reader.handler(({ value }) => value?.name);
  const context = { signal: new AbortController().signal };
  assert.throws(() => reader.decode(first!), { code: 'UNREADABLE', message: /schema \d+ was not brought/ });
  assert.equal(await handle(first!, context), 'one');
  assert.equal(handle(first!, context), 'one');
});

test('a registry that is not there is another error than a record that is not good', async () => {
  const [first] = await written();
  const registry = client({ apiTimeoutMs: 20 });
  const reader = typedTopics({ avro: { key: strings, value: avro<Named>(registry) } });
  const handle = reader.handler(() => assert.fail('it is handled'));
  const context = { signal: new AbortController().signal };
  server().hurt({ error: 503 }, 100);
  await assert.rejects(
    async () => handle(first!, context),
    (error: SerdeError) => {
      assert.deepEqual([error.code, error.retriable, error.part], ['UNPREPARED', true, 'value']);
      assert.match(
        error.message,
        /^the value at offset 0 of avro-0 cannot be read: no server of the schema registry/,
      );
      return true;
    },
  );
  server().heal();
  const garbage = { ...first!, value: Buffer.from('{"name":"secret"}') };
  await assert.rejects(async () => handle(garbage, context), {
    code: 'UNREADABLE',
    retriable: false,
    message: 'the value at offset 0 of avro-0 cannot be read: it does not begin with the id of a schema',
  });
});

test('GUIDs in headers are looked up, for payloads without a mark', async () => {
  const [first, second] = await written();
  const reader = topics();
  for (const [record, behind] of [
    [first!, []],
    [second!, [0]],
  ] as const) {
    const id = record.value!.readInt32BE(1);
    const guid = Buffer.from(server().guidOf(id).replaceAll('-', ''), 'hex');
    const header = { key: '__value_schema_id', value: Buffer.from([1, ...guid, ...behind]) };
    const value = record.value!.subarray(5 + behind.length);
    const [decoded] = await reader.decodeBatch({
      ...record,
      records: [{ ...record, value, headers: [header] }],
    });
    assert.match(String(decoded!.value?.name), /one|two/);
  }
});

test('a library that is not installed is named, with what to do', () => {
  const thrown = Object.assign(new Error('Cannot find package'), { code: 'ERR_MODULE_NOT_FOUND' });
  assert.throws(
    () => absent('avsc', 'Avro')(thrown),
    (error: MissingPeerError) => {
      assert.deepEqual([error.code, error.peer], ['MISSING_PEER', 'avsc']);
      assert.equal(error.message, 'Avro needs the package "avsc", which is not installed: npm install avsc');
      return true;
    },
  );
  assert.throws(() => absent('avsc', 'Avro')(new SyntaxError('broken')), SyntaxError);
});
