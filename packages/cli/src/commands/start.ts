import { flushCompileCache } from 'node:module';
import { resolve } from 'node:path';
import { performance } from 'node:perf_hooks';
import { styleText } from 'node:util';
import { consoleLog, LOG_LEVELS, type LogLevel } from '@odradek/broker/adapters/console-log.ts';
import { startBroker, type RunningBroker, type StartBrokerOptions } from '@odradek/broker/start-broker.ts';
import {
  startCluster,
  type RunningCluster,
  type StartClusterOptions,
} from '@odradek/broker/start-cluster.ts';
import { Option, type Command } from 'commander';
import { wholeNumber } from '../arguments.ts';
import { withExamples } from '../examples.ts';
import { CommandError, usageError, type Terminal } from '../terminal.ts';

interface StartOptions {
  readonly override?: Readonly<Record<string, string>>;
  readonly data?: string;
  readonly memory?: true;
  readonly brokers?: number;
  readonly port?: number;
  readonly controlPort?: number;
  readonly logLevel: LogLevel;
}

const DATA_DIRECTORY_DEFAULT = './data';
const PORT_DEFAULT = 9092;
/** Settings that say where data goes. */
const DATA_SETTINGS = ['log.dirs', 'log.dir'];

export function register(program: Command, terminal: Terminal): void {
  const command = program
    .command('start')
    .summary('start a broker')
    .description(
      'Starts a broker and serves until it is told to stop (Ctrl+C, SIGTERM).\n' +
        'Without a file every setting has its default, and data is kept in ./data.',
    )
    .argument('[properties]', "a server.properties file with Kafka's settings")
    .option('--override <name=value>', 'set one setting, over the file; may be repeated', addOverride)
    .addOption(new Option('--data <directory>', 'where to keep the data').conflicts('memory'))
    .option('--memory', 'keep the data in memory; it is gone when the broker stops')
    .option('--port <port>', 'port on 127.0.0.1, in place of listeners; 0: a free one', (text: string) =>
      wholeNumber('--port', text, { max: 65_535 }),
    )
    .option(
      '--brokers <count>',
      'a cluster of so many brokers in this one process, for development; their ports follow each other',
      (text: string) => wholeNumber('--brokers', text, { min: 1, max: 100 }),
    )
    .option(
      '--control-port <port>',
      'for tests: an address on 127.0.0.1 where requests are let fail, over HTTP',
      (text: string) => wholeNumber('--control-port', text, { max: 65_535 }),
    )
    .addOption(
      new Option('--log-level <level>', 'least weighty log lines shown').choices(LOG_LEVELS).default('info'),
    )
    .option('--verbose', 'on failure, also say where in the code')
    .action((properties: string | undefined, options: StartOptions) => serve(properties, options, terminal));
  withExamples(command, [
    ['On another port', 'odradek start --port 19092'],
    [
      "With Kafka's own settings file, one of them changed",
      'odradek start server.properties --override num.partitions=6',
    ],
    ['For a test: nothing stays behind', 'odradek start --memory'],
    ['Three brokers that replicate and fail over, on ports 9092 to 9094', 'odradek start --brokers 3'],
  ]);
}

async function serve(
  propertiesFile: string | undefined,
  options: StartOptions,
  terminal: Terminal,
): Promise<void> {
  const log = consoleLog(options.logLevel, terminal.stderr);
  const running = await run(propertiesFile, options, log).catch((thrown: unknown) =>
    explained(thrown, options),
  );
  // Before anybody learns that it serves, who may stop it at once.
  const stopping = stopSignal();
  terminal.stdout.write(banner(running, terminal));
  // It makes later starts faster, and is written at the end of a process, which a broker may not reach in peace.
  flushCompileCache();
  const ended = await Promise.race([stopping, running.failed]);
  if (ended instanceof Error) throw new CommandError(ended.message, { cause: ended });
  log.info('stopping', { signal: ended });
  await running.close();
  log.info('stopped');
}

/** One broker or several, as the banner tells of them. */
interface Running {
  readonly title: string;
  /** Where tests let requests fail, if that was asked for. */
  readonly controlUrl?: string | null;
  readonly bootstrapServers: string;
  readonly dataDirectory: string | null;
  readonly failed: Promise<Error>;
  close(): Promise<void>;
}

async function run(
  propertiesFile: string | undefined,
  options: StartOptions,
  log: ReturnType<typeof consoleLog>,
): Promise<Running> {
  const { startBroker, startCluster } = await starters(options);
  if (options.brokers === undefined) {
    const port = options.port === undefined ? {} : { port: options.port };
    const broker = await startBroker({ ...brokerOptions(propertiesFile, options), ...port, log });
    return { ...broker, title: `broker ${broker.nodeId} listens` };
  }
  if (propertiesFile !== undefined)
    throw usageError('--brokers takes settings by --override only, not from a file');
  const cluster = await startCluster({
    brokers: options.brokers,
    port: options.port ?? PORT_DEFAULT,
    properties: options.override ?? {},
    log,
    ...(options.memory === true ? {} : { dataDirectory: resolve(options.data ?? DATA_DIRECTORY_DEFAULT) }),
  });
  return { ...cluster, title: `brokers 0 to ${options.brokers - 1} listen` };
}

/** What can let requests fail is loaded only where it was asked for. */
async function starters({ controlPort }: StartOptions): Promise<{
  startBroker(options: StartBrokerOptions): Promise<RunningBroker & Pick<Running, 'controlUrl'>>;
  startCluster(options: StartClusterOptions): Promise<RunningCluster & Pick<Running, 'controlUrl'>>;
}> {
  if (controlPort === undefined) return { startBroker, startCluster };
  const testing = await import('@odradek/testing');
  return {
    startBroker: (options) => testing.startBroker({ ...options, controlPort }),
    startCluster: (options) => testing.startCluster({ ...options, controlPort }),
  };
}

function brokerOptions(propertiesFile: string | undefined, options: StartOptions): StartBrokerOptions {
  const overrides = options.override ?? {};
  if (options.memory === true) {
    return { overrides, memory: true, ...(propertiesFile === undefined ? {} : { propertiesFile }) };
  }
  const hasDataSetting = propertiesFile !== undefined || DATA_SETTINGS.some((name) => name in overrides);
  const directory = options.data ?? (hasDataSetting ? undefined : DATA_DIRECTORY_DEFAULT);
  return {
    overrides,
    ...(propertiesFile === undefined ? {} : { propertiesFile }),
    ...(directory === undefined ? {} : { dataDirectory: resolve(directory) }),
  };
}

/** The usual obstacles in words. */
function explained(thrown: unknown, { brokers }: StartOptions): never {
  if (thrown instanceof Error && (thrown as NodeJS.ErrnoException).code === 'EADDRINUSE') {
    const { port } = thrown as Error & { port?: number };
    const choice =
      brokers === undefined
        ? 'choose one with --override listeners=PLAINTEXT://127.0.0.1:PORT'
        : `choose with --port the first of ${brokers} that follow each other`;
    throw new CommandError(`port ${port ?? ''} is taken by another process; ${choice}`, { cause: thrown });
  }
  if (brokers !== undefined && thrown instanceof RangeError) throw usageError(thrown.message);
  throw thrown;
}

function banner({ title, bootstrapServers, dataDirectory, controlUrl }: Running, terminal: Terminal): string {
  const bold = (text: string): string =>
    terminal.stdout.isTTY === true ? styleText('bold', text, { validateStream: false }) : text;
  const command = terminal.env['npm_lifecycle_event'] === 'start' ? 'npm run -s odradek --' : 'odradek';
  const isDefault = bootstrapServers.split(',').includes(`127.0.0.1:${PORT_DEFAULT}`);
  const where = isDefault ? '' : ` --bootstrap-server ${bootstrapServers}`;
  return [
    `Odradek ${title} on ${bold(bootstrapServers)}, ${Math.round(performance.now())} ms after the start.`,
    ...(typeof controlUrl === 'string' ? [`Tests let requests fail by ${bold(controlUrl)}.`] : []),
    `The data lies in ${bold(dataDirectory ?? 'memory, and goes at the end')}.`,
    'Two commands to try next, in another terminal:',
    `  echo hello | ${command} produce greetings${where}`,
    `  ${command} consume greetings --from-beginning${where}`,
    '',
  ].join('\n');
}

/** Waits for the order to stop. The second one does not wait for anything. */
function stopSignal(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    const first = (signal: NodeJS.Signals): void => {
      for (const each of ['SIGINT', 'SIGTERM'] as const) {
        process.off(each, first);
        process.once(each, () => process.exit(each === 'SIGINT' ? 130 : 143));
      }
      resolve(signal);
    };
    process.on('SIGINT', first);
    process.on('SIGTERM', first);
  });
}

function addOverride(text: string, previous: Record<string, string> | undefined): Record<string, string> {
  const at = text.indexOf('=');
  if (at < 1) throw usageError(`--override "${text}" has no value; expected is name=value`);
  return { ...previous, [text.slice(0, at).trim()]: text.slice(at + 1).trim() };
}
