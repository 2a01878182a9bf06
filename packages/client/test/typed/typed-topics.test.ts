import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  bytes,
  doubles,
  integers,
  json,
  nullable,
  strings,
  typedTopics,
  type ConsumedRecord,
  type Serde,
} from '../../src/index.ts';

interface Order {
  readonly item: string;
  readonly count: number;
}

const shop = typedTopics({
  orders: { key: strings, value: json<Order>() },
  prices: { key: strings, value: nullable(doubles) },
  raw: { key: nullable(bytes), value: bytes },
});

function consumed(topic: string, key: Buffer | null, value: Buffer | null): ConsumedRecord {
  return { topic, partition: 2, offset: 7, timestamp: 1, key, value, headers: [] };
}

test('what is encoded is decoded as the same, with all else as it was', () => {
  const sent = shop.encode({
    topic: 'orders',
    key: 'ada',
    value: { item: 'lamp', count: 2 },
    partition: 3,
    timestamp: 5,
  });
  assert.deepEqual(sent, {
    topic: 'orders',
    key: Buffer.from('ada'),
    value: Buffer.from('{"item":"lamp","count":2}'),
    partition: 3,
    timestamp: 5,
  });
  const record = shop.decode(consumed('orders', sent.key!, sent.value));
  assert.ok(record.topic === 'orders');
  const { item, count }: Order = record.value;
  assert.deepEqual([record.key, item, count, record.offset, record.partition], ['ada', 'lamp', 2, 7, 2]);
  assert.deepEqual(shop.names, ['orders', 'prices', 'raw']);
});

test('client pitfall K5: what cannot be read, as a tombstone where none may be, is refused with its place', () => {
  const sent = shop.encode({ topic: 'prices', key: 'lamp', value: null });
  assert.equal(sent.value, null);
  assert.equal(shop.decode(consumed('prices', Buffer.from('lamp'), null)).value, null);
  assert.throws(() => shop.decode(consumed('orders', Buffer.from('ada'), null)), {
    name: 'SerdeError',
    code: 'UNREADABLE',
    part: 'value',
    message: /^the value at offset 7 of orders-2 cannot be read: it is null/,
  });
});

test('what cannot be written is refused, with the topic and the part', () => {
  const circle: Record<string, unknown> = {};
  circle['self'] = circle;
  const circles = typedTopics({ circles: { key: integers, value: json<unknown>() } });
  assert.throws(() => circles.encode({ topic: 'circles', key: 1, value: circle }), {
    code: 'UNSERIALIZABLE',
    topic: 'circles',
    part: 'value',
    message: /^the value of a record for topic "circles" cannot be written: .*circular/,
  });
  assert.throws(() => circles.encode({ topic: 'circles', key: 0.5, value: 1 }), { part: 'key' });
  assert.throws(() => shop.decode(consumed('toString', null, null)), {
    code: 'UNKNOWN_TOPIC',
    message: '"toString" is none of the typed topics: orders, prices, raw',
  });
});

test('handlers and loops get the types', async () => {
  const seen: string[] = [];
  const handle = shop.handler((record, { signal }) => {
    signal.throwIfAborted();
    switch (record.topic) {
      case 'orders':
        return seen.push(`${record.key.toUpperCase()} ${record.value.count}`);
      case 'prices':
        return seen.push(record.value?.toFixed(1) ?? 'none');
      case 'raw':
        return seen.push(`${record.value.length} bytes`);
    }
  });
  const records = [
    consumed('orders', Buffer.from('ada'), Buffer.from('{"item":"lamp","count":2}')),
    consumed('prices', Buffer.from('lamp'), null),
    consumed('raw', null, Buffer.alloc(3)),
  ];
  for (const record of records) await handle(record, { signal: new AbortController().signal });
  async function* source(): AsyncGenerator<ConsumedRecord> {
    yield* records;
  }
  for await (const { topic, offset } of shop.read(source())) seen.push(`${topic}@${offset}`);
  assert.deepEqual(seen, ['ADA 2', 'none', '3 bytes', 'orders@7', 'prices@7', 'raw@7']);
});

test('the compiler refuses other types', () => {
  const wrong = [
    // @ts-expect-error there is no such topic
    () => shop.encode({ topic: 'order', key: 'ada', value: { item: 'lamp', count: 1 } }),
    // @ts-expect-error a member is missing
    () => shop.encode({ topic: 'orders', key: 'ada', value: { item: 'lamp' } }),
    // @ts-expect-error the key is a string
    () => shop.encode({ topic: 'orders', key: 1, value: { item: 'lamp', count: 1 } }),
    // @ts-expect-error null only where the serde says so
    () => shop.encode({ topic: 'orders', key: 'ada', value: null }),
    () => {
      const record = shop.decode(consumed('orders', null, null));
      // @ts-expect-error which topic it is of has to be known first
      return record.value.item;
    },
  ];
  assert.equal(wrong.length, 5);
});

function comesBack<T>(serde: Serde<T>, values: fc.Arbitrary<T>): void {
  fc.assert(
    fc.property(values, (value) => assert.deepEqual(serde.deserialize(serde.serialize(value)), value)),
  );
}

test('every value comes back from its bytes', () => {
  comesBack(strings, fc.string({ unit: 'grapheme' }));
  comesBack(integers, fc.maxSafeInteger());
  comesBack(doubles, fc.double({ noNaN: true }));
  comesBack(nullable(integers), fc.option(fc.maxSafeInteger()));
  comesBack(
    json<unknown>(),
    fc.jsonValue().map((value) => JSON.parse(JSON.stringify(value)) as unknown),
  );
  comesBack(
    bytes,
    fc.uint8Array().map((array) => Buffer.from(array)),
  );
});

test('bytes that are no such value are refused', () => {
  assert.throws(() => strings.deserialize(Buffer.from([0xff])), TypeError);
  assert.throws(() => integers.deserialize(Buffer.alloc(7)), /7 bytes instead of 8/);
  assert.throws(() => integers.deserialize(Buffer.alloc(8, 0x7f)), /beyond 2\^53/);
  assert.throws(() => json().deserialize(Buffer.from('{')), SyntaxError);
  const checked = json((parsed) => {
    if (typeof parsed !== 'number') throw new TypeError('it is no number');
    return parsed;
  });
  assert.equal(checked.deserialize(Buffer.from('4')), 4);
  assert.throws(() => checked.deserialize(Buffer.from('"4"')), /no number/);
});
