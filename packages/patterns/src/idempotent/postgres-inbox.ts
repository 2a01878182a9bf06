import { ClientError, type ConsumedRecord } from '@odradek/client';
import type { RecordContext, RecordHandler } from '../parallel/attempt.ts';
import { messageId, type MessageIdOf } from './message-id.ts';

/** A connection to PostgreSQL, as far as it is needed here; `pg`'s clients are such. */
export interface PostgresClient {
  query(
    text: string,
    values?: unknown[],
  ): Promise<{ readonly rows: unknown[]; readonly rowCount: number | null }>;
}

/** Connections for one transaction each; `pg`'s Pool is such. It needs one for every worker. */
export interface PostgresPool<Client extends PostgresClient> {
  connect(): Promise<Client & { release(error?: Error | boolean): void }>;
}

export interface PostgresInboxOptions<Client extends PostgresClient> {
  readonly pool: PostgresPool<Client>;
  /** Names the handler: what one has done is not done for another. Such as `billing/charge`. */
  readonly scope: string;
  /** Default `odradek_inbox`; a schema may stand before it. */
  readonly table?: string;
  /** Default `messageId`. */
  readonly idOf?: MessageIdOf;
}

const TABLE_NAME = /^[a-z_][a-z0-9_]{0,62}(\.[a-z_][a-z0-9_]{0,62})?$/;

/**
 * Remembers in PostgreSQL which messages were handled, in the same transaction as what the handler does there: for each
 * message that takes effect once, whatever dies in between. Effects elsewhere are not covered.
 *
 * The id is inserted first. A second owner of the partition, a zombie for one, waits on the unique index until the first
 * transaction has ended, and then sees what became of it.
 */
export class PostgresInbox<Client extends PostgresClient> {
  private readonly pool: PostgresPool<Client>;
  private readonly scope: string;
  private readonly table: string;
  private readonly idOf: MessageIdOf;
  /** Messages that had been handled before. */
  repeated = 0;

  /** @throws ClientError BAD_OPTION */
  constructor(options: PostgresInboxOptions<Client>) {
    this.pool = options.pool;
    this.scope = options.scope;
    this.table = tableName(options.table ?? 'odradek_inbox');
    this.idOf = options.idOf ?? messageId;
  }

  /** Creates the table if it is missing. */
  async createTable(): Promise<void> {
    const index = `${this.table.replace('.', '_')}_handled_at`;
    await this.inTransaction(async (client) => {
      // Two that create at once would fail on PostgreSQL's own catalogue.
      await client.query(`select pg_advisory_xact_lock(hashtext($1))`, [this.table]);
      await client.query(
        `create table if not exists ${this.table} (scope text not null, id text not null,` +
          ` handled_at timestamptz not null default now(), primary key (scope, id))`,
      );
      await client.query(`create index if not exists ${index} on ${this.table} (handled_at)`);
    });
  }

  /**
   * A handler that does its work at most once for each message. It gets the connection with the open transaction, and
   * must do all of its work with it: neither commit nor roll back.
   */
  once(handler: (record: ConsumedRecord, client: Client, context: RecordContext) => unknown): RecordHandler {
    return (record, context) =>
      this.inTransaction(async (client) => {
        const insert = `insert into ${this.table} (scope, id) values ($1, $2) on conflict do nothing`;
        const { rowCount } = await client.query(insert, [this.scope, this.idOf(record, context)]);
        if (rowCount === 0) this.repeated++;
        else await handler(record, client, context);
      });
  }

  /**
   * Forgets what was handled longer ago. Keep ids for longer than a message may come again: the retention of topic and
   * dead letters and the longest standstill together.
   *
   * @param limit rows at most, so that no lock is held for long @returns rows that are gone
   */
  async sweep(olderThanMs: number, limit = 1_000): Promise<number> {
    return this.inTransaction(async (client) => {
      const { rowCount } = await client.query(
        `delete from ${this.table} where ctid in (select ctid from ${this.table}` +
          ` where handled_at < now() - $1 * interval '1 millisecond' limit $2)`,
        [olderThanMs, limit],
      );
      return rowCount ?? 0;
    });
  }

  private async inTransaction<Result>(work: (client: Client) => Promise<Result>): Promise<Result> {
    const client = await this.pool.connect();
    let failure: unknown = null;
    try {
      await client.query('begin');
      const result = await work(client);
      await client.query('commit');
      return result;
    } catch (error) {
      failure = error;
      // A connection that cannot even roll back is of no further use: its transaction ends with it.
      await client.query('rollback').then(
        () => (failure = null),
        () => undefined,
      );
      throw error;
    } finally {
      client.release(failure !== null);
    }
  }
}

/** @throws ClientError BAD_OPTION: the name goes into statements as it is */
export function tableName(name: string): string {
  if (TABLE_NAME.test(name)) return name;
  throw new ClientError(
    'BAD_OPTION',
    `table is "${name}", allowed are lower-case letters, digits and "_", with a schema before it or not`,
  );
}
