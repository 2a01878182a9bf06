import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { LogSink } from '@odradek/core/ports/log-sink.ts';
import { silentLog } from './adapters/silent-log.ts';
import { type BrokerGround, groundInMemory, groundOnDisk } from './broker-ground.ts';
import { Broker } from './broker.ts';
import { loadBrokerConfig, type LoadedBrokerConfig } from './config/load-broker-config.ts';
import type { Properties } from './config/server-properties.ts';
import { parseProperties } from './config/server-properties.ts';

export interface StartBrokerOptions {
  /** Settings by Kafka's names, as in `server.properties`. */
  readonly properties?: Properties;
  /** Path of a `server.properties`; weaker than `properties`. */
  readonly propertiesFile?: string;
  /** Settings that are stronger than both. */
  readonly overrides?: Properties;
  /** Port of the one listener on 127.0.0.1; 0 for a free one. Instead of `listeners`. */
  readonly port?: number;
  /** Where the data lies. Instead of `log.dirs`. */
  readonly dataDirectory?: string;
  /** Keep everything in memory. The default where no place for data is given. */
  readonly memory?: boolean;
  /** Where the broker tells what happens; nowhere unless given. */
  readonly log?: LogSink;
}

export interface RunningBroker {
  /** Where clients connect: the first listener. */
  readonly address: { readonly host: string; readonly port: number };
  /** `host:port`, as clients want it for `bootstrap.servers`. */
  readonly bootstrapServers: string;
  /** The first data directory, or null when the data is in memory. */
  readonly dataDirectory: string | null;
  readonly nodeId: number;
  readonly clusterId: string;
  /** What the settings gave reason to warn of. */
  readonly warnings: readonly string[];
  /**
   * Settles when the broker has ended by itself, with why: no data directory is left, or it cannot come back into its
   * cluster after its session with ZooKeeper was over. Never for a broker that was closed.
   */
  readonly failed: Promise<Error>;
  /** Answers what is in work, syncs, marks the data clean and ends. Does nothing the second time. */
  close(): Promise<void>;
}

/**
 * Starts a broker in this process.
 *
 * With `{ port: 0 }` it is one for a test: in memory, on a free port, gone with `close`. Any number of them may run
 * in one process; they share nothing.
 *
 * @throws BrokerConfigError with all that is wrong with the settings; Error when a directory, the coordination tree
 *   or an address cannot be used
 */
export function startBroker(options: StartBrokerOptions = {}): Promise<RunningBroker> {
  return startBrokerOn(options, (ground) => ground);
}

/** The same. @param adapt what is to be different in what the broker stands on */
export async function startBrokerOn(
  options: StartBrokerOptions,
  adapt: (ground: BrokerGround) => BrokerGround,
): Promise<RunningBroker> {
  const loaded = loadSettings(options);
  const memory = options.memory ?? !namesPlaceForData(options);
  const log = options.log ?? silentLog;
  for (const warning of loaded.warnings) log.warn(warning);
  const broker = await Broker.start(adapt(memory ? groundInMemory(loaded, log) : groundOnDisk(loaded, log)));
  const [first] = broker.addresses;
  const { host, port } = first!;
  return {
    address: { host, port },
    bootstrapServers: `${host.includes(':') ? `[${host}]` : host}:${port}`,
    dataDirectory: memory ? null : resolve(loaded.config.logDirs[0]!),
    nodeId: broker.nodeId,
    clusterId: broker.clusterId,
    warnings: loaded.warnings,
    failed: broker.failed,
    close: () => broker.stop(),
  };
}

function loadSettings(options: StartBrokerOptions): LoadedBrokerConfig {
  const { propertiesFile, properties, overrides, port, dataDirectory } = options;
  const fromFile = propertiesFile === undefined ? {} : parseProperties(readFileSync(propertiesFile, 'utf8'));
  const given = { ...fromFile, ...properties };
  return loadBrokerConfig(given, {
    ...(port === undefined ? {} : { listeners: `PLAINTEXT://127.0.0.1:${port}` }),
    ...(dataDirectory === undefined ? {} : { 'log.dirs': dataDirectory }),
    ...overrides,
  });
}

function namesPlaceForData({
  dataDirectory,
  propertiesFile,
  properties,
  overrides,
}: StartBrokerOptions): boolean {
  const given = { ...properties, ...overrides };
  return (
    dataDirectory !== undefined || propertiesFile !== undefined || 'log.dirs' in given || 'log.dir' in given
  );
}
