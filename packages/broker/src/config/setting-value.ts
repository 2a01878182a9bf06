import type { Setting, SettingType } from './setting.ts';
import type { SettingValue } from './setting-check.ts';

/**
 * Text to value and back, with the leniency of Kafka's ConfigDef: surrounding blanks are dropped, booleans may
 * have any case, a list is cut at commas with the blanks around them.
 */

/** A value that a setting does not take. */
export class InvalidSetting extends Error {
  override readonly name = 'InvalidSetting';
  readonly setting: string;
  readonly value: string;

  constructor(setting: string, value: string, reason: string) {
    super(`Invalid value ${value} for configuration ${setting}: ${reason}`);
    this.setting = setting;
    this.value = value;
  }
}

const INTEGER_RANGES: Partial<Record<SettingType, { readonly min: bigint; readonly max: bigint }>> = {
  short: { min: -32_768n, max: 32_767n },
  int: { min: -2_147_483_648n, max: 2_147_483_647n },
  long: { min: -9_223_372_036_854_775_808n, max: 9_223_372_036_854_775_807n },
};

/**
 * @param text as written in a file or a request
 * @returns the value; 64-bit integers beyond 2^53 lose their last digits
 * @throws InvalidSetting naming the setting, the value and what is allowed; a secret is not named
 */
export function parseSettingValue(name: string, setting: Setting, text: string): Exclude<SettingValue, null> {
  const trimmed = text.trim();
  const shown = setting.type === 'password' ? '[hidden]' : text;
  const value = parse(setting.type, trimmed, (reason) => new InvalidSetting(name, shown, reason));
  const problem = setting.check?.problem(value) ?? null;
  if (problem !== null) throw new InvalidSetting(name, shown, problem);
  return value;
}

function parse(
  type: SettingType,
  trimmed: string,
  invalid: (reason: string) => Error,
): Exclude<SettingValue, null> {
  switch (type) {
    case 'boolean':
      return parseBoolean(trimmed, invalid);
    case 'int':
    case 'short':
    case 'long':
      return Number(parseInteger(type, trimmed, invalid));
    case 'double':
      return parseDouble(trimmed, invalid);
    case 'list':
      return trimmed === '' ? [] : trimmed.split(/\s*,\s*/);
    case 'string':
    case 'class':
    case 'password':
      return trimmed;
  }
}

function parseBoolean(trimmed: string, invalid: (reason: string) => Error): boolean {
  const lower = trimmed.toLowerCase();
  if (lower !== 'true' && lower !== 'false') throw invalid('Expected value to be either true or false');
  return lower === 'true';
}

function parseInteger(type: SettingType, trimmed: string, invalid: (reason: string) => Error): bigint {
  const range = INTEGER_RANGES[type];
  if (range === undefined || !/^[+-]?\d{1,40}$/.test(trimmed)) throw notANumber(type, invalid);
  const value = BigInt(trimmed.startsWith('+') ? trimmed.slice(1) : trimmed);
  if (value < range.min || value > range.max) throw notANumber(type, invalid);
  return value;
}

function parseDouble(trimmed: string, invalid: (reason: string) => Error): number {
  const digits = trimmed.replace(/[dDfF]$/, '');
  if (/^[+-]?Infinity$/.test(trimmed)) return Number(trimmed);
  if (trimmed === 'NaN' || !/^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/.test(digits))
    throw notANumber('double', invalid);
  return Number(digits);
}

function notANumber(type: SettingType, invalid: (reason: string) => Error): Error {
  const range = INTEGER_RANGES[type];
  const allowed = range === undefined ? '' : `, a whole number from ${range.min} to ${range.max}`;
  return invalid(`Not a number of type ${type.toUpperCase()}${allowed}`);
}

/**
 * The text of a value as Kafka's DescribeConfigs gives it, from the text that was set: numbers without leading
 * zeros or signs, booleans in lower case, lists without blanks. Exact for all 64-bit integers.
 */
export function canonicalText(setting: Setting, text: string): string {
  const trimmed = text.trim();
  switch (setting.type) {
    case 'int':
    case 'short':
    case 'long':
      return BigInt(trimmed.startsWith('+') ? trimmed.slice(1) : trimmed).toString();
    case 'double':
      return doubleText(Number(trimmed.replace(/[dDfF]$/, '')));
    case 'boolean':
      return trimmed.toLowerCase();
    case 'list':
      return trimmed.split(/\s*,\s*/).join(',');
    case 'string':
    case 'class':
    case 'password':
      return trimmed;
  }
}

/** The text of a value that was not set as text: a default, or the result of a conversion. */
export function valueText(setting: Setting, value: SettingValue): string | null {
  if (value === null) return null;
  if (typeof value === 'number') return setting.type === 'double' ? doubleText(value) : integerText(value);
  return typeof value === 'object' ? value.join(',') : String(value);
}

/** 2^63 - 1 has no exact JS number: the nearest one stands for it. */
function integerText(value: number): string {
  return value >= 2 ** 63 ? '9223372036854775807' : BigInt(value).toString();
}

/** As Java prints a double: 0.5, 1.0, 1.7976931348623157E308. */
function doubleText(value: number): string {
  const magnitude = Math.abs(value);
  if (!Number.isFinite(value)) return String(value);
  if (magnitude !== 0 && (magnitude < 1e-3 || magnitude >= 1e7)) return scientificText(value);
  if (Object.is(value, -0)) return '-0.0';
  return Number.isInteger(value) ? `${value}.0` : String(value);
}

function scientificText(value: number): string {
  const [mantissa, exponent] = value.toExponential().split('e') as [string, string];
  return `${mantissa.includes('.') ? mantissa : `${mantissa}.0`}E${Number(exponent)}`;
}
