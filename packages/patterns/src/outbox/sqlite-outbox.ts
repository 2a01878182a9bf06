import { randomUUID } from 'node:crypto';
import type { DatabaseSync } from 'node:sqlite';
import type { ProducerRecord } from '@odradek/client';
import { tryLock } from '../exclusive-lock.ts';
import { tableName } from '../idempotent/postgres-inbox.ts';
import { columnsOf, rowOf, type OutboxColumns, type OutboxRow, type OutboxTable } from './outbox-table.ts';

export interface SqliteOutboxOptions {
  /**
   * For adding: the connection with the application's transaction. For a relay: one of its own, or its deletions become
   * part of that transaction.
   */
  readonly database: DatabaseSync;
  /** Default `odradek_outbox`. */
  readonly table?: string;
}

/**
 * Records that are to be sent if, and only if, a transaction of SQLite commits. SQLite has one writer, so the order of
 * the rows is that of the commits.
 */
export class SqliteOutbox implements OutboxTable {
  private readonly database: DatabaseSync;
  private readonly table: string;

  /** Creates the table if it is missing. @throws ClientError BAD_OPTION */
  constructor(options: SqliteOutboxOptions) {
    this.database = options.database;
    this.table = tableName(options.table ?? 'odradek_outbox');
    this.database.exec(
      `create table if not exists ${this.table} (id integer primary key autoincrement, message_id text not null,` +
        ' topic text not null, partition integer, key blob, value blob, headers text not null)',
    );
  }

  /** Adds a record within the transaction that is open. @returns its `message-id` @throws ClientError BAD_RECORD */
  add(record: ProducerRecord): string {
    const messageId = randomUUID();
    this.database
      .prepare(
        `insert into ${this.table} (message_id, topic, partition, key, value, headers) values (?, ?, ?, ?, ?, ?)`,
      )
      .run(messageId, ...columnsOf(record));
    return messageId;
  }

  /** By a lock beside the database's file; a database in memory has one process anyway. */
  lead(): Promise<(() => Promise<void>) | null> {
    const path = this.database.location();
    if (path === null) return Promise.resolve(() => Promise.resolve());
    const unlock = tryLock(`${path}-relay`);
    return Promise.resolve(unlock === null ? null : () => Promise.resolve(unlock()));
  }

  read(limit: number): Promise<readonly OutboxRow[]> {
    const statement = this.database.prepare(
      `select id, message_id as messageId, topic, partition, key, value, headers from ${this.table} order by id limit ?`,
    );
    statement.setReadBigInts(true);
    const rows = statement.all(limit) as unknown as (Omit<OutboxColumns, 'partition'> & {
      partition: bigint | null;
    })[];
    return Promise.resolve(
      rows.map((row) => rowOf({ ...row, partition: row.partition === null ? null : Number(row.partition) })),
    );
  }

  remove(ids: readonly bigint[]): Promise<void> {
    const statement = this.database.prepare(`delete from ${this.table} where id = ?`);
    this.database.exec('begin immediate');
    try {
      for (const id of ids) statement.run(id);
      this.database.exec('commit');
    } catch (error) {
      this.database.exec('rollback');
      throw error;
    }
    return Promise.resolve();
  }
}
