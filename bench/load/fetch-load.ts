import { setTimeout as sleep } from 'node:timers/promises';
import { FrameConnection } from './frame-connection.ts';
import {
  batchOf,
  fetchFrame,
  produceError,
  produceFrame,
  readFetchHead,
  setFetchOffset,
  type Batch,
} from './frames.ts';
import type { FetchSpec, LoadResult } from './load-spec.ts';
import { Measurement } from './measurement.ts';

const FILL_IN_FLIGHT = 5;

/** Reads what was written before, as fast as it comes, one request under way per connection, round and round. */
export async function fetchLoad(spec: FetchSpec): Promise<LoadResult> {
  const batch = batchOf(spec.batchBytes, spec.recordBytes);
  const batches = Math.ceil(spec.fillBytes / batch.bytes.length);
  for (let partition = 0; partition < spec.partitions; partition++) {
    await fill(spec, partition, batch, batches);
  }
  const measurement = new Measurement(spec.brokerPid);
  let fail: (error: Error) => void = () => {};
  const failure = new Promise<never>((_, reject) => (fail = reject));
  const readers = await Promise.all(
    Array.from({ length: spec.connections }, async (_, index) => {
      const partition = index % spec.partitions;
      const frame = fetchFrame(spec.topic, partition, 0, spec.fetchBytes);
      let at = 0;
      const reader: FrameConnection = await FrameConnection.open(
        spec.host,
        spec.port,
        (answer) => {
          const { errorCode, recordBytes, baseOffset } = readFetchHead(answer, spec.topic);
          const got = Math.floor(recordBytes / batch.bytes.length);
          if (errorCode !== 0 || got === 0 || baseOffset !== at * batch.records) {
            fail(new Error(`error ${errorCode}, ${recordBytes} bytes from offset ${baseOffset}`));
          }
          measurement.requests++;
          measurement.records += got * batch.records;
          measurement.bytes += got * batch.bytes.length;
          at = at + got >= batches ? 0 : at + got;
          setFetchOffset(frame, at * batch.records);
          reader.send(frame);
        },
        fail,
      );
      reader.send(frame);
      return reader;
    }),
  );
  const measured = async (): Promise<LoadResult> => {
    await sleep(spec.warmUpMs);
    measurement.begin();
    await sleep(spec.measureMs);
    return measurement.end();
  };
  try {
    return await Promise.race([measured(), failure]);
  } finally {
    for (const reader of readers) reader.close();
  }
}

/** Writes `batches` batches to one partition. */
async function fill(spec: FetchSpec, partition: number, batch: Batch, batches: number): Promise<void> {
  const frame = produceFrame(spec.topic, partition, 1, batch);
  let sent = 0;
  let answered = 0;
  await new Promise<void>((resolve, reject) => {
    const opening = FrameConnection.open(
      spec.host,
      spec.port,
      (answer) => {
        const code = produceError(answer, spec.topic);
        if (code !== 0) reject(new Error(`a batch was refused with error ${code}`));
        answered++;
        void opening.then((connection) => {
          if (sent < batches) {
            sent++;
            connection.send(frame);
          } else if (answered === batches) {
            connection.close();
            resolve();
          }
        });
      },
      reject,
    );
    opening.then((connection) => {
      for (; sent < Math.min(FILL_IN_FLIGHT, batches); sent++) connection.send(frame);
    }, reject);
  });
}
