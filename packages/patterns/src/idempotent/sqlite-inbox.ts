import type { DatabaseSync } from 'node:sqlite';
import type { ConsumedRecord } from '@odradek/client';
import type { RecordContext, RecordHandler } from '../parallel/attempt.ts';
import { messageId, type MessageIdOf } from './message-id.ts';
import { tableName } from './postgres-inbox.ts';

export interface SqliteInboxOptions {
  /** A connection that nobody else uses: everything done with it belongs to the transaction at hand. */
  readonly database: DatabaseSync;
  /** Names the handler: what one has done is not done for another. */
  readonly scope: string;
  /** Default `odradek_inbox`. */
  readonly table?: string;
  /** Default `messageId`. */
  readonly idOf?: MessageIdOf;
  /** How long another process may hold the database, milliseconds. Default 5 000. */
  readonly busyTimeoutMs?: number;
}

/**
 * Remembers in SQLite which messages were handled, in the same transaction as what the handler does there: for each
 * message that takes effect once, whatever dies in between, a power loss included (WAL, `synchronous=FULL`).
 *
 * SQLite has one writer: handlers run one at a time, and each waits for its sync on the event loop.
 */
export class SqliteInbox {
  private readonly database: DatabaseSync;
  private readonly scope: string;
  private readonly table: string;
  private readonly idOf: MessageIdOf;
  private last: Promise<unknown> = Promise.resolve();
  /** Messages that had been handled before. */
  repeated = 0;

  /** Creates the table if it is missing. @throws ClientError BAD_OPTION; what SQLite throws */
  constructor(options: SqliteInboxOptions) {
    this.database = options.database;
    this.scope = options.scope;
    this.table = tableName(options.table ?? 'odradek_inbox');
    this.idOf = options.idOf ?? messageId;
    this.database.exec(`pragma busy_timeout = ${Math.trunc(options.busyTimeoutMs ?? 5_000)}`);
    this.database.exec('pragma journal_mode = wal; pragma synchronous = full');
    this.database.exec(
      `create table if not exists ${this.table} (scope text not null, id text not null,` +
        ` handled_at integer not null default (unixepoch()), primary key (scope, id)) without rowid`,
    );
  }

  /** A handler that does its work at most once for each message, with the connection and within its transaction. */
  once(
    handler: (record: ConsumedRecord, database: DatabaseSync, context: RecordContext) => unknown,
  ): RecordHandler {
    return (record, context) =>
      this.oneAtATime(async () => {
        this.database.exec('begin immediate');
        try {
          if (this.isFirst(this.idOf(record, context))) await handler(record, this.database, context);
          else this.repeated++;
          this.database.exec('commit');
        } catch (error) {
          if (this.database.isTransaction) this.database.exec('rollback');
          throw error;
        }
      });
  }

  /** Forgets what was handled longer ago. @param limit rows at most @returns rows that are gone */
  sweep(olderThanMs: number, limit = 1_000): Promise<number> {
    return this.oneAtATime(() => {
      const { changes } = this.database
        .prepare(
          `delete from ${this.table} where (scope, id) in (select scope, id from ${this.table}` +
            ` where handled_at < unixepoch() - ? limit ?)`,
        )
        .run(olderThanMs / 1_000, limit);
      return Promise.resolve(Number(changes));
    });
  }

  private isFirst(id: string): boolean {
    const insert = `insert into ${this.table} (scope, id) values (?, ?) on conflict do nothing`;
    return this.database.prepare(insert).run(this.scope, id).changes !== 0;
  }

  private oneAtATime<Result>(work: () => Promise<Result>): Promise<Result> {
    const turn = this.last.then(work);
    this.last = turn.catch(() => undefined);
    return turn;
  }
}
