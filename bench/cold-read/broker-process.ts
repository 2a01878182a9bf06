// One broker in a process of its own, for run.ts: it tells its parent where it listens and, when asked, how long its event
// loop was held since it was asked before.
//   node broker-process.ts DATA_DIRECTORY pool|loop
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { NodeDisk } from '@odradek/broker/adapters/node-disk.ts';
import { silentLog } from '@odradek/broker/adapters/silent-log.ts';
import { groundOnDisk } from '@odradek/broker/broker-ground.ts';
import { Broker } from '@odradek/broker/broker.ts';
import { loadBrokerConfig } from '@odradek/broker/config/load-broker-config.ts';

/** Milliseconds that the event loop was held, beyond what was asked of a timer. */
export interface LoopDelay {
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

export type FromBroker = { readonly port: number } | { readonly delay: LoopDelay };

const NANOSECONDS = 1e6;

const [directory, reads] = process.argv.slice(2);
const loaded = loadBrokerConfig(
  { listeners: 'PLAINTEXT://127.0.0.1:0', 'log.dirs': directory!, 'auto.create.topics.enable': 'false' },
  {},
);
const { coldReads, ...ground } = groundOnDisk(loaded, silentLog);
// Without either all reads count as served by the page cache, and are done on the loop.
const broker = await Broker.start(
  reads === 'loop' ? { ...ground, disk: new NodeDisk(null) } : { ...ground, coldReads: coldReads! },
);
const delay = monitorEventLoopDelay({ resolution: 1 });
delay.enable();
const tell = (message: FromBroker): void => void process.send!(message);

process.on('message', () => {
  const of = (nanoseconds: number): number => Math.max(0, nanoseconds / NANOSECONDS - 1);
  tell({ delay: { p50: of(delay.percentile(50)), p99: of(delay.percentile(99)), max: of(delay.max) } });
  delay.reset();
});
process.on('SIGTERM', () => {
  void broker.stop().then(() => process.exit(0));
});
tell({ port: broker.addresses[0]!.port });
