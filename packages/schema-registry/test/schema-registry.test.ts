import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startSchemaRegistry } from '@odradek/testing/schema-registry/start-schema-registry.ts';
import { RegistryError, SchemaRegistry, type Schema } from '../src/index.ts';
import { withRegistry } from './support/with-registry.ts';

const { server, client } = withRegistry();

function schema(text: string, references: Schema['references'] = []): Schema {
  return { type: 'AVRO', text: JSON.stringify(text), references };
}

function asked(what: string): number {
  return server().requests.filter((request) => request.what === what).length;
}

test('a schema that is registered is found by id, version and content', async () => {
  const registry = client();
  const id = await registry.register('a/b c-value', schema('string'));
  assert.equal(await registry.idOf('a/b c-value', schema('string')), id);
  assert.deepEqual(await registry.schemaById(id), schema('string'));
  const expected = { ...schema('string'), id, subject: 'a/b c-value', version: 1 };
  assert.deepEqual(await registry.schemaOf('a/b c-value', 'latest'), expected);
  assert.deepEqual(await registry.schemaOf('a/b c-value', 1), expected);
  assert.ok((await registry.subjects()).includes('a/b c-value'));
  assert.equal(await registry.isCompatible('a/b c-value', schema('int')), true);
  await registry.setCompatibility('a/b c-value', 'NONE');
});

test('many who want the same schema at once share one request, and later ones need none', async () => {
  const registry = client();
  const id = await registry.register('shared', schema('double'));
  const many = await Promise.all(Array.from({ length: 50 }, () => registry.schemaById(id)));
  assert.equal(new Set(many).size, 1);
  await registry.schemaById(id);
  assert.equal(asked(`GET /schemas/ids/${id}`), 1);
});

test('what was not found is asked for again', async () => {
  const registry = client();
  const wanted = schema('float');
  await assert.rejects(registry.idOf('later', wanted), {
    code: 'SUBJECT_NOT_FOUND',
    errorCode: 40401,
    status: 404,
  });
  await registry.register('later', schema('int'));
  await assert.rejects(registry.idOf('later', wanted), { code: 'SCHEMA_NOT_FOUND', errorCode: 40403 });
  await client().register('later', wanted);
  assert.equal(typeof (await registry.idOf('later', wanted)), 'number');
  await assert.rejects(registry.schemaById(9_999), { code: 'SCHEMA_NOT_FOUND', retriable: false });
  await assert.rejects(registry.schemaOf('later', 9), { code: 'VERSION_NOT_FOUND', errorCode: 40402 });
});

test('what is kept is bounded: the schema that was not used for longest is asked for again', async () => {
  const registry = client({ cachedSchemasMax: 2 });
  const ids = await Promise.all(
    ['a', 'b', 'c'].map((name) => registry.register(`kept-${name}`, schema(name))),
  );
  for (const id of [ids[0]!, ids[1]!, ids[0]!, ids[2]!, ids[0]!, ids[1]!]) await registry.schemaById(id);
  const counts = ids.map((id) => asked(`GET /schemas/ids/${id}`));
  assert.deepEqual(counts, [1, 2, 1]);
});

test('a server that fails, hangs up or cannot do it now is asked again', async () => {
  const registry = client();
  for (const fault of [{ error: 500 }, { error: 503 }, { error: 429 }, 'cut'] as const) {
    server().hurt(fault);
    assert.equal(typeof (await registry.register('hurt', schema('bytes'))), 'number');
    await registry.subjects();
  }
});

test('a refusal is not asked for again, and says what is wrong', async () => {
  const registry = client();
  const before = server().requests.length;
  for (const [status, code] of [
    [409, 'INCOMPATIBLE_SCHEMA'],
    [422, 'INVALID_SCHEMA'],
    [401, 'NOT_ALLOWED'],
    [403, 'NOT_ALLOWED'],
    [418, 'REGISTRY_REFUSED'],
  ] as const) {
    server().hurt({ error: status });
    const attempt = registry.register('refused', schema('null'));
    await assert.rejects(attempt, {
      name: 'RegistryError',
      code,
      status,
      retriable: false,
      message: /"refused": hurt$/,
    });
  }
  assert.equal(server().requests.length - before, 5);
});

test('an answer that is none of a registry is an error', async () => {
  const registry = client();
  server().hurt('garbage');
  await assert.rejects(registry.subjects(), { code: 'BAD_ANSWER', message: /no JSON/ });
  const small = client({ answerMaxBytes: 10 });
  await registry.register('large', schema('string'));
  await assert.rejects(small.schemaOf('large', 'latest'), {
    code: 'BAD_ANSWER',
    message: /answerMaxBytes, 10/,
  });
});

test('when nobody answers in time, that is said, and may be tried again', async () => {
  const silent = await startSchemaRegistry();
  silent.hurt('silence', 100);
  const registry = client({ urls: silent.url, requestTimeoutMs: 20, apiTimeoutMs: 50 });
  await assert.rejects(registry.subjects(), (error: RegistryError) => {
    assert.equal(error.code, 'REGISTRY_UNAVAILABLE');
    assert.equal(error.retriable, true);
    assert.match(
      error.message,
      /for the subjects in 50 ms, the last was 127\.0\.0\.1:\d+: .*not answered in/,
    );
    return true;
  });
  await silent.close();
});

test('of several servers the next is asked when one fails, and stays in use', async () => {
  const gone = await startSchemaRegistry();
  await gone.close();
  const second = await startSchemaRegistry();
  const registry = client({ urls: [gone.url, second.url], retryBackoffMs: 10_000 });
  assert.deepEqual(await registry.subjects(), []);
  assert.deepEqual(await registry.subjects(), []);
  assert.equal(second.requests.length, 2);
  await second.close();
});

test('it says who it is by name or by token, which is asked for each time', async () => {
  let tokens = 0;
  const named = client({ auth: { username: 'ada', password: 'lovelace' } });
  const marked = client({ auth: { token: () => `token-${++tokens}` } });
  await named.subjects();
  await marked.subjects();
  await marked.subjects();
  const seen = server()
    .requests.slice(-3)
    .map(({ authorization }) => authorization);
  assert.deepEqual(seen, ['Basic YWRhOmxvdmVsYWNl', 'Bearer token-1', 'Bearer token-2']);
});

test('references are brought with those that they refer to, each once and behind its own', async () => {
  const registry = client();
  await registry.register('ref-a', schema('a'));
  const toA = { name: 'a', subject: 'ref-a', version: 1 };
  await registry.register('ref-b', schema('b', [toA]));
  const toB = { name: 'b', subject: 'ref-b', version: 1 };
  const referenced = await registry.referencedBy(schema('c', [toB, toA]));
  assert.deepEqual(
    referenced.map(({ name, text }) => [name, text]),
    [
      ['a', '"a"'],
      ['b', '"b"'],
    ],
  );
  const toItself = { name: 'itself', subject: 'circle', version: 1 };
  await registry.register('circle', schema('d', [toItself]));
  await assert.rejects(registry.referencedBy(schema('e', [toItself])), {
    code: 'INVALID_SCHEMA',
    message: /"circle" refers to itself/,
  });
});

test('bad options are refused with what is allowed', () => {
  const cases: readonly [object, RegExp][] = [
    [{ urls: [] }, /urls is empty/],
    [
      { urls: 'localhost:8081' },
      /"localhost:8081" is no address of a registry, as http:\/\/host:8081 is one/,
    ],
    [{ urls: 'http://ada:lovelace@host' }, /names a user: give auth instead/],
    [
      { urls: 'http://host', requestTimeout: 1 },
      /no option "requestTimeout": did you mean "requestTimeoutMs"/,
    ],
    [{ urls: 'http://host', cachedSchemasMax: 0 }, /cachedSchemasMax is 0/],
  ];
  for (const [options, message] of cases)
    assert.throws(() => new SchemaRegistry(options as { urls: string }), { code: 'BAD_OPTION', message });
});

test('a registry that is closed ends what is under way', async () => {
  const silent = await startSchemaRegistry();
  silent.hurt('silence', 10);
  const registry = new SchemaRegistry({ urls: silent.url });
  const asking = assert.rejects(registry.subjects(), { code: 'CLOSED' });
  registry.close();
  await asking;
  await assert.rejects(registry.subjects(), { code: 'CLOSED' });
  await silent.close();
});
