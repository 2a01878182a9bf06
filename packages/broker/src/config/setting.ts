import type { SettingCheck, SettingValue } from './setting-check.ts';

/** The types of Kafka's settings. `class` holds the name of a class: none is ever loaded. */
export type SettingType =
  'string' | 'int' | 'long' | 'short' | 'double' | 'boolean' | 'list' | 'class' | 'password';

export type Importance = 'high' | 'medium' | 'low';

/** Where a broker setting may be changed while the broker runs. */
export type UpdateMode = 'read-only' | 'per-broker' | 'cluster-wide';

/**
 * What a setting does in Odradek. `without effect`: any allowed value is accepted and changes nothing.
 * `not supported`: a value other than the default asks for something that is absent; where ignoring it would
 * lose data or weaken security the start stops, else there is a warning.
 */
export type SettingStatus =
  | { readonly kind: 'in force' }
  | { readonly kind: 'without effect'; readonly because: string }
  | { readonly kind: 'not supported'; readonly because: string; readonly whenSet: 'stop' | 'warn' };

/** One setting, as data. `Value` is what the rest of the broker reads. */
export interface Setting<Value = SettingValue> {
  readonly type: SettingType;
  readonly default: Value;
  /** Beyond the type: a range, a list of words. */
  readonly check: SettingCheck | null;
  readonly unit: string | null;
  readonly importance: Importance;
  readonly update: UpdateMode;
  readonly status: SettingStatus;
  /** Known to Kafka for its own tests only: absent from descriptions unless it is set. */
  readonly internal: boolean;
  readonly about: string;
}

/** What a definition states; the rest is as usual. */
export interface SettingFacts<Default> {
  readonly default: Default;
  readonly check?: SettingCheck;
  readonly unit?: string;
  /** Default: medium. */
  readonly importance?: Importance;
  /** Default: read-only. */
  readonly update?: UpdateMode;
  /** Default: in force. */
  readonly status?: SettingStatus;
  readonly internal?: boolean;
  readonly about: string;
}

/** The value's type; a setting without a default may be null. */
type Widened<Default, Value> = null extends Default ? Value | null : Value;

export function int<Default extends number | null>(
  facts: SettingFacts<Default>,
): Setting<Widened<Default, number>> {
  return setting('int', facts);
}

export function long<Default extends number | null>(
  facts: SettingFacts<Default>,
): Setting<Widened<Default, number>> {
  return setting('long', facts);
}

export function short<Default extends number | null>(
  facts: SettingFacts<Default>,
): Setting<Widened<Default, number>> {
  return setting('short', facts);
}

export function double<Default extends number | null>(
  facts: SettingFacts<Default>,
): Setting<Widened<Default, number>> {
  return setting('double', facts);
}

export function boolean(facts: SettingFacts<boolean>): Setting<boolean> {
  return setting('boolean', facts);
}

export function string<Default extends string | null>(
  facts: SettingFacts<Default>,
): Setting<Widened<Default, string>> {
  return setting('string', facts);
}

export function className<Default extends string | null>(
  facts: SettingFacts<Default>,
): Setting<Widened<Default, string>> {
  return setting('class', facts);
}

export function list<Default extends readonly string[] | null>(
  facts: SettingFacts<Default>,
): Setting<Widened<Default, readonly string[]>> {
  return setting('list', facts);
}

/** A secret: never shown, never logged. */
export function password(facts: SettingFacts<null>): Setting<string | null> {
  return setting('password', facts);
}

/** @param because why the value changes nothing, as a clause */
export function withoutEffect(because: string): SettingStatus {
  return { kind: 'without effect', because };
}

/** @param because what is missing, as a clause */
export function notSupported(because: string, whenSet: 'stop' | 'warn'): SettingStatus {
  return { kind: 'not supported', because, whenSet };
}

const IN_FORCE: SettingStatus = { kind: 'in force' };

function setting<Value>(type: SettingType, facts: SettingFacts<unknown>): Setting<Value> {
  return {
    type,
    default: facts.default as Value,
    check: facts.check ?? null,
    unit: facts.unit ?? null,
    importance: facts.importance ?? 'medium',
    update: facts.update ?? 'read-only',
    status: facts.status ?? IN_FORCE,
    internal: facts.internal ?? false,
    about: facts.about,
  };
}
