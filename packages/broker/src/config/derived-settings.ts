import type { Properties } from './server-properties.ts';
import type { BrokerSettingValues } from './broker-settings.ts';
import type { Listener, SecurityProtocol } from './listeners.ts';
import { parseListeners, parseSecurityProtocolMap, refuseSharedPorts } from './listeners.ts';
import { LONG_MAX } from './settings/limits.ts';

/** Settings that mean more than their text says, or that several names set together. */
export interface DerivedSettings {
  readonly listeners: readonly Listener[];
  /** What clients are told; equal to `listeners` where not set. */
  readonly advertisedListeners: readonly Listener[];
  readonly listenerSecurityProtocolMap: ReadonlyMap<string, SecurityProtocol>;
  readonly interBrokerListenerName: string;
  readonly securityInterBrokerProtocol: SecurityProtocol;
  /** Directories as written, from `log.dirs` or else `log.dir`. */
  readonly logDirs: readonly string[];
  /** Of `log.roll.ms` or else `log.roll.hours`, in milliseconds. */
  readonly logRollMs: number;
  readonly logRollJitterMs: number;
  /** Of `log.retention.ms`, else minutes, else hours, in milliseconds; -1: for ever. */
  readonly logRetentionMs: number;
  readonly logFlushIntervalMs: number;
  readonly logMessageTimestampBeforeMaxMs: number;
  readonly logMessageTimestampAfterMaxMs: number;
  /** Limits for single addresses. */
  readonly maxConnectionsPerIpOverrides: ReadonlyMap<string, number>;
  /** `listener.name.<name>.max.connections`, by upper-case listener name. */
  readonly maxConnectionsPerListener: ReadonlyMap<string, number>;
  readonly zookeeperConnectionTimeoutMs: number;
}

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

/** @returns null where something cannot be read; `problems` then says what */
export function deriveSettings(
  values: BrokerSettingValues,
  properties: Properties,
  problems: string[],
): DerivedSettings | null {
  const addresses = deriveAddresses(values, properties, problems);
  const maxConnectionsPerIpOverrides = attempt(
    'max.connections.per.ip.overrides',
    values.maxConnectionsPerIpOverrides,
    problems,
    parseCounts,
  );
  if (addresses === null || maxConnectionsPerIpOverrides === null) return null;
  return {
    ...addresses,
    ...deriveTimes(values),
    logDirs: commaSeparated(values.logDirs ?? values.logDir),
    maxConnectionsPerIpOverrides,
    maxConnectionsPerListener: maxConnectionsPerListener(properties),
    zookeeperConnectionTimeoutMs: values.zookeeperConnectionTimeoutMs ?? values.zookeeperSessionTimeoutMs,
  };
}

type AddressSettings = Pick<
  DerivedSettings,
  | 'listeners'
  | 'advertisedListeners'
  | 'listenerSecurityProtocolMap'
  | 'interBrokerListenerName'
  | 'securityInterBrokerProtocol'
>;

function deriveAddresses(
  values: BrokerSettingValues,
  properties: Properties,
  problems: string[],
): AddressSettings | null {
  const protocols = attempt(
    'listener.security.protocol.map',
    values.listenerSecurityProtocolMap,
    problems,
    parseSecurityProtocolMap,
  );
  if (protocols === null) return null;
  const listeners = attempt('listeners', values.listeners, problems, (text) =>
    distinctPorts(parseListeners(text, protocols)),
  );
  const advertised =
    values.advertisedListeners === null
      ? listeners
      : attempt('advertised.listeners', values.advertisedListeners, problems, (text) =>
          parseListeners(text, protocols),
        );
  const inner = deriveInterBroker(values, properties, protocols, problems);
  if (listeners === null || advertised === null || inner === null) return null;
  return { listeners, advertisedListeners: advertised, listenerSecurityProtocolMap: protocols, ...inner };
}

function distinctPorts(listeners: readonly Listener[]): readonly Listener[] {
  refuseSharedPorts(listeners);
  return listeners;
}

function deriveInterBroker(
  values: BrokerSettingValues,
  properties: Properties,
  protocols: ReadonlyMap<string, SecurityProtocol>,
  problems: string[],
): Pick<DerivedSettings, 'interBrokerListenerName' | 'securityInterBrokerProtocol'> | null {
  const name = values.interBrokerListenerName?.toUpperCase() ?? null;
  if (name === null) {
    const protocol = values.securityInterBrokerProtocol as SecurityProtocol;
    return { interBrokerListenerName: protocol, securityInterBrokerProtocol: protocol };
  }
  if (properties['security.inter.broker.protocol'] !== undefined) {
    problems.push('Only one of inter.broker.listener.name and security.inter.broker.protocol should be set.');
    return null;
  }
  const protocol = protocols.get(name);
  if (protocol !== undefined) return { interBrokerListenerName: name, securityInterBrokerProtocol: protocol };
  problems.push(
    `Listener with name ${name} defined in inter.broker.listener.name not found in listener.security.protocol.map.`,
  );
  return null;
}

function deriveTimes(values: BrokerSettingValues) {
  const difference = values.logMessageTimestampDifferenceMaxMs;
  const retentionMs = values.logRetentionMs ?? minutesOrHours(values);
  return {
    logRollMs: values.logRollMs ?? values.logRollHours * HOUR_MS,
    logRollJitterMs: values.logRollJitterMs ?? values.logRollJitterHours * HOUR_MS,
    logRetentionMs: retentionMs < 0 ? -1 : retentionMs,
    logFlushIntervalMs: values.logFlushIntervalMs ?? values.logFlushSchedulerIntervalMs,
    logMessageTimestampBeforeMaxMs: unlessDefault(values.logMessageTimestampBeforeMaxMs, difference),
    logMessageTimestampAfterMaxMs: unlessDefault(values.logMessageTimestampAfterMaxMs, difference),
  };
}

function minutesOrHours(values: BrokerSettingValues): number {
  return values.logRetentionMinutes === null
    ? values.logRetentionHours * HOUR_MS
    : values.logRetentionMinutes * MINUTE_MS;
}

/** The older setting for both directions counts where the newer one has its default (KIP-937). */
function unlessDefault(value: number, older: number): number {
  return value >= LONG_MAX ? older : value;
}

function maxConnectionsPerListener(properties: Properties): ReadonlyMap<string, number> {
  const limits = new Map<string, number>();
  for (const [name, text] of Object.entries(properties)) {
    const listener = /^listener\.name\.([^.]+)\.max\.connections$/.exec(name)?.[1];
    if (listener !== undefined) limits.set(listener.toUpperCase(), Number(text.trim()));
  }
  return limits;
}

/** `address:count,...`, the address possibly IPv6. */
function parseCounts(text: string): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const entry of commaSeparated(text)) {
    const at = entry.lastIndexOf(':');
    const count = entry.slice(at + 1).trim();
    if (at < 1 || !/^\d{1,9}$/.test(count)) throw new Error(`'${entry}' must be address:count`);
    counts.set(entry.slice(0, at).trim(), Number(count));
  }
  return counts;
}

function commaSeparated(text: string): string[] {
  return text
    .split(',')
    .map((entry) => entry.trim())
    .filter((entry) => entry !== '');
}

function attempt<Value>(
  name: string,
  text: string,
  problems: string[],
  read: (text: string) => Value,
): Value | null {
  try {
    return read(text);
  } catch (error) {
    problems.push(`Invalid value ${text} for configuration ${name}: ${(error as Error).message}`);
    return null;
  }
}
