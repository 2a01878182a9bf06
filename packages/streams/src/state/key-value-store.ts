import type { DatabaseSync } from 'node:sqlite';
import type { Serde } from '@odradek/client';
import { bytesOf } from '../serialized.ts';
import type { ChangelogBuffer } from './changelog-buffer.ts';
import { viewOf } from './stored-bytes.ts';

/** Values by key, in the order of the keys' bytes. What is written counts with the next commit of the task. */
export interface KeyValueStore<K, V> {
  /** @returns null where the key has no value */
  get(key: K): V | null;
  set(key: K, value: V): void;
  delete(key: K): void;
  /** All of them; do not write to the store meanwhile. */
  entries(): Generator<readonly [K, V], void, undefined>;
}

/** The rows of one store, as bytes. */
export class KeyValueRows {
  private readonly statements;
  readonly changes: ChangelogBuffer;

  /** @param table a quoted identifier */
  constructor(database: DatabaseSync, table: string, changes: ChangelogBuffer) {
    this.changes = changes;
    database.exec(
      `create table if not exists ${table} (key blob primary key, value blob not null) without rowid`,
    );
    this.statements = {
      get: database.prepare(`select value from ${table} where key = ?`),
      set: database.prepare(
        `insert into ${table} values (?, ?) on conflict do update set value = excluded.value`,
      ),
      remove: database.prepare(`delete from ${table} where key = ?`),
      all: database.prepare(`select key, value from ${table} order by key`),
    };
  }

  get(key: Buffer): Buffer | null {
    const row = this.statements.get.get(key);
    return row === undefined ? null : viewOf(row['value']);
  }

  set(key: Buffer, value: Buffer): void {
    this.statements.set.run(key, value);
    this.changes.note(key, value);
  }

  delete(key: Buffer): void {
    this.statements.remove.run(key);
    this.changes.note(key, null);
  }

  *entries(): Generator<readonly [Buffer, Buffer], void, undefined> {
    for (const { key, value } of this.statements.all.iterate()) yield [viewOf(key), viewOf(value)];
  }

  /** Takes over what the changelog says. */
  restore(key: Buffer, value: Buffer | null): void {
    if (value === null) this.statements.remove.run(key);
    else this.statements.set.run(key, value);
  }
}

export function typedKeyValueStore<K, V>(
  rows: KeyValueRows,
  name: string,
  key: Serde<K>,
  value: Serde<V>,
): KeyValueStore<K, V> {
  const keyBytes = (given: K): Buffer => bytesOf(key, given, `key for store "${name}"`);
  return {
    get: (given) => {
      const found = rows.get(keyBytes(given));
      return found === null ? null : value.deserialize(found);
    },
    set: (given, to) => rows.set(keyBytes(given), bytesOf(value, to, `value for store "${name}"`)),
    delete: (given) => rows.delete(keyBytes(given)),
    *entries() {
      for (const [foundKey, foundValue] of rows.entries()) {
        yield [key.deserialize(foundKey), value.deserialize(foundValue)] as const;
      }
    },
  };
}
