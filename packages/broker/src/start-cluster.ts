import { existsSync, readdirSync } from 'node:fs';
import { resolve } from 'node:path';
import type { LogSink } from '@odradek/core/ports/log-sink.ts';
import { EmbeddedTree } from './adapters/embedded-coordination/embedded-tree.ts';
import { NodeDisk } from './adapters/node-disk.ts';
import { silentLog } from './adapters/silent-log.ts';
import { systemClock } from './adapters/system-clock.ts';
import { type BrokerGround, COORDINATION_FILE, groundInMemory, groundOnDisk } from './broker-ground.ts';
import { Broker } from './broker.ts';
import { BrokerConfigError, loadBrokerConfig } from './config/load-broker-config.ts';
import type { Properties } from './config/server-properties.ts';
import type { OpenCoordination } from './open-coordination.ts';

export interface StartClusterOptions {
  /** How many brokers, 1 to 100. Their ids count from 0. */
  readonly brokers: number;
  /**
   * Settings of all of them, by Kafka's names; ids, listeners, data directories and ZooKeeper are given by the cluster.
   * Unless told otherwise a topic has as many replicas as there are brokers, three at most.
   */
  readonly properties?: Properties;
  /** Port of the first broker on 127.0.0.1, those of the others follow it; 0, the default: free ones. */
  readonly port?: number;
  /** Where the data lies, a folder for each broker in it. In memory unless given. */
  readonly dataDirectory?: string;
  /** Where the brokers tell what happens; nowhere unless given. */
  readonly log?: LogSink;
}

export interface RunningCluster {
  /** `host:port` of all brokers, as clients want it for `bootstrap.servers`. */
  readonly bootstrapServers: string;
  readonly addresses: readonly { readonly nodeId: number; readonly host: string; readonly port: number }[];
  /** Where the data lies, or null when it is in memory. */
  readonly dataDirectory: string | null;
  /** Settles when one of the brokers has ended by itself, with why. */
  readonly failed: Promise<Error>;
  /** Stops one broker in order: others lead its partitions. */
  stopBroker(nodeId: number): Promise<void>;
  /** Stops all. Does nothing the second time. */
  close(): Promise<void>;
}

const BROKERS_MAX = 100;
const PORT_MAX = 65_535;
/** Topics lie on three brokers unless told otherwise, as far as there are so many. */
const REPLICATION_MAX = 3;
/** What the cluster decides for its brokers. */
const OWN_SETTINGS = [
  'broker.id',
  'node.id',
  'listeners',
  'advertised.listeners',
  'log.dirs',
  'log.dir',
  'zookeeper.connect',
];

/**
 * Starts several brokers in this process, on one coordination tree of their own: a cluster for development and
 * tests. They replicate, elect and fail over as on several machines; what they share is the process.
 *
 * @throws BrokerConfigError with all that is wrong with the settings; Error when a directory or a port cannot be
 *   used; nothing is left running then
 */
export function startCluster(options: StartClusterOptions): Promise<RunningCluster> {
  return startClusterOn(options, (ground) => ground);
}

/** The same. @param adapt what is to be different in what a broker stands on */
export async function startClusterOn(
  options: StartClusterOptions,
  adapt: (ground: BrokerGround) => BrokerGround,
): Promise<RunningCluster> {
  checkOptions(options);
  warnOfOthersData(options);
  const tree = openTree(options.dataDirectory);
  const running = new Map<number, Broker>();
  let closing: Promise<void> | null = null;
  const close = () => {
    closing ??= closeAll(running, tree);
    return closing;
  };
  try {
    for (let nodeId = 0; nodeId < options.brokers; nodeId++) {
      running.set(nodeId, await startOne(options, nodeId, tree, adapt));
    }
  } catch (error) {
    await close();
    throw error;
  }
  const addresses = [...running].map(
    ([
      nodeId,
      {
        addresses: [first],
      },
    ]) => ({
      nodeId,
      host: first!.host,
      port: first!.port,
    }),
  );
  return {
    addresses,
    bootstrapServers: addresses.map(({ host, port }) => `${host}:${port}`).join(','),
    dataDirectory: options.dataDirectory === undefined ? null : resolve(options.dataDirectory),
    failed: Promise.race([...running.values()].map((broker) => broker.failed)),
    stopBroker: async (nodeId) => {
      await running.get(nodeId)?.stop();
      running.delete(nodeId);
    },
    close,
  };
}

function checkOptions({ brokers, properties = {}, port = 0 }: StartClusterOptions): void {
  if (!Number.isInteger(brokers) || brokers < 1 || brokers > BROKERS_MAX) {
    throw new RangeError(`brokers is ${brokers}, allowed are 1 to ${BROKERS_MAX}`);
  }
  if (port > 0 && port + brokers - 1 > PORT_MAX) {
    throw new RangeError(`port is ${port}: the last of ${brokers} brokers would listen beyond ${PORT_MAX}`);
  }
  const problems = OWN_SETTINGS.filter((name) => name in properties).map(
    (name) =>
      `Invalid value ${properties[name]} for configuration ${name}: a cluster in one process sets it itself`,
  );
  if (problems.length > 0) throw new BrokerConfigError(problems);
}

function openTree(dataDirectory: string | undefined): EmbeddedTree {
  if (dataDirectory === undefined) return new EmbeddedTree(':memory:', systemClock);
  new NodeDisk().makeDirectory(dataDirectory);
  return new EmbeddedTree(resolve(dataDirectory, COORDINATION_FILE), systemClock);
}

/** What only brokers hold that are not started now is not there for clients. */
function warnOfOthersData({ brokers, dataDirectory, log = silentLog }: StartClusterOptions): void {
  if (dataDirectory === undefined || !existsSync(dataDirectory)) return;
  const others = readdirSync(dataDirectory).filter(
    (name) => Number(/^broker-(\d+)$/.exec(name)?.[1]) >= brokers,
  );
  if (others.length === 0) return;
  log.warn('the data of brokers that are not started lies here as well', { dataDirectory, brokers, others });
}

function startOne(
  options: StartClusterOptions,
  nodeId: number,
  tree: EmbeddedTree,
  adapt: (ground: BrokerGround) => BrokerGround,
): Promise<Broker> {
  const { brokers, properties, port = 0, dataDirectory, log = silentLog } = options;
  const replicas = String(Math.min(brokers, REPLICATION_MAX));
  const loaded = loadBrokerConfig(
    {
      'default.replication.factor': replicas,
      'offsets.topic.replication.factor': replicas,
      'transaction.state.log.replication.factor': replicas,
      ...properties,
    },
    {
      'broker.id': String(nodeId),
      listeners: `PLAINTEXT://127.0.0.1:${port === 0 ? 0 : port + nodeId}`,
      ...(dataDirectory === undefined ? {} : { 'log.dirs': resolve(dataDirectory, `broker-${nodeId}`) }),
    },
  );
  if (nodeId === 0) for (const warning of loaded.warnings) log.warn(warning);
  const ground = dataDirectory === undefined ? groundInMemory(loaded, log) : groundOnDisk(loaded, log);
  return Broker.start(adapt({ ...ground, sharedTree: () => sessionOn(tree) }));
}

function sessionOn(tree: EmbeddedTree): OpenCoordination {
  const session = tree.connect();
  return {
    session,
    close: () =>
      new Promise((resolveClosed) => {
        session.close(resolveClosed);
      }),
  };
}

/** The last one first, so that the controller, most likely the first, can still move what the others led. */
async function closeAll(running: Map<number, Broker>, tree: EmbeddedTree): Promise<void> {
  for (const [nodeId, broker] of [...running].toReversed()) {
    await broker.stop();
    running.delete(nodeId);
  }
  tree.close();
}
