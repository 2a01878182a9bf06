import { ErrorCode, KafkaError } from '@odradek/protocol/errors.ts';
import type { Properties } from './server-properties.ts';
import type { SettingChange } from './config-service.ts';
import { ConfigOperation } from './config-service.ts';
import type { Setting } from './setting.ts';
import { valueText } from './setting-value.ts';

/**
 * The settings that changes make of others; both requests that change settings come down to this.
 * @param settingOf the definition behind a name, or null
 * @throws KafkaError INVALID_REQUEST for names that appear twice, values that are missing, unknown operations;
 *   INVALID_CONFIG for adding to or taking from what is no list
 */
export function changedSettings(
  before: Properties,
  changes: readonly SettingChange[],
  settingOf: (name: string) => Setting | null,
): Properties {
  const after = new Map(Object.entries(before));
  for (const change of changes) applyChange(after, change, settingOf);
  return Object.fromEntries(after);
}

/** @throws KafkaError INVALID_REQUEST when a name appears twice or a needed value is missing */
export function refuseMalformed(changes: readonly SettingChange[]): void {
  const names = changes.map((change) => change.name);
  if (new Set(names).size !== names.length) {
    throw new KafkaError(ErrorCode.INVALID_REQUEST, 'Error due to duplicate config keys');
  }
  const nulls = changes.filter(
    (change) => change.operation !== ConfigOperation.DELETE && change.value === null,
  );
  if (nulls.length > 0) {
    const listed = nulls.map((change) => change.name).join(', ');
    throw new KafkaError(ErrorCode.INVALID_REQUEST, `Null value not supported for : ${listed}`);
  }
}

function applyChange(
  settings: Map<string, string>,
  { name, value, operation }: SettingChange,
  settingOf: (name: string) => Setting | null,
): void {
  switch (operation) {
    case ConfigOperation.SET:
      settings.set(name, value as string);
      return;
    case ConfigOperation.DELETE:
      settings.delete(name);
      return;
    case ConfigOperation.APPEND:
      settings.set(name, appended(entriesOf(name, settings, settingOf, 'append'), entries(value as string)));
      return;
    case ConfigOperation.SUBTRACT:
      settings.set(
        name,
        subtracted(entriesOf(name, settings, settingOf, 'subtract'), entries(value as string)),
      );
      return;
    default:
      throw new KafkaError(ErrorCode.INVALID_REQUEST, `Unknown operations type ${operation}`);
  }
}

/** What the list holds now, or by default. */
function entriesOf(
  name: string,
  settings: ReadonlyMap<string, string>,
  settingOf: (name: string) => Setting | null,
  word: string,
): string[] {
  const setting = settingOf(name);
  if (setting === null) throw new KafkaError(ErrorCode.INVALID_CONFIG, `Unknown config name: ${name}`);
  if (setting.type !== 'list') {
    throw new KafkaError(
      ErrorCode.INVALID_CONFIG,
      `Config value ${word} is not allowed for config key: ${name}`,
    );
  }
  return entries(settings.get(name) ?? valueText(setting, setting.default) ?? '');
}

function entries(text: string): string[] {
  return text
    .split(',')
    .map((entry) => entry.trim())
    .filter((entry) => entry !== '');
}

function appended(before: readonly string[], more: readonly string[]): string {
  return [...before, ...more.filter((entry) => !before.includes(entry))].join(',');
}

function subtracted(before: readonly string[], less: readonly string[]): string {
  return before.filter((entry) => !less.includes(entry)).join(',');
}
