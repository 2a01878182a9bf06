import { rmSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { ClientError, asError } from '@odradek/client';
import { ChangelogBuffer } from './changelog-buffer.ts';
import { KeyValueRows } from './key-value-store.ts';
import type { StoreSpec } from './store-spec.ts';
import { WindowRows } from './window-store.ts';

/** How far a store follows its changelog. */
export interface StorePosition {
  /** Of the cluster and the topic: another one has another history. */
  readonly identity: string;
  /** The next offset of the changelog that is not in the store. */
  readonly nextOffset: number;
  /** When that was written, milliseconds since 1970. */
  readonly savedMs: number;
}

export interface NamedRows {
  readonly spec: StoreSpec;
  readonly rows: KeyValueRows | WindowRows;
}

/** SQLite's codes for files that are damaged, and for those that are none of its own. */
const UNUSABLE_CODES: readonly unknown[] = [11, 26];
const BUSY_CODES: readonly unknown[] = [5, 6];
const PREFIX = 'store ';

/**
 * The stores of one task, in a database of its own.
 *
 * Everything is written within one transaction that is open from commit to commit, and reads see it. It is committed
 * after Kafka has committed, and rolled back when Kafka has not: so the file is never ahead of the changelogs. After a
 * crash it may be behind; then what is missing is read from them.
 */
export class TaskState {
  private readonly database: DatabaseSync;
  readonly stores: readonly NamedRows[];

  /**
   * @param path null for memory
   * @throws ClientError STATE_LOCKED when another process works with the file
   */
  constructor(path: string | null, specs: readonly StoreSpec[]) {
    this.database = openedDatabase(path);
    this.dropOthers(specs);
    this.stores = specs.map((spec) => ({ spec, rows: rowsOf(this.database, spec) }));
    this.database.exec('commit; begin immediate');
  }

  get changedBytes(): number {
    return this.stores.reduce((sum, { rows }) => sum + rows.changes.sizeBytes, 0);
  }

  rows(name: string): KeyValueRows | WindowRows {
    const found = this.stores.find(({ spec }) => spec.name === name);
    if (found !== undefined) return found.rows;
    throw new ClientError('BAD_TOPOLOGY', `there is no store "${name}" in this part of the topology`);
  }

  /** @returns null when nothing of the changelog is in the store */
  position(store: string): StorePosition | null {
    const row = this.database
      .prepare('select identity, next, saved from positions where store = ?')
      .get(store);
    if (row === undefined) return null;
    return {
      identity: String(row['identity']),
      nextOffset: Number(row['next']),
      savedMs: Number(row['saved']),
    };
  }

  /** Becomes durable with the next commit. */
  notePosition(store: string, { identity, nextOffset, savedMs }: StorePosition): void {
    this.database
      .prepare('insert or replace into positions (store, identity, next, saved) values (?, ?, ?, ?)')
      .run(store, identity, nextOffset, savedMs);
  }

  /** Forgets all that is in a store. */
  empty(store: string): void {
    this.database.exec(`delete from ${quoted(PREFIX + store)}`);
    this.database.prepare('delete from positions where store = ?').run(store);
  }

  /** After a crash of the process it is all there; after a loss of power maybe an older state, whole in itself. */
  commit(): void {
    this.database.exec('commit; begin immediate');
  }

  /** Back to the last commit. */
  rollBack(): void {
    for (const { rows } of this.stores) rows.changes.clear();
    this.database.exec('rollback; begin immediate');
  }

  /** What was not committed is gone. */
  close(): void {
    this.database.exec('rollback');
    this.database.close();
  }

  /** Of an earlier topology. */
  private dropOthers(specs: readonly StoreSpec[]): void {
    const wanted = new Set(specs.map(({ name }) => PREFIX + name));
    const tables = this.database.prepare("select name from sqlite_schema where type = 'table'").all();
    for (const { name } of tables) {
      if (!String(name).startsWith(PREFIX) || wanted.has(String(name))) continue;
      this.database.exec(`drop table ${quoted(String(name))}`);
      this.database.prepare('delete from positions where store = ?').run(String(name).slice(PREFIX.length));
    }
  }
}

function rowsOf(database: DatabaseSync, { name, kind }: StoreSpec): KeyValueRows | WindowRows {
  const table = quoted(PREFIX + name);
  const changes = new ChangelogBuffer();
  return kind === 'key-value'
    ? new KeyValueRows(database, table, changes)
    : new WindowRows(database, table, quoted(`times of ${name}`), changes);
}

/** A file that cannot be read is made anew: the changelogs have it all. The transaction is open. */
function openedDatabase(path: string | null): DatabaseSync {
  try {
    return openDatabase(path);
  } catch (thrown) {
    const code = (thrown as { errcode?: unknown }).errcode;
    if (BUSY_CODES.includes(code)) {
      throw new ClientError('STATE_LOCKED', `${path} is in use by another process`, { cause: thrown });
    }
    if (path === null || !UNUSABLE_CODES.includes(code)) {
      throw new ClientError('STATE_UNUSABLE', `${path ?? 'memory'}: ${asError(thrown).message}`, {
        cause: thrown,
      });
    }
    for (const suffix of ['', '-wal', '-shm']) rmSync(path + suffix, { force: true });
    return openDatabase(path);
  }
}

function openDatabase(path: string | null): DatabaseSync {
  const database = new DatabaseSync(path ?? ':memory:', { timeout: 0 });
  try {
    // The lock is held as long as the file is open: nobody else writes to it, whatever becomes of the group.
    database.exec('pragma locking_mode = exclusive; pragma journal_mode = wal; pragma synchronous = normal');
    database.exec('begin immediate');
    database.exec(
      'create table if not exists positions (store text primary key, identity text not null, next integer not null, saved integer not null)',
    );
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

function quoted(identifier: string): string {
  return `"${identifier.replaceAll('"', '""')}"`;
}
