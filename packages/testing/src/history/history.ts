/*
 * What clients did and saw, as plain data: an array of events, or one JSON object per line when several processes
 * write. Everything is told from the clients' side; nothing here knows how a broker works.
 *
 * Values are unique: no two sends of a history carry the same one. That is what lets a judge say which send a
 * record came from.
 */

export type HistoryEvent = SendEvent | PollEvent | PositionEvent | TransactionEvent;

/** One record given to a producer, told when its fate is known, or when the history ends. */
export interface SendEvent {
  readonly type: 'send';
  /** One life of one producer: a restarted one has another name. */
  readonly process: string;
  /** Counts the sends of the process, in the order in which the program made them. */
  readonly sequence: number;
  /** Topic and partition: 'orders-3'. Producers must say where their records go also when a send failed. */
  readonly partition: string;
  readonly value: string;
  /**
   * `ok`: acknowledged. `fail`: refused, and certain not to be in the log. `unknown`: anything else, such as a
   * time-out.
   */
  readonly outcome: 'ok' | 'fail' | 'unknown';
  /** What the acknowledgement said; null when it said nothing. */
  readonly offset: number | null;
  readonly acks: 'all' | 'leader' | 'none';
  /** Whether the producer promises each record once and in order. */
  readonly idempotent: boolean;
  /** The transaction that the send belongs to; absent outside of transactions. */
  readonly transaction?: string;
  /** When the send was made and when its fate was known, milliseconds on a clock that all processes share. */
  readonly startMs: number;
  readonly endMs: number;
}

/** Records that one poll handed to the program, in their order. */
export interface PollEvent {
  readonly type: 'poll';
  /** One life of one consumer. */
  readonly process: string;
  readonly records: readonly PolledRecord[];
  /** Whether records of open and aborted transactions are shown; absent: they are. */
  readonly isolation?: 'read_uncommitted' | 'read_committed';
  /** The transaction that the poll feeds; absent outside of transactions. */
  readonly transaction?: string;
  readonly endMs: number;
}

export interface PolledRecord {
  readonly partition: string;
  readonly offset: number;
  readonly value: string;
}

/** The program or its group gave the consumer other positions: the next poll may start anywhere in `partitions`. */
export interface PositionEvent {
  readonly type: 'position';
  readonly process: string;
  readonly partitions: readonly string[];
  readonly endMs: number;
}

/** How a transaction ended; sends and polls name it by its id. */
export interface TransactionEvent {
  readonly type: 'transaction';
  readonly process: string;
  /** Unique in the history. */
  readonly id: string;
  readonly outcome: 'committed' | 'aborted' | 'unknown';
  /** When its end was asked for: before that nobody who reads committed data may see its records. */
  readonly endAskedMs: number;
}
