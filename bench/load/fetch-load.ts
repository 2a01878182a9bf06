import { setTimeout as sleep } from 'node:timers/promises';
import { Failure } from './failure.ts';
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

/** Writes a log, or reads what was written before, as fast as it comes, one request under way per connection. */
export async function fetchLoad(spec: FetchSpec): Promise<LoadResult> {
  const batch = batchOf(spec.batchBytes, spec.recordBytes);
  const batches = Math.ceil(spec.fillBytes / batch.bytes.length);
  const measurement = new Measurement(spec.brokerPids);
  if (spec.phase === 'fill') {
    measurement.begin();
    for (let partition = 0; partition < spec.partitions; partition++) {
      await fill(spec, partition, batch, batches);
    }
    return measurement.end();
  }
  const failure = new Failure();
  const readers: Reader[] = [];
  const measured = async (): Promise<LoadResult> => {
    if (spec.phase === 'once') measurement.begin();
    for (let index = 0; index < spec.connections; index++) {
      readers.push(await read(spec, index % spec.partitions, batch, batches, measurement, failure));
    }
    if (spec.phase === 'once') {
      await Promise.all(readers.map(({ isThrough }) => isThrough));
    } else {
      await sleep(spec.warmUpMs);
      measurement.begin();
      await sleep(spec.measureMs);
    }
    return measurement.end();
  };
  try {
    return await Promise.race([measured(), failure.promise]);
  } finally {
    for (const { connection } of readers) connection.close();
  }
}

interface Reader {
  readonly connection: FrameConnection;
  /** Resolves at the end of the log; with the phase `loop` it begins again and never does. */
  readonly isThrough: Promise<void>;
}

async function read(
  spec: FetchSpec,
  partition: number,
  batch: Batch,
  batches: number,
  measurement: Measurement,
  failure: Failure,
): Promise<Reader> {
  const frame = fetchFrame(spec.topic, partition, 0, spec.fetchBytes);
  let at = 0;
  let end: () => void = () => {};
  const isThrough = new Promise<void>((resolve) => (end = resolve));
  const connection: FrameConnection = await FrameConnection.open(
    spec.host,
    spec.ports[partition % spec.ports.length]!,
    (answer) => {
      const { errorCode, recordBytes, baseOffset } = readFetchHead(answer, spec.topic);
      const got = Math.floor(recordBytes / batch.bytes.length);
      if (errorCode !== 0 || got === 0 || baseOffset !== at * batch.records) {
        failure.fail(new Error(`error ${errorCode}, ${recordBytes} bytes from offset ${baseOffset}`));
      }
      measurement.requests++;
      measurement.records += got * batch.records;
      measurement.bytes += got * batch.payloadBytes;
      at += got;
      if (at >= batches) {
        if (spec.phase === 'once') return end();
        at = 0;
      }
      setFetchOffset(frame, at * batch.records);
      connection.send(frame);
    },
    failure.fail,
  );
  connection.send(frame);
  return { connection, isThrough };
}

/** Writes `batches` batches to one partition. */
async function fill(spec: FetchSpec, partition: number, batch: Batch, batches: number): Promise<void> {
  const frame = produceFrame(spec.topic, partition, 1, batch);
  let sent = 0;
  let answered = 0;
  await new Promise<void>((resolve, reject) => {
    const opening = FrameConnection.open(
      spec.host,
      spec.ports[partition % spec.ports.length]!,
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
