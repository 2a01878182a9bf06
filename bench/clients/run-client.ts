// One client at one task, in a process of its own: takes its name and what to do as JSON, prints what came of it as JSON.
import { FrameConnection } from '../load/frame-connection.ts';
import { batchOf, produceError, produceFrame } from '../load/frames.ts';
import type { BenchClient } from './client.ts';
import type { ClientName, ClientResult, ClientSpec, SingleSpec } from './client-spec.ts';
import { measureConsume, measureEndToEnd, measureProduce, measureSingle } from './measurements.ts';

/** Only the one that is measured is loaded. */
async function clientNamed(name: ClientName): Promise<BenchClient> {
  switch (name) {
    case 'odradek':
      return (await import('./makers/odradek.ts')).odradek;
    case 'kafkajs':
      return (await import('./makers/kafkajs.ts')).kafkajs;
    case 'platformatic':
      return (await import('./makers/platformatic.ts')).platformatic;
    case 'node-rdkafka':
      return (await import('./makers/node-rdkafka.ts')).nodeRdkafka;
    case 'confluent':
      return (await import('./makers/confluent.ts')).confluent;
    case 'bare-socket':
      throw new Error('a bare socket only sends single records');
  }
}

async function run(name: ClientName, spec: ClientSpec): Promise<ClientResult> {
  if (name === 'bare-socket' && spec.kind === 'single') return measureBareSocket(spec);
  const client = await clientNamed(name);
  switch (spec.kind) {
    case 'single': {
      const { topic, partitions } = spec;
      const bootstrap = `${spec.host}:${spec.port}`;
      const producer = await client.produce({
        bootstrap,
        topic,
        partitions,
        lingerMs: 0,
        batchBytes: 16_384,
      });
      const result = await measureSingle(spec, (value) => producer.send(value));
      await producer.close();
      return result;
    }
    case 'produce':
      return measureProduce(client, spec);
    case 'consume':
      return measureConsume(client, spec);
    case 'end-to-end':
      return measureEndToEnd(client, spec);
  }
}

/** The round trip to the broker and nothing else: one prepared request, its answer awaited, again. */
async function measureBareSocket(spec: SingleSpec): Promise<ClientResult> {
  const frame = produceFrame(spec.topic, 0, -1, batchOf(1, spec.recordBytes));
  let answered = (): void => {};
  let failed = (_error: Error): void => {};
  const connection = await FrameConnection.open(
    spec.host,
    spec.port,
    (answer) => {
      const code = produceError(answer, spec.topic);
      if (code === 0) answered();
      else failed(new Error(`a record was refused with error ${code}`));
    },
    (error) => failed(error),
  );
  const result = await measureSingle(
    spec,
    () =>
      new Promise<void>((resolve, reject) => {
        answered = resolve;
        failed = reject;
        connection.send(frame);
      }),
  );
  connection.close();
  return result;
}

const [, , name, spec] = process.argv;
if (spec === undefined) throw new Error('use: run-client.ts CLIENT JSON (see client-spec.ts)');
try {
  const result = await run(name as ClientName, JSON.parse(spec) as ClientSpec);
  process.stdout.write(`${JSON.stringify(result)}\n`, () => process.exit(0));
} catch (error) {
  process.stderr.write(`${(error as Error).stack}\n`, () => process.exit(1));
}
