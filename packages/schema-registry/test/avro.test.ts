import assert from 'node:assert/strict';
import { test } from 'node:test';
import avsc from 'avsc';
import fc from 'fast-check';
import { avro, type AvroSchema, type Schema } from '../src/index.ts';
import { KEYS, VALUES, readBack, throughTopic, withRegistry } from './support/with-registry.ts';

const { client } = withRegistry();
const ORDER = {
  type: 'record',
  name: 'Order',
  namespace: 'shop',
  fields: [
    { name: 'item', type: 'string' },
    { name: 'count', type: 'int' },
    { name: 'tags', type: { type: 'array', items: 'string' }, default: [] },
    { name: 'note', type: ['null', 'string'], default: null },
    { name: 'size', type: { type: 'enum', name: 'Size', symbols: ['SMALL', 'LARGE'] }, default: 'SMALL' },
  ],
} as const;
const LAMP = { item: 'lamp', count: 2, tags: ['new'], note: null, size: 'LARGE' } as const;

function plain(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value));
}

function written(schema: AvroSchema, references: Schema['references'] = []): Schema {
  return { type: 'AVRO', text: JSON.stringify(schema), references };
}

test('what is written is read, by the types that the schema tells', async () => {
  const orders = avro(client(), { schema: ORDER, autoRegister: true });
  const read = await throughTopic(orders, { ...LAMP, tags: [...LAMP.tags] }, orders);
  const [tag]: string[] = read.tags;
  const note: string | null = read.note;
  const size: 'SMALL' | 'LARGE' = read.size;
  assert.deepEqual([plain(read), tag, note, size], [LAMP, 'new', null, 'LARGE']);
  // @ts-expect-error a field is missing
  assert.throws(() => orders.serialize({ item: 'lamp' }, VALUES));
});

test('the bytes are those of Avro behind the mark', async () => {
  const registry = client();
  const id = await registry.register('texts-value', written('string'));
  const texts = avro(registry, { schema: 'string' });
  const place = { topic: 'texts', part: 'value' } as const;
  await texts.prepareToWrite(place);
  assert.equal(texts.serialize('ok', place).toString('hex'), `00${id.toString(16).padStart(8, '0')}046f6b`);
});

test('bytes as a whole value have no length before them, as with Java', async () => {
  const bytes = avro(client(), { schema: 'bytes', autoRegister: true });
  await bytes.prepareToWrite(KEYS);
  const given = bytes.serialize(Buffer.from('abc'), KEYS);
  assert.equal(given.subarray(5).toString(), 'abc');
  assert.deepEqual(await readBack(given, bytes, KEYS), Buffer.from('abc'));
});

test('a schema that is not registered is not registered without being told to', async () => {
  const registry = client();
  const place = { topic: 'unregistered', part: 'value' } as const;
  const orders = avro(registry, { schema: ORDER });
  await assert.rejects(orders.prepareToWrite(place), { code: 'SUBJECT_NOT_FOUND' });
  assert.throws(() => orders.serialize({ ...LAMP, tags: [] }, place), {
    code: 'NOT_PREPARED',
    message: /await prepareToWrite\(\) first/,
  });
  assert.ok(!(await registry.subjects()).includes('unregistered-value'));
  await assert.rejects(avro(registry).prepareToWrite(place), { code: 'NO_SCHEMA' });
  assert.throws(() => avro(registry, { schema: ORDER, autoRegister: true, useLatestVersion: true }), {
    code: 'BAD_OPTION',
  });
});

test('a reader with a schema of its own gets what was written by an older and a newer one', async () => {
  const registry = client();
  const older = avro<object>(registry, {
    schema: { ...ORDER, fields: [...ORDER.fields.slice(0, 2), { name: 'gone', type: 'long' }] },
    autoRegister: true,
  });
  const reader = avro(registry, { schema: ORDER });
  const read = await throughTopic(older, { item: 'lamp', count: 2, gone: 7 }, reader);
  assert.deepEqual(plain(read), { item: 'lamp', count: 2, tags: [], note: null, size: 'SMALL' });
  const asWritten = avro<object>(registry);
  assert.deepEqual(plain(await throughTopic(older, { item: 'lamp', count: 2, gone: 7 }, asWritten)), {
    item: 'lamp',
    count: 2,
    gone: 7,
  });
  const other = avro(registry, {
    schema: { type: 'record', name: 'Refund', fields: [{ name: 'sum', type: 'int' }] },
  });
  await assert.rejects(throughTopic(older, { item: 'lamp', count: 2, gone: 7 }, other), {
    message: 'what is written as shop.Order cannot be read as Refund: no alias found for shop.Order',
  });
});

test('the newest version of the subject is written by, when that is wanted', async () => {
  const registry = client();
  const place = { topic: 'newest', part: 'value' } as const;
  const newer = { ...ORDER, fields: [...ORDER.fields, { name: 'shop', type: 'string', default: 'Prague' }] };
  await registry.register('newest-value', written(ORDER));
  const id = await registry.register('newest-value', written(newer));
  const orders = avro<object>(registry, { useLatestVersion: true });
  await orders.prepareToWrite(place);
  const bytes = orders.serialize(LAMP, place);
  assert.equal(bytes.readInt32BE(1), id);
  assert.deepEqual(plain(await readBack(bytes, avro<object>(registry), place)), { ...LAMP, shop: 'Prague' });
});

test('named types of other subjects are used by reference', async () => {
  const registry = client();
  await registry.register('country', written({ type: 'enum', name: 'shop.Country', symbols: ['CZ', 'IT'] }));
  const toCountry = { name: 'shop.Country', subject: 'country', version: 1 };
  const address = {
    type: 'record',
    name: 'shop.Address',
    fields: [{ name: 'country', type: 'shop.Country' }],
  };
  await registry.register('address', written(address, [toCountry]));
  interface Parcel {
    readonly to: { readonly country: string };
  }
  const parcels = avro<Parcel>(registry, {
    schema: { type: 'record', name: 'shop.Parcel', fields: [{ name: 'to', type: 'shop.Address' }] },
    references: [{ name: 'shop.Address', subject: 'address', version: 1 }],
    autoRegister: true,
  });
  const parcel = { to: { country: 'IT' } };
  assert.deepEqual(plain(await throughTopic(parcels, parcel, parcels)), parcel);
  assert.deepEqual(plain(await throughTopic(parcels, parcel, avro<Parcel>(registry))), parcel);
});

test('subjects are named after topic, record, both, or as a function says', async () => {
  const registry = client();
  const options = { schema: ORDER, autoRegister: true } as const;
  await avro(registry, options).prepareToWrite({ topic: 'named', part: 'key' });
  await avro(registry, { ...options, subjectName: 'RecordName' }).prepareToWrite(VALUES);
  await avro(registry, { ...options, subjectName: 'TopicRecordName' }).prepareToWrite(VALUES);
  const subjectName = ({
    topic,
    part,
    recordName,
  }: {
    topic: string;
    part: string;
    recordName: string | null;
  }) => `${recordName}/${part}/${topic}`;
  await avro(registry, { ...options, subjectName }).prepareToWrite(VALUES);
  const subjects = await registry.subjects();
  for (const name of ['named-key', 'shop.Order', 'orders-shop.Order', 'shop.Order/value/orders'])
    assert.ok(subjects.includes(name), name);
  const nameless = avro(registry, { schema: 'string', subjectName: 'RecordName', autoRegister: true });
  await nameless.prepareToWrite(VALUES).catch(() => {});
  assert.throws(() => avro(registry, { schema: ORDER, subjectName: 'Topic' as 'TopicName' }), {
    code: 'BAD_OPTION',
  });
});

test('a value that does not fit says where, and not what stands there', async () => {
  const orders = avro<unknown>(client(), { schema: ORDER, autoRegister: true });
  await orders.prepareToWrite(VALUES);
  const cases: readonly [unknown, string][] = [
    [{ ...LAMP, count: 'secret' }, 'its count is string, not int'],
    [{ ...LAMP, tags: ['a', 7] }, 'its tags.1 is number, not string'],
    [{ ...LAMP, size: 'HUGE' }, 'its size is string, not shop.Size'],
    [null, 'it is null, not shop.Order'],
  ];
  for (const [value, message] of cases) assert.throws(() => orders.serialize(value, VALUES), { message });
});

test('longs are exact: beyond 2^53 refused as numbers, taken as bigint', async () => {
  const registry = client();
  const place = { topic: 'longs', part: 'value' } as const;
  const big = avro<bigint>(registry, { schema: 'long', longs: 'bigint', autoRegister: true });
  const small = avro(registry, { schema: 'long' });
  for (const value of [0n, -1n, 2n ** 63n - 1n, -(2n ** 63n)])
    assert.equal(await throughTopic(big, value, big, place), value);
  assert.equal(await throughTopic(big, 5n, small, place), 5);
  await assert.rejects(throughTopic(big, 2n ** 60n, small, place), /precision/);
});

test('logical types are what the application makes of them', async () => {
  class DateType extends avsc.types.LogicalType {
    override _fromValue(value: number): Date {
      return new Date(value);
    }
    override _toValue(date: unknown): number | undefined {
      return date instanceof Date ? date.getTime() : undefined;
    }
  }
  const times = avro<Date>(client(), {
    schema: { type: 'long', logicalType: 'timestamp-millis' },
    logicalTypes: { 'timestamp-millis': DateType },
    autoRegister: true,
  });
  const time = new Date(1_700_000_000_000);
  assert.deepEqual(await throughTopic(times, time, times, { topic: 'times', part: 'value' }), time);
});

const NESTED: AvroSchema = {
  type: 'record',
  name: 'Nested',
  fields: [
    { name: 'list', type: { type: 'array', items: ['null', 'Nested', 'double'] } },
    { name: 'map', type: { type: 'map', values: { type: 'fixed', name: 'Two', size: 2 } } },
    { name: 'flag', type: 'boolean' },
  ],
};

test('garbage ends in an error, at once, however many elements it claims', async () => {
  const registry = client();
  const nested = avro<unknown>(registry, { schema: NESTED, autoRegister: true });
  const place = { topic: 'nested', part: 'value' } as const;
  const type = avsc.Type.forSchema(NESTED as Parameters<typeof avsc.Type.forSchema>[0]);
  const value = type.clone({ list: [null, 1.5], map: { a: Buffer.from('ab') }, flag: true });
  await nested.prepareToWrite(place);
  const good = nested.serialize(value, place);
  assert.deepEqual(plain(await readBack(good, nested, place)), plain(value));
  for (let size = 5; size < good.length; size++)
    assert.throws(() => nested.deserialize(good.subarray(0, size), place), `cut to ${size} bytes`);
  assert.throws(() => nested.deserialize(Buffer.concat([good, Buffer.alloc(1)]), place), /trailing/);
  // Some 10^12 elements, of no bytes and of one.
  for (const payload of ['8080808080800100', 'ffffffffff7f02000000']) {
    const bytes = Buffer.concat([good.subarray(0, 5), Buffer.from(payload, 'hex')]);
    assert.throws(() => nested.deserialize(bytes, place), /ends before|branch|more than/);
  }
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), (payload) => {
      try {
        nested.deserialize(Buffer.concat([good.subarray(0, 5), payload]), place);
      } catch (error) {
        assert.ok(error instanceof Error);
      }
    }),
  );
});

test('elements that take no bytes are bounded', async () => {
  const nulls = avro<null[]>(client(), { schema: { type: 'array', items: 'null' }, autoRegister: true });
  const place = { topic: 'nulls', part: 'value' } as const;
  const some = Array.from({ length: 1_000 }, () => null);
  assert.deepEqual(await throughTopic(nulls, some, nulls, place), some);
  const claim = Buffer.concat([
    nulls.serialize([], place).subarray(0, 5),
    Buffer.from('8080808080800100', 'hex'),
  ]);
  assert.throws(() => nulls.deserialize(claim, place), /more than 100000 elements that take no bytes/);
});

test('sizes are bounded, both ways', async () => {
  const registry = client();
  const small = avro(registry, { schema: 'string', sizeMaxBytes: 10, autoRegister: true });
  const place = { topic: 'small', part: 'value' } as const;
  await small.prepareToWrite(place);
  assert.throws(() => small.serialize('12345', place), /it has 11 bytes, sizeMaxBytes is 10/);
  assert.throws(() => small.deserialize(Buffer.alloc(11), place), /it has 11 bytes, sizeMaxBytes is 10/);
});
