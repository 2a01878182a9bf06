import { FrameConnection } from './frame-connection.ts';
import { batchOf, fetchFrame, produceError, produceFrame, readFetchHead, setFetchOffset } from './frames.ts';
import type { LatencySpec, LoadResult, Percentiles } from './load-spec.ts';
import { Measurement } from './measurement.ts';

const FETCH_BYTES = 8 * 1024 * 1024;

/**
 * Sends batches at a fixed rate and follows them with a consumer. Latency counts from the time at which a batch was
 * due, so that a broker that stalls pays for all that had to wait behind it. Spins instead of sleeping: timers of a
 * millisecond would be larger than what is measured.
 */
export async function latencyLoad(spec: LatencySpec): Promise<LoadResult> {
  const batch = batchOf(spec.batchBytes, spec.recordBytes);
  const measurement = new Measurement(spec.brokerPids);
  const intervalMs = 1000 / spec.rate;
  const acknowledged: number[] = [];
  const endToEnd: number[] = [];
  let sent = 0;
  let answered = 0;
  let seen = 0;
  let firstCounted = Infinity;
  let failed: Error | null = null;
  const fail = (error: Error): void => {
    failed ??= error;
  };

  const frame = produceFrame(spec.topic, 0, spec.acks, batch);
  const producer = await FrameConnection.open(
    spec.host,
    spec.ports[0]!,
    (answer) => {
      const code = produceError(answer, spec.topic);
      if (code !== 0) fail(new Error(`a batch was refused with error ${code}`));
      if (answered >= firstCounted) acknowledged.push(performance.now() - dueMs(answered));
      answered++;
    },
    fail,
  );
  const fetching = fetchFrame(spec.topic, 0, 0, FETCH_BYTES);
  const consumer: FrameConnection = await FrameConnection.open(
    spec.host,
    spec.ports[0]!,
    (answer) => {
      const { errorCode, recordBytes } = readFetchHead(answer, spec.topic);
      if (errorCode !== 0) return fail(new Error(`a fetch was refused with error ${errorCode}`));
      const nowMs = performance.now();
      for (let got = Math.floor(recordBytes / batch.bytes.length); got > 0; got--, seen++) {
        if (seen >= firstCounted) endToEnd.push(nowMs - dueMs(seen));
      }
      setFetchOffset(fetching, seen * batch.records);
      consumer.send(fetching);
    },
    fail,
  );
  consumer.send(fetching);

  const startMs = performance.now();
  const dueMs = (index: number): number => startMs + index * intervalMs;
  const countFromMs = startMs + spec.warmUpMs;
  const endMs = countFromMs + spec.measureMs;
  for (;;) {
    const nowMs = performance.now();
    if (nowMs >= endMs || failed !== null) break;
    if (firstCounted === Infinity && nowMs >= countFromMs) {
      firstCounted = sent;
      measurement.begin();
    }
    for (; dueMs(sent) <= nowMs; sent++) producer.send(frame);
    await new Promise((resolve) => setImmediate(resolve));
  }
  if (failed !== null) throw failed as Error;
  measurement.requests = acknowledged.length;
  measurement.records = acknowledged.length * batch.records;
  measurement.bytes = acknowledged.length * batch.payloadBytes;
  const result = measurement.end();
  producer.close();
  await consumer.close();
  return {
    ...result,
    latency: { acknowledged: percentilesOf(acknowledged), endToEnd: percentilesOf(endToEnd) },
  };
}

function percentilesOf(values: number[]): Percentiles {
  if (values.length === 0) throw new Error('nothing came back in the measured time');
  values.sort((a, b) => a - b);
  const at = (share: number): number =>
    values[Math.min(values.length - 1, Math.floor(values.length * share))]!;
  return { p50: at(0.5), p99: at(0.99) };
}
