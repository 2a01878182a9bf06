// What a client has to do in these measurements, whoever made it. One module per maker in makers/.

/** The same for all; what a client has no setting for is said in its `setUp`. */
export interface ProducerSettings {
  readonly bootstrap: string;
  readonly topic: string;
  readonly partitions: number;
  /** How long a record may wait for company; 0 for latency. */
  readonly lingerMs: number;
  readonly batchBytes: number;
}

/** Records without end, until it is over. */
export interface Stream {
  readonly value: Buffer;
  readonly isOver: () => boolean;
  /** So many were acknowledged, by all in-sync replicas. */
  readonly acknowledged: (count: number) => void;
}

export interface BenchProducer {
  /** One record; settles with its acknowledgement. */
  send(value: Buffer): Promise<unknown>;
  /** Many, as the makers advise, never more than `RECORDS_UNDER_WAY` without an acknowledgement. Resolves with the last. */
  stream(stream: Stream): Promise<void>;
  close(): Promise<unknown>;
}

export interface ConsumerSettings {
  readonly bootstrap: string;
  readonly topic: string;
  readonly groupId: string;
  readonly handler: 'message' | 'batch';
  /** Where a new group begins. */
  readonly from: 'earliest' | 'latest';
  /** Called by the handler, with the last value it was given. */
  readonly received: (count: number, value: Buffer) => void;
}

export interface BenchClient {
  /** How it is used and set, for whoever reads the results. */
  readonly setUp: string;
  /** Whether it can call a handler with many records at a time. */
  readonly hasBatches: boolean;
  produce(settings: ProducerSettings): Promise<BenchProducer>;
  /** One member of a group, committing by itself. @returns what ends it, once it has begun */
  consume(settings: ConsumerSettings): Promise<() => Promise<unknown>>;
}

export const RECORDS_UNDER_WAY = 10_000;
/** For clients that are given batches: those whose batches make up `RECORDS_UNDER_WAY`, this many at least. */
const CALLS_MIN = 2;

export const SESSION_TIMEOUT_MS = 30_000;
export const COMMIT_INTERVAL_MS = 5_000;

/** As many records as fill a batch of each partition: what an application hands over at once to a client without linger. */
export function recordsPerCall({ partitions, batchBytes }: ProducerSettings, recordBytes: number): number {
  const perBatch = Math.max(1, Math.floor(batchBytes / (recordBytes + 10)));
  return Math.min(perBatch * partitions, RECORDS_UNDER_WAY / CALLS_MIN);
}

/** For clients that are given batches: several calls at a time, each with as many records as make full batches. */
export async function streamByCalls(
  stream: Stream,
  count: number,
  send: (count: number) => Promise<unknown>,
): Promise<void> {
  const call = async (): Promise<void> => {
    while (!stream.isOver()) {
      await send(count);
      stream.acknowledged(count);
    }
  };
  await Promise.all(Array.from({ length: Math.max(CALLS_MIN, Math.floor(RECORDS_UNDER_WAY / count)) }, call));
}

/** For clients that are given single records and call back: bounds those under way. */
export class Window {
  private underWay = 0;
  private wake: (() => void) | null = null;

  /** One more. @returns a promise when the caller has to wait */
  enter(): Promise<void> | undefined {
    if (++this.underWay < RECORDS_UNDER_WAY) return undefined;
    return new Promise((resolve) => (this.wake = resolve));
  }

  leave(): void {
    this.underWay--;
    if (this.wake === null || this.underWay > RECORDS_UNDER_WAY / 2) return;
    const { wake } = this;
    this.wake = null;
    wake();
  }

  async emptied(): Promise<void> {
    while (this.underWay > 0) await new Promise((resolve) => setImmediate(resolve));
  }
}
