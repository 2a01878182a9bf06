// A writer into an outbox in SQLite, or a relay of it, to be killed at any moment, also within a transaction.
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { OutboxRelay, SqliteOutbox } from '@odradek/patterns/index.ts';
import { workerSettings } from './worker-process.ts';

export interface SqliteOutboxWorkerSettings {
  readonly bootstrapServers: string;
  readonly role: 'writer' | 'relay';
  readonly file: string;
  readonly topic: string;
  /** A writer ends when so many are committed. */
  readonly countMax: number;
}

/** As `orders` is made by whoever starts this. */
interface Counted {
  readonly last: number | null;
}

const { bootstrapServers, role, file, topic, countMax } = workerSettings<SqliteOutboxWorkerSettings>();
const database = new DatabaseSync(file);
database.exec('pragma busy_timeout = 20000');
const outbox = new SqliteOutbox({ database });

if (role === 'relay') await relayUntilTold();
else await write();
database.close();

async function relayUntilTold(): Promise<void> {
  const relay = new OutboxRelay({ bootstrapServers, outbox, pollMs: 10, batchMax: 20, lingerMs: 1 });
  process.on('SIGTERM', () => void relay.close());
  await relay.run();
}

/** One after the other in a transaction each; of some nothing stays. */
async function write(): Promise<void> {
  for (;;) {
    database.exec('begin immediate');
    const { last } = database.prepare('select max(number) as last from orders').get() as unknown as Counted;
    const number = (last ?? 0) + 1;
    if (number <= countMax) {
      database.prepare('insert into orders values (?)').run(number);
      outbox.add({ topic, value: Buffer.from(String(number)) });
      await sleep(Math.random() * 4);
    }
    database.exec(Math.random() < 0.8 ? 'commit' : 'rollback');
    if (number > countMax) return;
    await sleep(1);
  }
}
