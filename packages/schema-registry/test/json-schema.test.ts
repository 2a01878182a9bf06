import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Ajv } from 'ajv';
import { avro, jsonSchema } from '../src/index.ts';
import { VALUES, readBack, throughTopic, withRegistry } from './support/with-registry.ts';

const { client } = withRegistry();
const ORDER = {
  $schema: 'http://json-schema.org/draft-07/schema#',
  title: 'Order',
  type: 'object',
  properties: { item: { type: 'string' }, count: { type: 'integer', minimum: 1 } },
  required: ['item'],
  'connect.version': 1,
};

interface Order {
  readonly item: string;
  readonly count?: number;
}

test('what is written is JSON behind the mark, and is read', async () => {
  const registry = client();
  const orders = jsonSchema<Order>(registry, { schema: ORDER, autoRegister: true });
  await orders.prepareToWrite(VALUES);
  const bytes = orders.serialize({ item: 'lamp', count: 2 }, VALUES);
  assert.equal(bytes.subarray(5).toString(), '{"item":"lamp","count":2}');
  assert.deepEqual(await readBack(bytes, orders), { item: 'lamp', count: 2 });
  assert.deepEqual(await readBack(bytes, jsonSchema<Order>(registry)), { item: 'lamp', count: 2 });
});

test('what does not fit is neither written nor read, and nothing of it is said', async () => {
  const registry = client();
  const orders = jsonSchema<unknown>(registry, { schema: ORDER, autoRegister: true });
  const anything = jsonSchema<unknown>(registry, {
    schema: { type: ['object', 'null'] },
    autoRegister: true,
  });
  await orders.prepareToWrite(VALUES);
  assert.throws(() => orders.serialize({ item: 'lamp', count: 0 }, VALUES), {
    message: 'its /count must be >= 1',
  });
  assert.throws(() => orders.serialize({}, VALUES), { message: "it must have required property 'item'" });
  assert.throws(() => orders.serialize(undefined, VALUES), /undefined has no form in JSON/);
  assert.throws(() => orders.serialize({ item: new Date(Number.NaN) }, VALUES), /its \/item must be string/);
  await assert.rejects(throughTopic(anything, { item: 7 }, orders), { message: 'its /item must be string' });
  const bytes = Buffer.concat([
    orders.serialize({ item: 'a' }, VALUES).subarray(0, 5),
    Buffer.from('secret'),
  ]);
  await assert.rejects(readBack(bytes, orders), { message: 'it is no JSON' });
});

test('references are found by name, also relative to the id of who refers to them', async () => {
  const registry = client();
  const city = { type: 'string', maxLength: 6 };
  await registry.register('city', { type: 'JSON', text: JSON.stringify(city), references: [] });
  const address = { $id: 'http://shop.example/address.json', properties: { city: { $ref: 'city.json' } } };
  const toCity = { name: 'city.json', subject: 'city', version: 1 };
  await registry.register('address', { type: 'JSON', text: JSON.stringify(address), references: [toCity] });
  const references = [{ name: 'address.json', subject: 'address', version: 1 }];
  for (const [$id, $ref] of [
    [undefined, 'http://shop.example/address.json'],
    ['http://shop.example/parcel.json', 'address.json'],
  ] as const) {
    const schema = { ...($id && { $id }), properties: { to: { $ref } } };
    const named = references.map((each) => ({ ...each, name: $ref }));
    const parcels = jsonSchema<object>(registry, { schema, references: named, autoRegister: true });
    const value = { to: { city: 'Prague' } };
    assert.deepEqual(await throughTopic(parcels, value, jsonSchema<object>(registry)), value);
    assert.throws(
      () => parcels.serialize({ to: { city: 'Budapest' } }, VALUES),
      /\/to\/city must NOT have more/,
    );
  }
});

test('the draft is the one that the schema names', async () => {
  const registry = client();
  for (const $schema of [
    'https://json-schema.org/draft/2020-12/schema',
    'https://json-schema.org/draft/2019-09/schema',
    'http://json-schema.org/draft-07/schema#',
  ]) {
    const texts = jsonSchema<string>(registry, { schema: { $schema, type: 'string' }, autoRegister: true });
    assert.equal(await throughTopic(texts, 'a', texts), 'a');
  }
  const schema = { $schema: 'http://json-schema.org/draft-04/schema#', type: 'string' };
  const older = jsonSchema<string>(registry, { schema, autoRegister: true });
  await assert.rejects(older.prepareToWrite(VALUES), /draft-04.*allowed are draft-07, 2019-09 and 2020-12/);
});

test('a validator of the application has its own formats', async () => {
  const validator = (): Ajv => new Ajv({ formats: { shout: /^[A-Z]+$/ } });
  const shouts = jsonSchema<string>(client(), {
    schema: { type: 'string', format: 'shout' },
    validator,
    autoRegister: true,
  });
  assert.equal(await throughTopic(shouts, 'HELLO', shouts), 'HELLO');
  assert.throws(() => shouts.serialize('hello', VALUES), /must match format "shout"/);
});

test('a record with a schema of another kind is refused', async () => {
  const registry = client();
  const texts = avro(registry, { schema: 'string', autoRegister: true });
  await assert.rejects(throughTopic(texts, 'a', jsonSchema<string>(registry)), {
    code: 'OTHER_SCHEMA_TYPE',
    message: 'its schema is of type AVRO, not JSON',
  });
});
