import { setTimeout as sleep } from 'node:timers/promises';
import { FrameConnection } from './frame-connection.ts';
import { batchOf, produceError, produceFrame } from './frames.ts';
import type { LoadResult, ProduceSpec } from './load-spec.ts';
import { Measurement } from './measurement.ts';

/** With acks=0 nothing comes back: so many requests are handed to a socket per turn of the loop. */
const UNANSWERED_PER_TURN = 16;

/** Sends batches as fast as they are taken, with a fixed number under way per connection. */
export async function produceLoad(spec: ProduceSpec): Promise<LoadResult> {
  const batch = batchOf(spec.batchBytes, spec.recordBytes);
  const measurement = new Measurement(spec.brokerPid);
  const count = (): void => {
    measurement.requests++;
    measurement.records += batch.records;
    measurement.bytes += batch.bytes.length;
  };
  let fail: (error: Error) => void = () => {};
  const failure = new Promise<never>((_, reject) => (fail = reject));
  const connections = await Promise.all(
    Array.from({ length: spec.connections }, async (_, index) => {
      const frame = produceFrame(spec.topic, index % spec.partitions, spec.acks, batch);
      const connection: FrameConnection = await FrameConnection.open(
        spec.host,
        spec.port,
        (answer) => {
          const code = produceError(answer, spec.topic);
          if (code !== 0) fail(new Error(`a batch was refused with error ${code}`));
          count();
          connection.send(frame);
        },
        fail,
      );
      if (spec.acks === 0) sendUnanswered(connection, frame, count);
      else for (let i = 0; i < spec.inFlight; i++) connection.send(frame);
      return connection;
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
    for (const connection of connections) connection.close();
  }
}

function sendUnanswered(connection: FrameConnection, frame: Buffer, count: () => void): void {
  const turn = (): void => {
    for (let i = 0; i < UNANSWERED_PER_TURN && connection.takesMore; i++) {
      connection.send(frame);
      count();
    }
    setImmediate(turn);
  };
  turn();
}
