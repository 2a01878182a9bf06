import { setTimeout as sleep } from 'node:timers/promises';
import { Failure } from './failure.ts';
import { FrameConnection } from './frame-connection.ts';
import { batchOf, partitionPosition, produceError, produceFrame, type Batch } from './frames.ts';
import type { LoadResult, ProduceSpec } from './load-spec.ts';
import { Measurement } from './measurement.ts';

/** With acks=0 nothing comes back: so many requests are handed to a socket per turn of the loop. */
const UNANSWERED_PER_TURN = 16;
const FIRST_ROUND_POLL_MS = 5;

/** Sends batches as fast as they are taken, with a fixed number under way per connection. */
export async function produceLoad(spec: ProduceSpec): Promise<LoadResult> {
  const batch = batchOf(spec.batchBytes, spec.recordBytes, spec.compression);
  const measurement = new Measurement(spec.brokerPids);
  const failure = new Failure();
  let answered = 0;
  const count = (): void => {
    answered++;
    measurement.requests++;
    measurement.records += batch.records;
    measurement.bytes += batch.payloadBytes;
  };
  const targets = targetsOf(spec, batch);
  const connections = await Promise.all(
    Array.from({ length: spec.connections }, async (_, index) => {
      const next = targets(index);
      const waiting: Buffer[] = [];
      const connection: FrameConnection = await FrameConnection.open(
        spec.host,
        spec.ports[(index % spec.partitions) % spec.ports.length]!,
        (answer) => {
          const code = produceError(answer, spec.topic);
          if (code !== 0) failure.fail(new Error(`a batch was refused with error ${code}`));
          count();
          send(waiting.shift());
        },
        failure.fail,
      );
      const send = (free: Buffer | undefined): void => {
        const frame = next(free);
        waiting.push(frame);
        connection.send(frame);
      };
      if (spec.acks === 0) sendUnanswered(connection, next(undefined), count);
      else for (let i = 0; i < spec.inFlight; i++) send(undefined);
      return connection;
    }),
  );
  const measured = async (): Promise<LoadResult> => {
    await sleep(spec.warmUpMs);
    // Every partition once, so that none has its first batch in the measured time.
    while (spec.isSpread && answered < spec.partitions) await sleep(FIRST_ROUND_POLL_MS);
    measurement.begin();
    await sleep(spec.measureMs);
    return measurement.end();
  };
  try {
    return await Promise.race([measured(), failure.promise]);
  } finally {
    for (const connection of connections) connection.close();
  }
}

/**
 * By connection: makes the next frame, in the place of one that was answered. A frame is only written to while it
 * waits in no socket.
 */
function targetsOf(
  spec: ProduceSpec,
  batch: Batch,
): (connection: number) => (free: Buffer | undefined) => Buffer {
  const frameTo = (partition: number): Buffer => produceFrame(spec.topic, partition, spec.acks, batch);
  if (!spec.isSpread) {
    return (connection) => {
      const frame = frameTo(connection % spec.partitions);
      return () => frame;
    };
  }
  const at = partitionPosition(spec.topic, batch);
  let next = 0;
  return () => (free) => {
    const frame = free ?? Buffer.from(frameTo(0));
    frame.writeInt32BE(next++ % spec.partitions, at);
    return frame;
  };
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
