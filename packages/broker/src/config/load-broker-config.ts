import type { BrokerSettingValues } from './broker-settings.ts';
import { brokerSettings, brokerSettingOf, isDynamicOnly } from './broker-settings.ts';
import type { BrokerConfig } from './broker-config.ts';
import { problemsOf } from './broker-config-rules.ts';
import { deriveSettings } from './derived-settings.ts';
import type { Setting } from './setting.ts';
import type { SettingValue } from './setting-check.ts';
import type { Properties } from './server-properties.ts';
import { propertyName } from './setting-names.ts';
import { parseSettingValue } from './setting-value.ts';
import { withSingleMachineSettings } from './single-machine.ts';

/** The start stops. `problems` has one sentence for each, with the name, the value and what is allowed. */
export class BrokerConfigError extends Error {
  override readonly name = 'BrokerConfigError';
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(problems.join('\n'));
    this.problems = problems;
  }
}

/** What came of the file and the command line. */
export interface LoadedBrokerConfig {
  readonly config: BrokerConfig;
  /** The static properties: given ones, and those of a single machine where this is one. */
  readonly properties: Properties;
  /** For the operator: unknown names, settings that are not supported. */
  readonly warnings: readonly string[];
}

/**
 * @param properties of `server.properties`, or null where there is no file
 * @param overrides of the command line, stronger than the file
 * @throws BrokerConfigError with all problems at once
 */
export function loadBrokerConfig(
  properties: Properties | null,
  overrides: Properties = {},
): LoadedBrokerConfig {
  const effective = withSameBrokerId(withSingleMachineSettings({ ...properties, ...overrides }));
  const { config, problems, warnings } = readBrokerConfig(effective);
  if (config === null || problems.length > 0) throw new BrokerConfigError(problems);
  return { config, properties: effective, warnings };
}

/** Outcome of reading properties: `config` is null where a value could not be read at all. */
export interface BrokerConfigReading {
  readonly config: BrokerConfig | null;
  readonly problems: readonly string[];
  readonly warnings: readonly string[];
}

/** Reads, checks each value by itself and all of them together. */
export function readBrokerConfig(properties: Properties): BrokerConfigReading {
  const problems: string[] = [];
  const warnings: string[] = [];
  const readable = readableProperties(properties, problems, warnings);
  const values = settingValues(readable);
  const derived = deriveSettings(values, readable, problems);
  if (derived === null) return { config: null, problems, warnings };
  const config: BrokerConfig = { ...values, ...derived };
  problems.push(...problemsOf(config, readable));
  return { config, problems, warnings };
}

/** `broker.id` and `node.id` are one thing. */
function withSameBrokerId(properties: Properties): Properties {
  const id = properties['broker.id'] ?? properties['node.id'];
  return id === undefined ? properties : { 'broker.id': id, 'node.id': id, ...properties };
}

/** The properties that can be read: what depends on the others is looked at as if these were not set. */
function readableProperties(properties: Properties, problems: string[], warnings: string[]): Properties {
  const readable = Object.entries(properties).filter(([name, text]) =>
    checkProperty(name, text, problems, warnings),
  );
  return Object.fromEntries(readable);
}

function checkProperty(name: string, text: string, problems: string[], warnings: string[]): boolean {
  const setting = brokerSettingOf(name);
  if (setting === null) {
    warnings.push(`Unknown setting '${name}' is ignored`);
    return true;
  }
  if (isDynamicOnly(name)) {
    warnings.push(`Setting '${name}' can be set only while the broker runs and is ignored here`);
    return true;
  }
  try {
    checkSupport(name, setting, parseSettingValue(name, setting, text), problems, warnings);
    return true;
  } catch (error) {
    problems.push((error as Error).message);
    return false;
  }
}

function checkSupport(
  name: string,
  setting: Setting,
  value: SettingValue,
  problems: string[],
  warnings: string[],
): void {
  if (setting.status.kind !== 'not supported' || isSame(value, setting.default) || isNothing(value)) return;
  const shown = setting.type === 'password' ? '' : ` (value ${String(value)})`;
  const sentence = `Setting '${name}'${shown} is not supported: ${setting.status.because}`;
  if (setting.status.whenSet === 'stop') problems.push(`${sentence}. Remove it to start.`);
  else warnings.push(sentence);
}

function isNothing(value: SettingValue): boolean {
  return value === null || value === '' || (Array.isArray(value) && value.length === 0);
}

function isSame(value: SettingValue, other: SettingValue): boolean {
  return String(value) === String(other);
}

function settingValues(properties: Properties): BrokerSettingValues {
  const values: Record<string, SettingValue> = {};
  for (const [name, setting] of Object.entries<Setting>(brokerSettings)) {
    const text = properties[name];
    values[propertyName(name)] =
      text === undefined ? setting.default : parseSettingValue(name, setting, text);
  }
  return values as BrokerSettingValues;
}
