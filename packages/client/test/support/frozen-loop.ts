import { nodeEnvironment } from '../../src/adapters/node-environment.ts';
import { Cluster } from '../../src/cluster/cluster.ts';
import { Coordinator, CoordinatorType } from '../../src/cluster/coordinators.ts';
import { classicBeats } from '../../src/consumer/heartbeats/classic-beats.ts';
import { consumerBeats } from '../../src/consumer/heartbeats/consumer-beats.ts';
import type { BeatProtocol } from '../../src/consumer/heartbeats/beat-protocol.ts';
import { PlaceKeeper } from '../../src/consumer/heartbeats/place-keeper.ts';
import type { KeeperData, ToKeeper } from '../../src/consumer/heartbeats/thread-messages.ts';
import type { ClientEnvironment } from '../../src/ports/environment.ts';
import type { Thread, ThreadEvents } from '../../src/ports/threads.ts';

/**
 * The world of a consumer whose event loop can be blocked and released while the test goes on: no timer of its own fires
 * and nothing that its thread says is heard until then, but for what it takes in itself. What would run in the thread
 * runs beside it.
 */
export class FrozenLoop {
  readonly environment: ClientEnvironment;
  private isFrozen = false;
  private readonly late: (() => void)[] = [];
  private readonly clusters: Cluster[] = [];

  constructor() {
    const real = nodeEnvironment();
    this.environment = {
      ...real,
      timers: { after: (delayMs, fire) => real.timers.after(delayMs, () => this.inLoop(fire)) },
      threads: { start: (_program, data, events) => this.startKeeper(data as KeeperData, events) },
    };
  }

  freeze(): void {
    this.isFrozen = true;
  }

  release(): void {
    this.isFrozen = false;
    for (const run of this.late.splice(0)) run();
  }

  close(): void {
    for (const cluster of this.clusters) cluster.close();
  }

  private inLoop(run: () => void): void {
    if (this.isFrozen) this.late.push(run);
    else run();
  }

  private startKeeper(
    { protocol, groupId, cluster: options, silenceMaxMs }: KeeperData,
    events: ThreadEvents,
  ): Thread {
    const environment = nodeEnvironment();
    const cluster = new Cluster({ ...options, environment });
    this.clusters.push(cluster);
    const coordinator = new Coordinator(cluster, CoordinatorType.GROUP, groupId);
    const beats = (protocol === 'classic' ? classicBeats : consumerBeats) as BeatProtocol<never, never>;
    const said: unknown[] = [];
    const takeIn = (): void => {
      while (said.length > 0) events.said(said.shift());
    };
    const keeper = new PlaceKeeper(environment, coordinator, beats, silenceMaxMs, (message) => {
      said.push(structuredClone(message));
      setImmediate(() => this.inLoop(takeIn));
    });
    return {
      say: (message) => keeper.hear(structuredClone(message) as Exclude<ToKeeper, { kind: 'token' }>),
      takeIn,
      end() {
        keeper.hear({ kind: 'rest', term: -1 });
        cluster.close();
      },
    };
  }
}
