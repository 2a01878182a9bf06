import type { Clock } from '@odradek/core/ports/clock.ts';
import type { Coordination } from '@odradek/core/ports/coordination.ts';
import type { LogSink } from '@odradek/core/ports/log-sink.ts';
import { EmbeddedTree } from '../../src/adapters/embedded-coordination/embedded-tree.ts';
import type { LoadedBrokerConfig } from '../../src/config/load-broker-config.ts';
import type { Properties } from '../../src/config/server-properties.ts';
import { loadBrokerConfig } from '../../src/config/load-broker-config.ts';
import type { ConfigService } from '../../src/config/config-service.ts';
import { openConfigService } from '../../src/config/live-config-service.ts';

/** A config service over a tree in memory, with topics `orders` and `payments`. */
export interface ConfigFixture {
  readonly service: ConfigService;
  readonly loaded: LoadedBrokerConfig;
  readonly tree: EmbeddedTree;
  readonly coordination: Coordination;
  readonly clock: MovingClock;
  /** What was logged as an error. */
  readonly errors: string[];
  children(path: string): Promise<readonly string[]>;
  /** Resolves once all that was under way in the tree is done. */
  settled(): Promise<void>;
  close(): void;
}

export const TOPIC = { type: 2, name: 'orders' };
export const BROKER = { type: 4, name: '0' };
export const CLUSTER = { type: 4, name: '' };

const TOPICS = ['orders', 'payments'];

function makeTopics(coordination: Coordination): Promise<void> {
  const paths = ['/brokers', '/brokers/topics', ...TOPICS.map((topic) => `/brokers/topics/${topic}`)];
  const creations = paths.map((path) => ({ type: 'create', path, data: null, mode: 'persistent' }) as const);
  return new Promise((resolve, reject) =>
    coordination.write(creations, (error) => (error === null ? resolve() : reject(error))),
  );
}

/** @param tree of another fixture, to be a second broker or a later start */
export async function configFixture(
  properties: Properties = {},
  tree?: EmbeddedTree,
): Promise<ConfigFixture> {
  const errors: string[] = [];
  const clock = new MovingClock();
  const shared = tree ?? new EmbeddedTree(':memory:', clock);
  const coordination = shared.connect();
  if (tree === undefined) await makeTopics(coordination);
  const loaded = loadBrokerConfig(properties);
  const service = await openConfigService({
    loaded,
    coordination,
    clock,
    log: recordingLog(errors),
    topicExists: (topic) => TOPICS.includes(topic),
  });
  const children = (path: string) => childrenOf(coordination, path);
  const settled = async () => {
    // Every step of the service waits for one answer of the tree at most, and there are few steps.
    for (let round = 0; round < 20; round += 1) await children('/config');
  };
  return {
    service,
    loaded,
    tree: shared,
    coordination,
    clock,
    errors,
    children,
    settled,
    close: () => shared.close(),
  };
}

export class MovingClock implements Clock {
  nowMs = 1_700_000_000_000;

  now(): number {
    return this.nowMs;
  }

  monotonic(): number {
    return this.nowMs;
  }
}

/** The contents of a node as text. */
export function readNode({ coordination }: ConfigFixture, path: string): Promise<string> {
  return new Promise((resolve, reject) =>
    coordination.read(path, null, (error, contents) =>
      error === null ? resolve(contents.data?.toString() ?? '') : reject(error),
    ),
  );
}

function childrenOf(coordination: Coordination, path: string): Promise<readonly string[]> {
  return new Promise((resolve, reject) =>
    coordination.children(path, null, (error, names) => (error === null ? resolve(names) : reject(error))),
  );
}

function recordingLog(errors: string[]): LogSink {
  return { debug: nothing, info: nothing, warn: nothing, error: (message) => void errors.push(message) };
}

function nothing(): void {}
