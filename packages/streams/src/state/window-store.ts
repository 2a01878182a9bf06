import type { DatabaseSync } from 'node:sqlite';
import type { Serde } from '@odradek/client';
import { bytesOf } from '../serialized.ts';
import type { ChangelogBuffer } from './changelog-buffer.ts';
import { viewOf } from './stored-bytes.ts';

export interface WindowEntry<K, V> {
  readonly key: K;
  /** Start of a window, or time of a record. */
  readonly timeMs: number;
  /** Tells entries of one key and time apart. */
  readonly sequence: number;
  readonly value: V;
}

/** Values by key and time. */
export interface WindowStore<K, V> {
  /** @returns null where there is none */
  get(key: K, timeMs: number): V | null;
  set(key: K, timeMs: number, value: V, sequence?: number): void;
  /** Beside others of the same key and time. */
  append(key: K, timeMs: number, value: V): void;
  delete(entry: WindowEntry<K, V>): void;
  /** Those of a key from a time up to another, both included, in order. */
  fetch(key: K, fromMs: number, toMs: number): readonly WindowEntry<K, V>[];
  /** The oldest up to a time, by time and key, at most `limit`. */
  oldest(upToMs: number, limit: number): readonly WindowEntry<K, V>[];
}

interface Row {
  readonly key: Buffer;
  readonly timeMs: number;
  readonly sequence: number;
  readonly value: Buffer;
}

const TIME_BYTES = 8;
const SEQUENCE_BYTES = 4;
const SUFFIX_BYTES = TIME_BYTES + SEQUENCE_BYTES;

/** The rows of one store, as bytes. In the changelog a key is followed by its time and its sequence number. */
export class WindowRows {
  private readonly statements;
  readonly changes: ChangelogBuffer;

  /** @param table a quoted identifier @param index another */
  constructor(database: DatabaseSync, table: string, index: string, changes: ChangelogBuffer) {
    this.changes = changes;
    database.exec(
      `create table if not exists ${table} (key blob, time integer, sequence integer, value blob not null,` +
        ` primary key (key, time, sequence)) without rowid; create index if not exists ${index} on ${table} (time)`,
    );
    const columns = 'key, time, sequence, value';
    this.statements = {
      get: database.prepare(`select value from ${table} where key = ? and time = ? and sequence = ?`),
      last: database.prepare(`select max(sequence) as last from ${table} where key = ? and time = ?`),
      set: database.prepare(
        `insert into ${table} (${columns}) values (?, ?, ?, ?) on conflict do update set value = excluded.value`,
      ),
      remove: database.prepare(`delete from ${table} where key = ? and time = ? and sequence = ?`),
      fetch: database.prepare(
        `select ${columns} from ${table} where key = ? and time between ? and ? order by time, sequence`,
      ),
      oldest: database.prepare(
        `select ${columns} from ${table} where time <= ? order by time, key, sequence limit ?`,
      ),
    };
  }

  get(key: Buffer, timeMs: number): Buffer | null {
    const row = this.statements.get.get(key, timeMs, 0);
    return row === undefined ? null : viewOf(row['value']);
  }

  nextSequence(key: Buffer, timeMs: number): number {
    const last = this.statements.last.get(key, timeMs)?.['last'];
    return typeof last === 'number' ? last + 1 : 0;
  }

  set({ key, timeMs, sequence, value }: Row): void {
    this.statements.set.run(key, timeMs, sequence, value);
    this.changes.note(changelogKey(key, timeMs, sequence), value);
  }

  delete(key: Buffer, timeMs: number, sequence: number): void {
    this.statements.remove.run(key, timeMs, sequence);
    this.changes.note(changelogKey(key, timeMs, sequence), null);
  }

  fetch(key: Buffer, fromMs: number, toMs: number): readonly Row[] {
    return this.statements.fetch.all(key, fromMs, toMs).map(rowOf);
  }

  oldest(upToMs: number, limit: number): readonly Row[] {
    return this.statements.oldest.all(upToMs, limit).map(rowOf);
  }

  /** Takes over what the changelog says. */
  restore(whole: Buffer, value: Buffer | null): void {
    const at = whole.length - SUFFIX_BYTES;
    if (at < 0) throw new RangeError(`a key of ${whole.length} bytes in the changelog of a window store`);
    const key = whole.subarray(0, at);
    const timeMs = Number(whole.readBigInt64BE(at));
    const sequence = whole.readInt32BE(at + TIME_BYTES);
    if (value === null) this.statements.remove.run(key, timeMs, sequence);
    else this.statements.set.run(key, timeMs, sequence, value);
  }
}

export function typedWindowStore<K, V>(
  rows: WindowRows,
  name: string,
  key: Serde<K>,
  value: Serde<V>,
): WindowStore<K, V> {
  const keyBytes = (given: K): Buffer => bytesOf(key, given, `key for store "${name}"`);
  const valueBytes = (given: V): Buffer => bytesOf(value, given, `value for store "${name}"`);
  const entryOf = (row: Row): WindowEntry<K, V> => ({
    key: key.deserialize(row.key),
    timeMs: row.timeMs,
    sequence: row.sequence,
    value: value.deserialize(row.value),
  });
  return {
    get: (given, timeMs) => {
      const found = rows.get(keyBytes(given), timeMs);
      return found === null ? null : value.deserialize(found);
    },
    set: (given, timeMs, to, sequence = 0) =>
      rows.set({ key: keyBytes(given), timeMs, sequence, value: valueBytes(to) }),
    append: (given, timeMs, to) => {
      const bytes = keyBytes(given);
      rows.set({ key: bytes, timeMs, sequence: rows.nextSequence(bytes, timeMs), value: valueBytes(to) });
    },
    delete: (entry) => rows.delete(keyBytes(entry.key), entry.timeMs, entry.sequence),
    fetch: (given, fromMs, toMs) => rows.fetch(keyBytes(given), fromMs, toMs).map(entryOf),
    oldest: (upToMs, limit) => rows.oldest(upToMs, limit).map(entryOf),
  };
}

function rowOf(row: Record<string, unknown>): Row {
  return {
    key: viewOf(row['key']),
    timeMs: Number(row['time']),
    sequence: Number(row['sequence']),
    value: viewOf(row['value']),
  };
}

function changelogKey(key: Buffer, timeMs: number, sequence: number): Buffer {
  const suffix = Buffer.alloc(SUFFIX_BYTES);
  suffix.writeBigInt64BE(BigInt(timeMs));
  suffix.writeInt32BE(sequence, TIME_BYTES);
  return Buffer.concat([key, suffix]);
}
