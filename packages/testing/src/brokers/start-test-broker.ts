import { startBrokerOn, type RunningBroker, type StartBrokerOptions } from '@odradek/broker/start-broker.ts';
import { ControlServer } from '../control/control-server.ts';
import { ProcessControls, TEST_DEFAULTS, type TestControls } from './test-controls.ts';

export interface StartTestBrokerOptions extends StartBrokerOptions {
  /** Decides what is left to chance in faults, so that a test does the same each time. */
  readonly seed?: number;
  /** Port on 127.0.0.1 of the controls over HTTP, for programs in other languages; 0: a free one. None unless given. */
  readonly controlPort?: number;
}

export interface TestBroker extends RunningBroker, TestControls {
  /** Where the controls are served, or null. */
  readonly controlUrl: string | null;
}

/**
 * Starts a broker for a test in this process: on a free port and in memory, unless the options say otherwise. Any
 * number of them may run side by side, also in one process.
 *
 * @throws BrokerConfigError with all that is wrong with the settings; Error when a directory or an address cannot be used
 */
export async function startBroker(options: StartTestBrokerOptions = {}): Promise<TestBroker> {
  const { seed, controlPort, ...brokerOptions } = options;
  const controls = new ProcessControls(seed);
  const running = await startBrokerOn(
    {
      ...brokerOptions,
      ...(namesListener(options) ? {} : { port: options.port ?? 0 }),
      properties: { ...TEST_DEFAULTS, ...options.properties },
    },
    controls.adapt,
  );
  controls.bootstrapServers = running.bootstrapServers;
  return withControls(running, controls, {}, controlPort);
}

/** Puts the controls to what runs, and before its end takes the faults away: what they hold back would hold it up. */
export async function withControls<Running extends { close(): Promise<void> }, More extends object>(
  running: Running,
  controls: ProcessControls,
  more: More,
  controlPort: number | undefined,
): Promise<Running & TestControls & More & { readonly controlUrl: string | null }> {
  const controlled = {
    ...running,
    ...more,
    faults: controls.faults,
    forceRebalance: (groupId: string) => controls.forceRebalance(groupId),
    reset: () => controls.reset(),
  };
  const server = controlPort === undefined ? null : new ControlServer(controlled);
  const controlUrl = server === null ? null : await server.listen(controlPort!).catch(closing(running));
  const close = async () => {
    controls.faults.clear();
    await server?.close();
    await running.close();
  };
  return { ...controlled, controlUrl, close };
}

function closing(running: { close(): Promise<void> }) {
  return async (error: unknown): Promise<never> => {
    await running.close();
    throw error;
  };
}

function namesListener({ properties, overrides, propertiesFile, port }: StartTestBrokerOptions): boolean {
  if (port !== undefined) return false;
  return propertiesFile !== undefined || 'listeners' in { ...properties, ...overrides };
}
