// A relay of the outbox, to be killed.
import { OutboxRelay, PostgresOutbox } from '@odradek/patterns/index.ts';
import pg from 'pg';
import { workerSettings } from './worker-process.ts';

export interface OutboxWorkerSettings {
  readonly bootstrapServers: string;
  /** Of PostgreSQL. */
  readonly port: number;
}

const { bootstrapServers, port } = workerSettings<OutboxWorkerSettings>();
const pool = new pg.Pool({ host: '127.0.0.1', port, user: 'odradek', database: 'postgres' });
const outbox = new PostgresOutbox({ pool });
const relay = new OutboxRelay({ bootstrapServers, outbox, pollMs: 10, batchMax: 20, lingerMs: 1 });
process.on('SIGTERM', () => void relay.close());
await relay.run();
await pool.end();
