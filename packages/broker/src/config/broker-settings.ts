import type { Setting } from './setting.ts';
import type { PropertyName } from './setting-names.ts';
import { consumerGroupsSettings } from './settings/consumer-groups.ts';
import { dynamicOnlySettings } from './settings/dynamic-only.ts';
import { generalSettings } from './settings/general.ts';
import { groupsSettings } from './settings/groups.ts';
import { kraftSettings } from './settings/kraft.ts';
import { listenersSettings } from './settings/listeners.ts';
import { logCleanerSettings } from './settings/log-cleaner.ts';
import { logSettings } from './settings/log.ts';
import { metricsSettings } from './settings/metrics.ts';
import { offsetsSettings } from './settings/offsets.ts';
import { quotasSettings } from './settings/quotas.ts';
import { remoteStorageSettings } from './settings/remote-storage.ts';
import { replicationSettings } from './settings/replication.ts';
import { saslSettings } from './settings/sasl.ts';
import { securitySettings } from './settings/security.ts';
import { shareGroupsSettings } from './settings/share-groups.ts';
import { socketsSettings } from './settings/sockets.ts';
import { tlsSettings } from './settings/tls.ts';
import { transactionsSettings } from './settings/transactions.ts';
import { zookeeperSettings } from './settings/zookeeper.ts';

/** Every broker setting of Apache Kafka 3.9, by name. An interop test compares the table with Kafka's own. */
export const brokerSettings = {
  ...generalSettings,
  ...listenersSettings,
  ...socketsSettings,
  ...logSettings,
  ...logCleanerSettings,
  ...replicationSettings,
  ...offsetsSettings,
  ...groupsSettings,
  ...consumerGroupsSettings,
  ...shareGroupsSettings,
  ...transactionsSettings,
  ...quotasSettings,
  ...securitySettings,
  ...tlsSettings,
  ...saslSettings,
  ...zookeeperSettings,
  ...metricsSettings,
  ...remoteStorageSettings,
  ...kraftSettings,
};

export type BrokerSettingName = keyof typeof brokerSettings;

/** The settings as properties with their values' types: `log.segment.bytes` is `logSegmentBytes: number`. */
export type BrokerSettingValues = {
  readonly [Name in BrokerSettingName as PropertyName<Name>]: (typeof brokerSettings)[Name] extends Setting<
    infer Value
  >
    ? Value
    : never;
};

const ALL: ReadonlyMap<string, Setting> = new Map<string, Setting>(Object.entries(brokerSettings));
const DYNAMIC_ONLY: ReadonlyMap<string, Setting> = new Map<string, Setting>(
  Object.entries(dynamicOnlySettings),
);

/** @returns the setting of a file or a description, without those that exist only while the broker runs */
export function staticBrokerSetting(name: string): Setting | null {
  return ALL.get(name) ?? null;
}

export function isDynamicOnly(name: string): boolean {
  return DYNAMIC_ONLY.has(name);
}

const LISTENER_PREFIXED = /^listener\.name\.[^.]*\.(.*)$/;

/** Settings that a listener may have per SASL mechanism: `listener.name.<name>.<mechanism>.<setting>`. */
const PER_MECHANISM = [
  'sasl.jaas.config',
  'sasl.login.callback.handler.class',
  'sasl.login.class',
  'sasl.server.callback.handler.class',
  'connections.max.reauth.ms',
];

/** @returns `max.connections` for `listener.name.internal.max.connections`, and null for a name without listener */
export function baseOfListenerSetting(name: string): string | null {
  const base = LISTENER_PREFIXED.exec(name)?.[1];
  if (base === undefined) return null;
  return PER_MECHANISM.find((setting) => base.endsWith(setting)) ?? base;
}

/** @returns the definition behind a name, also of one for a single listener; null for a name that Kafka does not know */
export function brokerSettingOf(name: string): Setting | null {
  const own = ALL.get(name) ?? DYNAMIC_ONLY.get(name);
  if (own !== undefined) return own;
  const base = baseOfListenerSetting(name);
  return base === null ? null : (ALL.get(base) ?? null);
}

const SYNONYMS: readonly (readonly string[])[] = [
  ['log.roll.ms', 'log.roll.hours'],
  ['log.roll.jitter.ms', 'log.roll.jitter.hours'],
  ['log.retention.ms', 'log.retention.minutes', 'log.retention.hours'],
];

/**
 * The names that one quantity may be set by, from the strongest to the weakest, the given one among them.
 * @param forListeners whether a listener's setting counts the general one as its synonym
 */
export function brokerSynonyms(name: string, forListeners: boolean): readonly string[] {
  if (name === 'log.flush.interval.ms') return ['log.flush.interval.ms', 'log.flush.scheduler.interval.ms'];
  const base = forListeners ? baseOfListenerSetting(name) : null;
  if (base !== null) return [name, base];
  return SYNONYMS.find((names) => names.includes(name)) ?? [name];
}
