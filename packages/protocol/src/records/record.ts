/** A header of a record: a key, which may occur more than once, and a value. */
export interface RecordHeader {
  readonly key: string;
  readonly value: Buffer | null;
}

/** A record to be written. Null and empty are different things for key, value and header values. */
export interface RecordInput {
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers?: readonly RecordHeader[];
  /** Milliseconds since 1970, or -1 for none. */
  readonly timestamp: number;
}

/** A record as read. Key, value and header values are views on the bytes that were read. */
export interface DecodedRecord {
  readonly offset: number;
  readonly timestamp: number;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: readonly RecordHeader[];
}

export const NO_HEADERS: readonly RecordHeader[] = [];
