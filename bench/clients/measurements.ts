import { setTimeout as sleep } from 'node:timers/promises';
import type { BenchClient } from './client.ts';
import type {
  ClientResult,
  ConsumeSpec,
  EndToEndSpec,
  Latency,
  ProduceSpec,
  SingleSpec,
} from './client-spec.ts';

/** Of a topic that is read, so much does not count. */
const WARM_UP_SHARE = 0.2;
const SILENCE_MAX_MS = 30_000;

/** Counts from the end of the warm-up on. */
class Count {
  records = 0;
  private startedMs = performance.now();
  private cpu = process.cpuUsage();

  begin(): void {
    this.records = 0;
    this.startedMs = performance.now();
    this.cpu = process.cpuUsage();
  }

  get elapsedMs(): number {
    return performance.now() - this.startedMs;
  }

  end(latencies?: readonly number[]): ClientResult {
    const { user, system } = process.cpuUsage(this.cpu);
    return {
      seconds: this.elapsedMs / 1000,
      records: this.records,
      cpuSeconds: (user + system) / 1e6,
      rssBytes: process.memoryUsage.rss(),
      ...(latencies === undefined ? {} : { latency: latencyOf(latencies) }),
    };
  }
}

/** @param send one record; a promise of its acknowledgement */
export async function measureSingle(
  { recordBytes, warmUpMs, measureMs }: SingleSpec,
  send: (value: Buffer) => Promise<unknown>,
): Promise<ClientResult> {
  const value = Buffer.alloc(recordBytes, 'x');
  const count = new Count();
  const latencies: number[] = [];
  while (count.elapsedMs < warmUpMs) await send(value);
  count.begin();
  while (count.elapsedMs < measureMs) {
    const startedMs = performance.now();
    await send(value);
    latencies.push(performance.now() - startedMs);
    count.records++;
  }
  return count.end(latencies);
}

export async function measureProduce(client: BenchClient, spec: ProduceSpec): Promise<ClientResult> {
  const { host, port, topic, partitions, recordBytes, warmUpMs, measureMs, lingerMs, batchBytes } = spec;
  const bootstrap = `${host}:${port}`;
  const producer = await client.produce({ bootstrap, topic, partitions, lingerMs, batchBytes });
  const value = Buffer.alloc(recordBytes, 'x');
  const count = new Count();
  let result: ClientResult | null = null;
  const streaming = producer.stream({
    value,
    isOver: () => result !== null,
    acknowledged: (records) => void (count.records += records),
  });
  // What is still under way at either end is as much.
  await Promise.race([sleep(warmUpMs), streaming]);
  count.begin();
  await Promise.race([sleep(measureMs), streaming]);
  result = count.end();
  await streaming;
  await producer.close();
  return result;
}

export async function measureConsume(client: BenchClient, spec: ConsumeSpec): Promise<ClientResult> {
  const { host, port, topic, measureMs, handler, records } = spec;
  const count = new Count();
  let total = 0;
  let isCounting = false;
  let result: ClientResult | null = null;
  const done = Promise.withResolvers<void>();
  const groupId = `bench-${process.pid}-${Date.now()}`;
  const stop = await client.consume({
    bootstrap: `${host}:${port}`,
    topic,
    groupId,
    handler,
    from: 'earliest',
    received: (received) => {
      total += received;
      count.records += received;
      if (!isCounting && total >= records * WARM_UP_SHARE) {
        isCounting = true;
        count.begin();
      } else if (
        isCounting &&
        result === null &&
        (total >= records || isTimeOver(count, received, measureMs))
      ) {
        result = count.end();
        done.resolve();
      }
    },
  });
  await Promise.race([done.promise, silence(() => total)]);
  await ended(stop);
  return result!;
}

/** However a client gets done with closing: the figures are there already. */
async function ended(stop: () => Promise<unknown>): Promise<void> {
  await Promise.race([stop().catch(() => undefined), sleep(2_000)]);
}

/** The clock is not looked at for each record. */
function isTimeOver(count: Count, received: number, measureMs: number): boolean {
  return (received > 1 || count.records % 256 === 0) && count.elapsedMs >= measureMs;
}

export async function measureEndToEnd(client: BenchClient, spec: EndToEndSpec): Promise<ClientResult> {
  const { host, port, topic, partitions, recordBytes, warmUpMs, measureMs, recordsPerSecond } = spec;
  const bootstrap = `${host}:${port}`;
  const producer = await client.produce({ bootstrap, topic, partitions, lingerMs: 0, batchBytes: 16_384 });
  const count = new Count();
  const latencies: number[] = [];
  const isReading = Promise.withResolvers<void>();
  let isCounting = false;
  const stop = await client.consume({
    bootstrap,
    topic,
    groupId: `bench-${process.pid}-${Date.now()}`,
    handler: 'message',
    from: 'earliest',
    received: (received, value) => {
      isReading.resolve();
      if (!isCounting) return;
      latencies.push(performance.now() - value.readDoubleLE(0));
      count.records += received;
    },
  });
  const send = async (): Promise<void> => {
    const value = Buffer.alloc(recordBytes, 'x');
    value.writeDoubleLE(performance.now(), 0);
    await producer.send(value);
  };
  // The consumer has its partitions once it sees something.
  await send();
  await isReading.promise;
  const intervalMs = 1000 / recordsPerSecond;
  const startMs = performance.now();
  const sends: Promise<void>[] = [];
  let sent = 0;
  for (;;) {
    const nowMs = performance.now() - startMs;
    if (!isCounting && nowMs >= warmUpMs) {
      isCounting = true;
      count.begin();
    }
    if (nowMs >= warmUpMs + measureMs) break;
    for (; sent * intervalMs <= nowMs; sent++) sends.push(send());
    await sleep(1);
  }
  const result = count.end(latencies);
  await Promise.all(sends);
  await ended(stop);
  await producer.close();
  return result;
}

/** @throws Error when nothing has come for long */
async function silence(total: () => number): Promise<never> {
  for (;;) {
    const before = total();
    await sleep(SILENCE_MAX_MS);
    if (total() === before) throw new Error(`nothing came for ${SILENCE_MAX_MS} ms, after ${before} records`);
  }
}

function latencyOf(values: readonly number[]): Latency {
  if (values.length === 0) throw new Error('nothing came back in the measured time');
  const sorted = values.toSorted((a, b) => a - b);
  const at = (share: number): number =>
    sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]!;
  return { p50: at(0.5), p99: at(0.99) };
}
