import { setTimeout as sleep } from 'node:timers/promises';
import { Failure } from './failure.ts';
import { FrameConnection } from './frame-connection.ts';
import { batchOf, fetchFrame, produceError, produceFrame, readFetchHead, setFetchOffset } from './frames.ts';
import type { LoadResult, TailSpec } from './load-spec.ts';
import { Measurement } from './measurement.ts';

const FETCH_BYTES = 1024 * 1024;

/** Producers as fast as they are taken, each with a consumer that stays at the end of the log. Counts what is read. */
export async function tailLoad(spec: TailSpec): Promise<LoadResult> {
  const batch = batchOf(spec.batchBytes, spec.recordBytes);
  const measurement = new Measurement(spec.brokerPids);
  const failure = new Failure();
  const opened: FrameConnection[] = [];
  const open = async (partition: number, onAnswer: (head: Buffer) => void): Promise<FrameConnection> => {
    const port = spec.ports[partition % spec.ports.length]!;
    const connection = await FrameConnection.open(spec.host, port, onAnswer, failure.fail);
    opened.push(connection);
    return connection;
  };
  for (let partition = 0; partition < spec.partitions; partition++) {
    const fetching = fetchFrame(spec.topic, partition, 0, FETCH_BYTES);
    let offset = 0;
    const consumer: FrameConnection = await open(partition, (answer) => {
      const { errorCode, recordBytes, baseOffset } = readFetchHead(answer, spec.topic);
      const got = Math.floor(recordBytes / batch.bytes.length);
      if (errorCode !== 0 || (got > 0 && baseOffset !== offset)) {
        failure.fail(new Error(`error ${errorCode}, offset ${baseOffset} in place of ${offset}`));
      }
      measurement.requests++;
      measurement.records += got * batch.records;
      measurement.bytes += got * batch.payloadBytes;
      offset += got * batch.records;
      setFetchOffset(fetching, offset);
      consumer.send(fetching);
    });
    consumer.send(fetching);
    const frame = produceFrame(spec.topic, partition, spec.acks, batch);
    const producer: FrameConnection = await open(partition, (answer) => {
      const code = produceError(answer, spec.topic);
      if (code !== 0) failure.fail(new Error(`a batch was refused with error ${code}`));
      producer.send(frame);
    });
    for (let i = 0; i < spec.inFlight; i++) producer.send(frame);
  }
  const measured = async (): Promise<LoadResult> => {
    await sleep(spec.warmUpMs);
    measurement.begin();
    await sleep(spec.measureMs);
    return measurement.end();
  };
  try {
    return await Promise.race([measured(), failure.promise]);
  } finally {
    for (const connection of opened) connection.close();
  }
}
