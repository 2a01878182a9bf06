import { randomUUID } from 'node:crypto';
import type { ProducerRecord } from '@odradek/client';
import { tableName, type PostgresClient, type PostgresPool } from '../idempotent/postgres-inbox.ts';
import { columnsOf, rowOf, type OutboxRow, type OutboxTable } from './outbox-table.ts';

export interface PostgresOutboxOptions {
  /** The relay holds one of its connections for as long as it leads. */
  readonly pool: PostgresPool<PostgresClient>;
  /** Default `odradek_outbox`; a schema may stand before it. */
  readonly table?: string;
}

interface Row {
  readonly id: string;
  readonly message_id: string;
  readonly topic: string;
  readonly partition: number | null;
  readonly key: Uint8Array | null;
  readonly value: Uint8Array | null;
  readonly headers: string;
}

/**
 * Records that are to be sent if, and only if, a transaction of PostgreSQL commits.
 *
 * The relay reads all rows that it can see, by their number, and deletes what was sent. There is no cursor that could
 * pass a row whose transaction commits late. Rows of one key come in the order of their commits if the number is drawn
 * while the key is locked: change what the record is about first, add the record then.
 */
export class PostgresOutbox implements OutboxTable {
  private readonly pool: PostgresOutboxOptions['pool'];
  private readonly table: string;
  private leader: PostgresClient | null = null;

  /** @throws ClientError BAD_OPTION */
  constructor(options: PostgresOutboxOptions) {
    this.pool = options.pool;
    this.table = tableName(options.table ?? 'odradek_outbox');
  }

  /** Creates the table if it is missing. */
  async createTable(): Promise<void> {
    const client = await this.pool.connect();
    try {
      await client.query(
        `create table if not exists ${this.table} (id bigint generated always as identity primary key,` +
          ' message_id uuid not null, topic text not null, partition integer, key bytea, value bytea,' +
          ' headers text not null)',
      );
    } finally {
      client.release();
    }
  }

  /**
   * Adds a record within the transaction that is open on the connection.
   *
   * @returns its `message-id`
   * @throws ClientError BAD_RECORD, before anything is asked of the database
   */
  async add(client: PostgresClient, record: ProducerRecord): Promise<string> {
    const messageId = randomUUID();
    await client.query(
      `insert into ${this.table} (message_id, topic, partition, key, value, headers) values ($1, $2, $3, $4, $5, $6)`,
      [messageId, ...columnsOf(record)],
    );
    return messageId;
  }

  /** By a lock of the session: it ends with the connection. Not through a pooler that shares sessions. */
  async lead(): Promise<(() => Promise<void>) | null> {
    const client = await this.pool.connect();
    const end = async (): Promise<void> => {
      this.leader = null;
      // The lock goes with the session.
      client.release(true);
      await Promise.resolve();
    };
    try {
      const { rows } = await client.query('select pg_try_advisory_lock(hashtext($1)) as leads', [
        `odradek outbox ${this.table}`,
      ]);
      if (!(rows as { leads: boolean }[])[0]!.leads) {
        await end();
        return null;
      }
      this.leader = client;
      return end;
    } catch (error) {
      await end();
      throw error;
    }
  }

  async read(limit: number): Promise<readonly OutboxRow[]> {
    const { rows } = await this.asLeader().query(
      `select id::text, message_id, topic, partition, key, value, headers from ${this.table} order by ${this.table}.id limit $1`,
      [limit],
    );
    return (rows as Row[]).map(({ id, message_id: messageId, ...row }) =>
      rowOf({ ...row, messageId, id: BigInt(id) }),
    );
  }

  async remove(ids: readonly bigint[]): Promise<void> {
    await this.asLeader().query(`delete from ${this.table} where id = any($1::bigint[])`, [ids.map(String)]);
  }

  /** On the connection that holds the lock, so that a relay which lost it does no more. */
  private asLeader(): PostgresClient {
    if (this.leader !== null) return this.leader;
    throw new Error('only a relay that leads reads the outbox');
  }
}
