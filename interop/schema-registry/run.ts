// What our serializers write Confluent's read, and the reverse: confluent-kafka's for Python, over Odradek and Apache Kafka,
// with one registry for both, asked by its client and by ours.
//   npm run prove:schema-registry -- [--target odradek,kafka-3.9,kafka-4.4]
// The registry is the one of @odradek/testing: no other can be had from the package registries.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import protobufjs from 'protobufjs';
import descriptor from 'protobufjs/ext/descriptor.js';
import { Cluster, Consumer, Producer, createTopic, type SerdePlace } from '@odradek/client';
import { SchemaRegistry, avro, jsonSchema, protobuf, type RegistrySerde } from '@odradek/schema-registry';
import { startSchemaRegistry, type TestSchemaRegistry } from '@odradek/testing';
import { outputOf, pythonProgram } from '../programs.ts';
import { Steps } from '../steps.ts';
import { parseTargetName, startTarget } from '../targets/start-target.ts';
import { targetNames } from '../targets/target.ts';
import { FORMAT_CASES, referencesOf, type FormatCase } from './cases.ts';

const PEER_MAX_MS = 60_000;
const { values: options } = parseArgs({
  options: { target: { type: 'string', default: targetNames.join(',') } },
});
const steps = new Steps();
for (const name of options.target.split(',').map(parseTargetName)) {
  const target = await startTarget(name, { quickStart: true });
  const server = await startSchemaRegistry();
  const registry = new SchemaRegistry({ urls: server.url });
  try {
    await steps.take(`${name}: what ours write is read by confluent-kafka`, () =>
      oursToTheirs(target.bootstrap, server, registry),
    );
    await steps.take(`${name}: what confluent-kafka writes is read by ours`, () =>
      theirsToOurs(target.bootstrap, server, registry),
    );
  } finally {
    registry.close();
    await server.close();
    await target.stop();
  }
}
steps.close();

async function oursToTheirs(
  bootstrapServers: string,
  server: TestSchemaRegistry,
  registry: SchemaRegistry,
): Promise<string> {
  const topics = await prepared(bootstrapServers, registry, 'ours');
  const producer = new Producer({ bootstrapServers });
  for (const { each, topic } of topics) {
    const serde = serdeOf(registry, each, true);
    const place: SerdePlace = { topic, part: each.part };
    await serde.prepareToWrite(place);
    for (const value of each.values) {
      const bytes = serde.serialize(value, place);
      const other = Buffer.alloc(0);
      await producer.send({
        topic,
        ...(each.part === 'key' ? { key: bytes, value: other } : { value: bytes }),
      });
    }
  }
  await producer.close();
  const lines = await peer('read', bootstrapServers, server, topics);
  const read = lines
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { topic: string; values: readonly object[] });
  for (const { each, topic } of topics)
    assert.deepEqual(read.find((found) => found.topic === topic)?.values, each.values, topic);
  return `${topics.length} topics`;
}

async function theirsToOurs(
  bootstrapServers: string,
  server: TestSchemaRegistry,
  registry: SchemaRegistry,
): Promise<string> {
  const topics = await prepared(bootstrapServers, registry, 'theirs');
  await peer('write', bootstrapServers, server, topics);
  for (const { each, topic } of topics) {
    for (const hasOwnSchema of [true, false]) {
      const serde = serdeOf(registry, each, hasOwnSchema);
      const values = await readTopic(bootstrapServers, serde, { topic, part: each.part }, each.values.length);
      assert.deepEqual(values, each.values.map(plain), topic);
    }
  }
  return `${topics.length} topics, with schemas of their own and without`;
}

interface Topic {
  readonly each: FormatCase;
  readonly topic: string;
}

/** Topics of one partition, and the schemas that others refer to. */
async function prepared(
  bootstrapServers: string,
  registry: SchemaRegistry,
  by: string,
): Promise<readonly Topic[]> {
  const cluster = new Cluster({ bootstrapServers });
  const topics: Topic[] = [];
  for (const each of FORMAT_CASES) {
    const topic = `${each.topic}-${by}`;
    await createTopic(cluster, { name: topic, partitions: 1 });
    for (const { subject, schema } of each.needs)
      await registry.register(subject, { type: each.format, text: schema, references: [] });
    topics.push({ each, topic });
  }
  cluster.close();
  return topics;
}

function serdeOf(registry: SchemaRegistry, each: FormatCase, hasOwnSchema: boolean): RegistrySerde<object> {
  const references = referencesOf(each);
  const options = hasOwnSchema ? { references, autoRegister: true } : {};
  if (each.format === 'PROTOBUF')
    return protobuf(registry, hasOwnSchema ? { ...options, schema: each.schema, message: each.message } : {});
  const schema = JSON.parse(each.schema) as { readonly type: string };
  return each.format === 'AVRO'
    ? avro<object>(registry, hasOwnSchema ? { ...options, schema } : {})
    : jsonSchema<object>(registry, hasOwnSchema ? { ...options, schema } : {});
}

async function readTopic(
  bootstrapServers: string,
  serde: RegistrySerde<object>,
  place: SerdePlace,
  count: number,
): Promise<unknown[]> {
  const consumer = new Consumer({ bootstrapServers });
  const values: unknown[] = [];
  await consumer.assign([{ topic: place.topic, partition: 0, from: 'earliest' }]);
  for await (const { records } of consumer.batches()) {
    for (const record of records) {
      const bytes = record[place.part];
      await serde.prepareToRead(bytes, place, record.headers);
      values.push(plain(serde.deserialize(bytes, place, record.headers)));
    }
    if (values.length >= count) break;
  }
  await consumer.close();
  return values;
}

function plain(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value));
}

/** Not to be waited for synchronously: the registry lives in this process. @returns what it wrote to its standard output */
async function peer(
  what: 'read' | 'write',
  bootstrapServers: string,
  server: TestSchemaRegistry,
  topics: readonly Topic[],
): Promise<string> {
  const given = topics.map(({ each, topic }) => ({
    ...{ topic, part: each.part, format: each.format, schema: each.schema, message: each.message },
    ...{ values: each.values, count: each.values.length, references: referencesOf(each) },
    descriptors: each.format === 'PROTOBUF' ? descriptorsOf(each) : [],
  }));
  const program = pythonProgram(join(import.meta.dirname, 'peer.py'));
  return outputOf([...program, bootstrapServers, server.url, what, JSON.stringify(given)], PEER_MAX_MS);
}

/** Files as Python takes them, which compiles none itself; those that are imported first. */
function descriptorsOf({ needs, schema }: FormatCase): readonly string[] {
  const files = [...needs, { name: 'parcel.proto', schema }];
  const root = new protobufjs.Root();
  for (const { name, schema } of files) {
    const alone = new protobufjs.Root();
    protobufjs.parse(schema, alone);
    protobufjs.parse(schema, root);
    alone.filename = name;
  }
  root.resolveAll();
  const { file } = root.toDescriptor('proto3') as unknown as { file: descriptor.IFileDescriptorProto[] };
  const whole = file.find((each) => each.package === 'shop')!;
  return files.map(({ name, schema }) => {
    const isOwn = (message: { name?: string | null }): boolean =>
      schema.includes(`message ${message.name} {`);
    const messageType = (whole.messageType ?? []).filter(isOwn);
    const dependency = name === 'parcel.proto' ? needs.map((need) => need.name) : [];
    const own = { ...whole, name, messageType, dependency };
    return Buffer.from(descriptor.FileDescriptorProto.encode(own).finish()).toString('base64');
  });
}
