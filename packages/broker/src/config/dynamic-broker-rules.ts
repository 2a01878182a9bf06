import { ErrorCode, KafkaError } from '@odradek/protocol/errors.ts';
import type { BrokerConfigReading } from './load-broker-config.ts';
import type { Properties } from './server-properties.ts';
import { readBrokerConfig } from './load-broker-config.ts';
import type { BrokerLayers } from './broker-layers.ts';
import { effectiveProperties } from './broker-layers.ts';
import {
  baseOfListenerSetting,
  brokerSettingOf,
  isDynamicOnly,
  staticBrokerSetting,
} from './broker-settings.ts';
import { parseSettingValue } from './setting-value.ts';

/** What may be changed while a broker runs, and to what. */

/** Kafka takes these only for one listener, by `listener.name.<name>.`. */
const ONLY_PER_LISTENER: ReadonlySet<string> = new Set([
  'ssl.keystore.type',
  'ssl.keystore.location',
  'ssl.keystore.password',
  'ssl.keystore.key',
  'ssl.keystore.certificate.chain',
  'ssl.key.password',
  'ssl.truststore.type',
  'ssl.truststore.location',
  'ssl.truststore.password',
  'ssl.truststore.certificates',
]);

/** Kafka opens and closes listeners while it runs; Odradek does so at the start only. */
export const FIXED_WHILE_RUNNING: ReadonlySet<string> = new Set([
  'listeners',
  'advertised.listeners',
  'listener.security.protocol.map',
]);

/** Settings that one listener may have differently, and that count for all brokers. */
const CLUSTER_WIDE_PER_LISTENER: ReadonlySet<string> = new Set([
  'max.connections',
  'max.connection.creation.rate',
  'num.network.threads',
]);

/** @returns whether a change of the setting by its own name is accepted while the broker runs */
export function isWritable(name: string): boolean {
  if (isDynamicOnly(name)) return true;
  const setting = staticBrokerSetting(name);
  return (
    setting !== null &&
    setting.update !== 'read-only' &&
    !ONLY_PER_LISTENER.has(name) &&
    !FIXED_WHILE_RUNNING.has(name) &&
    setting.type !== 'password'
  );
}

/**
 * Checks the dynamic settings that a broker, or all of them, are to have.
 * @param settings all dynamic settings of the layer, not only the changed ones
 * @param layers as they would be with these settings
 * @throws KafkaError INVALID_REQUEST with what Kafka says, INVALID_CONFIG for secrets
 * @throws InvalidSetting for a value that its setting does not take
 */
export function checkDynamicSettings(settings: Properties, perBroker: boolean, layers: BrokerLayers): void {
  const names = Object.keys(settings);
  refuse(names.filter(isStaticOnly), 'Cannot update these configs dynamically');
  refuse(
    names.filter((name) => ONLY_PER_LISTENER.has(name)),
    'These security configs can be dynamically updated only per-listener using the listener prefix',
  );
  for (const [name, text] of Object.entries(settings)) checkValue(name, text);
  if (!perBroker) {
    refuse(
      names.filter(isPerBroker),
      'Cannot update these configs at default cluster level, broker id must be specified',
    );
  }
  refuseSecrets(names);
  refuseFixed(names, layers);
  const { problems } = dynamicReading(layers);
  if (problems.length > 0) throw new KafkaError(ErrorCode.INVALID_REQUEST, problems.join(' '));
}

/** The configuration with all layers. */
export function dynamicReading(layers: BrokerLayers): BrokerConfigReading {
  return readBrokerConfig(effectiveProperties(layers));
}

/**
 * What can be used of settings read from the tree, where another program may have written anything.
 * @returns those that pass the checks one by one, and the names of the others
 */
export function usableDynamicSettings(
  settings: Properties,
  perBroker: boolean,
  layersWith: (settings: Properties) => BrokerLayers,
): { usable: Properties; refused: string[] } {
  const usable: Record<string, string> = {};
  const refused: string[] = [];
  for (const [name, text] of Object.entries(settings)) {
    try {
      checkDynamicSettings({ ...usable, [name]: text }, perBroker, layersWith({ ...usable, [name]: text }));
      usable[name] = text;
    } catch {
      refused.push(name);
    }
  }
  return { usable, refused };
}

function isStaticOnly(name: string): boolean {
  return staticBrokerSetting(name)?.update === 'read-only';
}

function isPerBroker(name: string): boolean {
  const base = baseOfListenerSetting(name);
  if (base !== null) return !CLUSTER_WIDE_PER_LISTENER.has(base);
  return staticBrokerSetting(name)?.update === 'per-broker';
}

/** Names that nobody knows are for plug-ins and pass. */
function checkValue(name: string, text: string): void {
  const setting = brokerSettingOf(name);
  if (setting !== null) parseSettingValue(name, setting, text);
}

/** Kafka stores secrets encrypted by password.encoder.secret; Odradek has no use for them yet and stores none. */
function refuseSecrets(names: readonly string[]): void {
  const secrets = names.filter((name) => brokerSettingOf(name)?.type === 'password');
  if (secrets.length === 0) return;
  throw new KafkaError(
    ErrorCode.INVALID_CONFIG,
    `Passwords cannot be changed while the broker runs: ${secrets.join(', ')}`,
  );
}

function refuseFixed(names: readonly string[], layers: BrokerLayers): void {
  const changed = names.filter((name) => FIXED_WHILE_RUNNING.has(name) && isChanged(name, layers));
  if (changed.length === 0) return;
  throw new KafkaError(
    ErrorCode.INVALID_REQUEST,
    `These settings take effect only at the start, from the file: ${changed.join(', ')}`,
  );
}

function isChanged(name: string, layers: BrokerLayers): boolean {
  const atStart = layers.fixed[name] ?? staticBrokerSetting(name)?.default ?? null;
  return (effectiveProperties(layers)[name] ?? null) !== atStart;
}

function refuse(names: readonly string[], rule: string): void {
  if (names.length > 0) throw new KafkaError(ErrorCode.INVALID_REQUEST, `${rule}: Set(${names.join(', ')})`);
}
