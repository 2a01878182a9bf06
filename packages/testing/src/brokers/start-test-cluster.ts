import {
  startClusterOn,
  type RunningCluster,
  type StartClusterOptions,
} from '@odradek/broker/start-cluster.ts';
import { moveCoordinator } from './move-coordinator.ts';
import { withControls } from './start-test-broker.ts';
import { ProcessControls, TEST_DEFAULTS, type TestControls } from './test-controls.ts';

export interface StartTestClusterOptions extends StartClusterOptions {
  /** Decides what is left to chance in faults, so that a test does the same each time. */
  readonly seed?: number;
  /** Port on 127.0.0.1 of the controls over HTTP, for programs in other languages; 0: a free one. None unless given. */
  readonly controlPort?: number;
}

export interface TestCluster extends RunningCluster, TestControls {
  /** Where the controls are served, or null. */
  readonly controlUrl: string | null;
  /**
   * Has another broker coordinate the group; its members find out and go on.
   *
   * @returns the id of the broker that coordinates it now
   * @throws Error where no other broker has a replica in sync
   */
  moveCoordinator(groupId: string): Promise<number>;
}

/**
 * Starts several brokers for a test in this process: on free ports and in memory, unless the options say otherwise.
 * They replicate, elect and fail over as on several machines.
 *
 * @throws as `startCluster` of the broker
 */
export async function startCluster(options: StartTestClusterOptions): Promise<TestCluster> {
  const { seed, controlPort, ...clusterOptions } = options;
  const controls = new ProcessControls(seed);
  const running = await startClusterOn(
    { ...clusterOptions, properties: { ...TEST_DEFAULTS, ...options.properties } },
    controls.adapt,
  );
  controls.bootstrapServers = running.bootstrapServers;
  const more = { moveCoordinator: (groupId: string) => moveCoordinator(running.bootstrapServers, groupId) };
  return withControls(running, controls, more, controlPort);
}
