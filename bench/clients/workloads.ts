// What the clients are measured at, against each broker. A further workload is a further entry; its name or its group picks
// it: npm run bench -- clients NAME|GROUP...
import type { Experiment } from '../report/rows.ts';
import type { ClientName } from './client-spec.ts';

/** The brokers that the clients are held against, in this order. */
export const BROKERS = ['kafka-4.4', 'odradek'] as const;
export type BrokerName = (typeof BROKERS)[number];

interface Shape {
  readonly name: string;
  readonly group: string;
  readonly title: string;
  readonly recordBytes: number;
}

export type ClientTask = Shape &
  (
    | { readonly kind: 'single' }
    | { readonly kind: 'produce'; readonly lingerMs: number; readonly batchBytes: number }
    | { readonly kind: 'consume'; readonly handler: 'message' | 'batch'; readonly records: number }
    | { readonly kind: 'end-to-end'; readonly recordsPerSecond: number }
  );

export type ClientWorkload = ClientTask & Experiment & { readonly broker: BrokerName };

export const PARTITIONS = 4;
const KB = 1024;
/** So that a fast client has something to do for a second. */
const CONSUMED: Readonly<Record<number, number>> = { 100: 2_000_000, [KB]: 400_000 };

const tasks: readonly ClientTask[] = [
  {
    kind: 'single',
    name: 'single',
    group: 'produce',
    title: 'one record of 100 B at a time, awaited',
    recordBytes: 100,
  },
  produced('produce-100b', 'records of 100 B', 100),
  produced('produce-1k', 'records of 1 KB', KB),
  consumed('consume-100b', 'records of 100 B, a handler for each', 100, 'message'),
  consumed('consume-1k', 'records of 1 KB, a handler for each', KB, 'message'),
  consumed('consume-100b-batch', 'records of 100 B, a handler for many', 100, 'batch'),
  consumed('consume-1k-batch', 'records of 1 KB, a handler for many', KB, 'batch'),
  {
    kind: 'end-to-end',
    name: 'end-to-end',
    group: 'latency',
    title: '1,000 records of 100 B a second, from send to handler',
    recordBytes: 100,
    recordsPerSecond: 1_000,
  },
];

function produced(name: string, title: string, recordBytes: number): ClientTask {
  const how = { lingerMs: 5, batchBytes: 16 * KB } as const;
  return { kind: 'produce', name, group: 'produce', title, recordBytes, ...how };
}

function consumed(
  name: string,
  title: string,
  recordBytes: number,
  handler: 'message' | 'batch',
): ClientTask {
  return {
    kind: 'consume',
    name,
    group: 'consume',
    title,
    recordBytes,
    handler,
    records: CONSUMED[recordBytes]!,
  };
}

/** Those that have something to compare. */
export function canDo(client: ClientName, { kind, ...task }: ClientTask): boolean {
  if (client === 'bare-socket') return kind === 'single';
  return !(client === 'platformatic' && 'handler' in task && task.handler === 'batch');
}

/**
 * The tasks of these names and groups against each broker; all for none.
 *
 * @throws Error when there is no such name
 */
export function clientWorkloadsNamed(
  names: readonly string[],
  brokers: readonly string[],
): readonly ClientWorkload[] {
  const unknownBroker = brokers.find((broker) => !(BROKERS as readonly string[]).includes(broker));
  if (unknownBroker !== undefined)
    throw new Error(`broker ${unknownBroker} is not known: there are ${BROKERS.join(', ')}`);
  for (const name of names) {
    if (tasks.some((task) => task.name === name || task.group === name)) continue;
    const known = [...new Set(tasks.flatMap((task) => [task.group, task.name]))];
    throw new Error(`workload ${name} is not known: there are ${known.join(', ')}`);
  }
  const wanted = tasks.filter(
    (task) => names.length === 0 || names.includes(task.name) || names.includes(task.group),
  );
  return (brokers as readonly BrokerName[]).flatMap((broker) =>
    wanted.map((task) => ({
      ...task,
      broker,
      name: `${broker}/${task.name}`,
      group: `${task.group}, ${broker}`,
    })),
  );
}
