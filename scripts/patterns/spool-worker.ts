// An application that appends numbered records to its spool without pause, and writes down which were taken.
import { appendFileSync } from 'node:fs';
import { Spool } from '@odradek/patterns/index.ts';
import { workerSettings } from './worker-process.ts';

export interface SpoolWorkerSettings {
  readonly bootstrapServers: string;
  readonly directory: string;
  readonly topic: string;
  /** Where the numbers of records are written that were taken. */
  readonly taken: string;
  readonly firstNumber: number;
}

const settings = workerSettings<SpoolWorkerSettings>();
const spool = new Spool({
  bootstrapServers: settings.bootstrapServers,
  directory: settings.directory,
  lingerMs: 1,
  segmentBytes: 64 * 1024,
  sizeMaxBytes: 64 * 1024 * 1024,
  onEvent: ({ type }) => {
    if (type === 'damaged' || type === 'poison') throw new Error(type);
  },
});

const stopping = new AbortController();
process.on('SIGTERM', () => stopping.abort());

let number = settings.firstNumber;
while (!stopping.signal.aborted) {
  const group = Array.from({ length: 8 }, () => number++);
  const appended = group.map(async (each) => {
    await spool.append({ topic: settings.topic, partition: 0, id: `${each}`, value: Buffer.from(`${each}`) });
    return each;
  });
  const taken = await Promise.all(appended);
  appendFileSync(settings.taken, taken.map((each) => `${each}\n`).join(''));
}
await spool.flushed();
await spool.close();
