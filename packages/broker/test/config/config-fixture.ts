import type { Clock } from '@odradek/core/ports/clock.ts';
import type { Coordination } from '@odradek/core/ports/coordination.ts';
import type { LogSink } from '@odradek/core/ports/log-sink.ts';
import { EmbeddedTree } from '../../src/adapters/embedded-coordination/embedded-tree.ts';
import type { LoadedBrokerConfig, Properties } from '../../src/config/broker-config.ts';
import { loadBrokerConfig } from '../../src/config/broker-config.ts';
import type { ConfigService } from '../../src/config/config-service.ts';
import { openConfigService } from '../../src/config/live-config-service.ts';

/** A config service over a tree in memory, with topics `orders` and `payments`. */
export interface ConfigFixture {
  readonly service: ConfigService;
  readonly loaded: LoadedBrokerConfig;
  readonly tree: EmbeddedTree;
  readonly coordination: Coordination;
  readonly errors: string[];
  close(): void;
}

export const TOPIC = { type: 2, name: 'orders' };
export const BROKER = { type: 4, name: '0' };
export const CLUSTER = { type: 4, name: '' };

export async function configFixture(properties: Properties = {}, tree?: EmbeddedTree): Promise<ConfigFixture> {
  const errors: string[] = [];
  const shared = tree ?? new EmbeddedTree(':memory:', CLOCK);
  const coordination = shared.connect();
  const loaded = loadBrokerConfig(properties);
  const service = await openConfigService({
    loaded,
    coordination,
    clock: CLOCK,
    log: recordingLog(errors),
    topicExists: (topic) => ['orders', 'payments'].includes(topic),
  });
  return { service, loaded, tree: shared, coordination, errors, close: () => shared.close() };
}

export const CLOCK: Clock = { now: () => 1_700_000_000_000, monotonic: () => 0 };

function recordingLog(errors: string[]): LogSink {
  const nothing = () => undefined;
  return { debug: nothing, info: nothing, warn: nothing, error: (message) => void errors.push(message) };
}
