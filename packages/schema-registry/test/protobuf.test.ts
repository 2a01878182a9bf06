import assert from 'node:assert/strict';
import { test } from 'node:test';
import protobufjs from 'protobufjs';
import descriptor from 'protobufjs/ext/descriptor.js';
import { protobuf } from '../src/index.ts';
import { VALUES, readBack, throughTopic, withRegistry } from './support/with-registry.ts';

const { client } = withRegistry();
const SHOP = `
  syntax = "proto3";
  package shop;
  import "google/protobuf/timestamp.proto";
  enum Size { SIZE_UNKNOWN = 0; SIZE_LARGE = 1; }
  message Refund { string reason = 1; }
  message Order {
    message Line { string item = 1; int32 count_of_items = 2; }
    repeated Line lines = 1;
    map<string, uint32> points = 2;
    int64 total_cents = 3;
    Size size = 4;
    bytes signature = 5;
    oneof payment { string card = 6; bool cash = 7; }
    google.protobuf.Timestamp at = 8;
    optional string note = 9;
    double weight = 10;
  }
`;

interface Order {
  readonly lines: readonly { readonly item: string; readonly countOfItems: number }[];
  readonly points: Readonly<Record<string, number>>;
  readonly totalCents: bigint;
  readonly size: 'SIZE_UNKNOWN' | 'SIZE_LARGE';
  readonly signature: Uint8Array;
  readonly card?: string;
  readonly cash?: boolean;
  readonly at: { readonly seconds: bigint; readonly nanos: number } | null;
  readonly note?: string;
  readonly weight: number;
}

const ORDER: Order = {
  lines: [{ item: 'lamp', countOfItems: 2 }],
  points: { ada: 7 },
  totalCents: 2n ** 60n + 1n,
  size: 'SIZE_LARGE',
  signature: Buffer.from('abc'),
  card: '4711',
  at: { seconds: 1_700_000_000n, nanos: 5 },
  weight: 0.5,
};
const EMPTY = {
  lines: [],
  points: {},
  totalCents: 0n,
  size: 'SIZE_UNKNOWN',
  signature: Buffer.alloc(0),
  at: null,
  weight: 0,
};

function serdes() {
  const registry = client();
  return {
    registry,
    orders: protobuf<Order>(registry, { schema: SHOP, message: 'shop.Order', autoRegister: true }),
  };
}

test('what is written is read, with 64 bits, enums, maps, oneofs and imports from Google', async () => {
  const { orders, registry } = serdes();
  assert.deepEqual(await throughTopic(orders, ORDER, orders), ORDER);
  assert.deepEqual(await throughTopic(orders, ORDER, protobuf<Order>(registry)), ORDER);
  const empty = await throughTopic(
    protobuf<object>(registry, { schema: SHOP, message: 'Order' }),
    {},
    orders,
  );
  assert.deepEqual(empty, EMPTY);
  const texts = protobuf<{ totalCents: string }>(registry, {
    schema: SHOP,
    message: 'Order',
    longs: 'string',
  });
  assert.equal((await throughTopic(orders, ORDER, texts)).totalCents, '1152921504606846977');
});

test('the bytes name the message by its place in the file, the first by one zero', async () => {
  const { orders, registry } = serdes();
  const refunds = protobuf<{ reason: string }>(registry, { schema: SHOP, message: 'Refund' });
  const lines = protobuf<{ item: string }>(registry, { schema: SHOP, message: 'shop.Order.Line' });
  await orders.prepareToWrite(VALUES);
  await refunds.prepareToWrite(VALUES);
  await lines.prepareToWrite(VALUES);
  const behindId = (bytes: Buffer) => bytes.subarray(5).toString('hex');
  assert.equal(behindId(refunds.serialize({ reason: 'a' }, VALUES)), '000a0161');
  assert.equal(behindId(orders.serialize({ ...EMPTY, weight: 0 } as Order, VALUES)).slice(0, 4), '0202');
  assert.equal(behindId(lines.serialize({ item: 'a' }, VALUES)), '0402000a0161');
});

test('a message that is another than is wanted is refused, by name', async () => {
  const { orders, registry } = serdes();
  const refunds = protobuf<{ reason: string }>(registry, {
    schema: SHOP,
    message: 'Refund',
    autoRegister: true,
  });
  await assert.rejects(throughTopic(refunds, { reason: 'late' }, orders), /it is a Refund, not a Order/);
  await orders.prepareToWrite(VALUES);
  const bytes = Buffer.from(orders.serialize(ORDER, VALUES));
  bytes[6] = 18;
  await assert.rejects(readBack(bytes, orders), /a message that its schema does not have/);
});

test('a schema of several messages needs to be told which, and names them', async () => {
  const registry = client();
  const options = { schema: SHOP, autoRegister: true };
  await assert.rejects(protobuf(registry, options).prepareToWrite(VALUES), {
    message: 'its schema has the messages Refund, Order, Order.Line: the option "message" does not say which',
  });
  await assert.rejects(
    protobuf(registry, { ...options, message: 'Odrer' }).prepareToWrite(VALUES),
    /none is "Odrer"/,
  );
});

test('a reader with a schema of its own gets what was written by an older one', async () => {
  const registry = client();
  const older = protobuf<object>(registry, {
    schema: 'syntax = "proto3"; package old; message Order { string item = 1; string gone = 2; }',
    autoRegister: true,
  });
  const newer = protobuf<object>(registry, {
    schema: 'syntax = "proto3"; package shop; message Order { string item = 1; int32 count = 3; }',
  });
  assert.deepEqual(await throughTopic(older, { item: 'lamp', gone: 'x' }, newer), { item: 'lamp', count: 0 });
});

test('imports are found by reference, in text and as descriptors', async () => {
  const registry = client();
  const address = 'syntax = "proto3"; package geo; message Address { string city = 1; }';
  await registry.register('address', { type: 'PROTOBUF', text: address, references: [] });
  const parcel = `syntax = "proto3"; package geo; import "geo/address.proto";
    message Parcel { Address to = 1; }`;
  const references = [{ name: 'geo/address.proto', subject: 'address', version: 1 }];
  const parcels = protobuf<object>(registry, { schema: parcel, references, autoRegister: true });
  const value = { to: { city: 'Prague' } };
  assert.deepEqual(await throughTopic(parcels, value, protobuf<object>(registry)), value);
  const alone = protobuf<object>(registry, { schema: parcel, autoRegister: true });
  await assert.rejects(
    alone.prepareToWrite(VALUES),
    /imports "geo\/address.proto", which is none of its references/,
  );
});

test('a schema that was registered as a descriptor is read', async () => {
  const registry = client();
  const root = protobufjs.parse(SHOP.replace(/import.*|.*Timestamp.*/g, '')).root;
  root.resolveAll();
  const { file } = root.toDescriptor('proto3') as unknown as { file: descriptor.IFileDescriptorProto[] };
  const own = file.find((each) => each.package === 'shop')!;
  const text = Buffer.from(descriptor.FileDescriptorProto.encode(own).finish()).toString('base64');
  const id = await registry.register('described', { type: 'PROTOBUF', text, references: [] });
  const { orders } = serdes();
  await orders.prepareToWrite(VALUES);
  const bytes = Buffer.from(orders.serialize({ ...ORDER, at: null }, VALUES));
  bytes.writeInt32BE(id, 1);
  const { at: _, ...rest } = ORDER;
  assert.deepEqual(await readBack(bytes, protobuf<object>(registry)), rest);
});

test('a descriptor finds what it imports among its references', async () => {
  const registry = client();
  const { FileDescriptorProto } = descriptor;
  const described = (file: descriptor.IFileDescriptorProto) => ({
    type: 'PROTOBUF' as const,
    text: Buffer.from(FileDescriptorProto.encode(file).finish()).toString('base64'),
  });
  const city = { name: 'city', number: 1, type: 9, label: 1 };
  const to = { name: 'to', number: 1, type: 11, label: 1, typeName: '.geo.Place' };
  const base = { syntax: 'proto3', package: 'geo' };
  const place = described({ ...base, name: 'place.proto', messageType: [{ name: 'Place', field: [city] }] });
  const trip = { name: 'Trip', field: [to] };
  const dependency = ['place.proto'];
  const trips = described({ ...base, name: 'trip.proto', dependency, messageType: [trip] });
  await registry.register('place', { ...place, references: [] });
  const references = [{ name: 'place.proto', subject: 'place', version: 1 }];
  const id = await registry.register('trip', { ...trips, references });
  const bytes = Buffer.from('0000000000000a030a0141', 'hex');
  bytes.writeInt32BE(id, 1);
  assert.deepEqual(await readBack(bytes, protobuf<object>(registry)), { to: { city: 'A' } });
});

test('a value that does not fit is refused with where, and not made into something else', async () => {
  const { orders } = serdes();
  await orders.prepareToWrite(VALUES);
  const cases: readonly [object, string][] = [
    [{ weight: 'heavy' }, 'its weight is not a number'],
    [{ totalCents: 'many' }, 'its totalCents is not a whole number of int64'],
    [{ totalCents: 2n ** 63n }, 'its totalCents is not a whole number of int64'],
    [
      { lines: [{ item: 'a' }, { countOfItems: 2 ** 31 }] },
      'its lines[1].countOfItems is not a whole number of int32',
    ],
    [{ lines: {} }, 'its lines is not an array'],
    [{ points: { ada: -1 } }, 'its points["ada"] is not a whole number of uint32'],
    [{ size: 'HUGE' }, 'its size is not one of SIZE_UNKNOWN, SIZE_LARGE'],
    [{ signature: 'abc' }, 'its signature is not bytes'],
    [{ at: 5 }, 'its at is not a google.protobuf.Timestamp'],
    [{ totalCent: 5n }, 'shop.Order has no field "totalCent": did you mean "totalCents"?'],
  ];
  for (const [value, message] of cases)
    assert.throws(() => orders.serialize(value as Order, VALUES), { name: 'TypeError', message });
});

test('what is cut short or no schema is an error', async () => {
  const { orders, registry } = serdes();
  await orders.prepareToWrite(VALUES);
  const bytes = orders.serialize(ORDER, VALUES);
  await orders.prepareToRead(bytes, VALUES);
  for (let size = 0; size <= 6; size++)
    assert.throws(() => orders.deserialize(bytes.subarray(0, size), VALUES));
  assert.throws(() => orders.deserialize(bytes.subarray(0, bytes.length - 1), VALUES));
  const none = protobuf<object>(registry, { schema: 'message {', autoRegister: true });
  await assert.rejects(none.prepareToWrite(VALUES), /illegal/);
});
