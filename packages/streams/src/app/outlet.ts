import {
  Producer,
  isRetriableError,
  type GroupConsumer,
  type OffsetToCommit,
  type ProducerOptions,
  type ProducerRecord,
} from '@odradek/client';

/** Where an instance writes, and how what it wrote comes to count together with what it read. */
export interface Outlet {
  /** Before anything is written, and before state is read that another instance may be writing. */
  open(): Promise<void>;
  /** Takes a record. @param written its offset, if it was written; what was not makes the commit fail */
  send(record: ProducerRecord, written?: (offset: number) => void): void;
  /** Null when there is room for more records, else a promise for that. */
  readonly room: Promise<void> | null;
  /** Makes all that was sent, and these offsets, count. @throws whatever means that it does not, or may not */
  commit(offsets: readonly OffsetToCommit[]): Promise<void>;
  /** After a failure: nothing that was sent since the last commit counts, or it has by now. */
  reset(): Promise<void>;
  close(): Promise<void>;
}

/** What is common to both guarantees: sending. */
class Sending {
  readonly producer: Producer;
  private failure: Error | null = null;
  room: Promise<void> | null = null;

  constructor(options: ProducerOptions) {
    this.producer = new Producer(options);
  }

  send(record: ProducerRecord, written?: (offset: number) => void): void {
    const waiting = this.producer.enqueue(record, (error, metadata) => {
      if (error !== null) this.failure ??= error;
      else written?.(metadata!.offset);
    });
    if (waiting === undefined) return;
    const room: Promise<void> = waiting.then(() => {
      if (this.room === room) this.room = null;
    });
    this.room = room;
  }

  /** Everything is written, or this throws. */
  async flush(): Promise<void> {
    await this.producer.flush();
    if (this.failure !== null) throw this.failure;
  }
}

/** What it takes to make a new producer after a failure. */
type NewSending = () => Sending;

/**
 * Exactly once: one transaction at a time for all tasks of the instance. The brokers refuse the offsets of a member that
 * the group has gone on without (KIP-447), so what a zombie writes never counts.
 */
export class TransactionalOutlet implements Outlet {
  private readonly consumer: () => GroupConsumer;
  private readonly newSending: NewSending;
  private sending: Sending;
  private isOpen = false;

  constructor(options: ProducerOptions, transactionalId: string, consumer: () => GroupConsumer) {
    this.consumer = consumer;
    this.newSending = () => new Sending({ ...options, transactionalId });
    this.sending = this.newSending();
  }

  async open(): Promise<void> {
    await this.sending.producer.initTransactions();
  }

  send(record: ProducerRecord, written?: (offset: number) => void): void {
    this.begin();
    this.sending.send(record, written);
  }

  get room(): Promise<void> | null {
    return this.sending.room;
  }

  async commit(offsets: readonly OffsetToCommit[]): Promise<void> {
    this.begin();
    // First all records, so that an error of one is told as what it is.
    await this.sending.flush();
    await this.sending.producer.sendOffsets(this.consumer().groupMetadata, offsets);
    await this.sending.producer.commitTransaction();
    this.isOpen = false;
  }

  /**
   * With a new producer of the same name: the coordinator aborts what is open, and finishes what it had begun to commit.
   * So when this returns it is decided, however the last call ended.
   */
  async reset(): Promise<void> {
    await this.sending.producer.close(0);
    this.sending = this.newSending();
    this.isOpen = false;
    await this.open();
  }

  async close(): Promise<void> {
    await this.sending.producer.close(0);
  }

  private begin(): void {
    if (this.isOpen) return;
    this.sending.producer.beginTransaction();
    this.isOpen = true;
  }
}

/** At least once: offsets count after all that was made of the records is written. */
export class PlainOutlet implements Outlet {
  private readonly consumer: () => GroupConsumer;
  private readonly newSending: NewSending;
  private sending: Sending;

  constructor(options: ProducerOptions, consumer: () => GroupConsumer) {
    this.consumer = consumer;
    this.newSending = () => new Sending(options);
    this.sending = this.newSending();
  }

  async open(): Promise<void> {
    await this.sending.producer.connect();
  }

  send(record: ProducerRecord, written?: (offset: number) => void): void {
    this.sending.send(record, written);
  }

  get room(): Promise<void> | null {
    return this.sending.room;
  }

  async commit(offsets: readonly OffsetToCommit[]): Promise<void> {
    await this.sending.flush();
    await this.consumer().commit(offsets);
  }

  async reset(): Promise<void> {
    await this.sending.producer.close(0);
    this.sending = this.newSending();
    await this.open();
  }

  async close(): Promise<void> {
    await this.sending.producer.close(0);
  }
}

/** Doing the same again would end the same. */
export function isHopeless(error: Error): boolean {
  const causes: unknown[] = [];
  for (let at: unknown = error; at instanceof Error && causes.length < 10; at = at.cause) causes.push(at);
  const codes = causes.map(
    (cause) =>
      (cause as { code?: unknown; codeName?: unknown }).codeName ?? (cause as { code?: unknown }).code,
  );
  return codes.some((code) => HOPELESS_CODES.includes(code)) && !isRetriableError(causes.at(-1));
}

const HOPELESS_CODES: readonly unknown[] = [
  'RECORD_TOO_LARGE',
  'MESSAGE_TOO_LARGE',
  'INVALID_RECORD',
  'BAD_PARTITION',
  'UNSUPPORTED_API',
  'UNSUPPORTED_VERSION',
  'AUTHENTICATION_FAILED',
  'TOPIC_AUTHORIZATION_FAILED',
  'GROUP_AUTHORIZATION_FAILED',
  'CLUSTER_AUTHORIZATION_FAILED',
  'TRANSACTIONAL_ID_AUTHORIZATION_FAILED',
  'INVALID_TRANSACTION_TIMEOUT',
];
