import { ErrorCode, type ErrorName } from '@odradek/protocol/errors.ts';
import { apiTable } from '@odradek/protocol/generated/api-table.ts';
import type { FaultEffect, FaultRule } from './fault-rule.ts';

/** A rule that cannot be: says which part, what it was, and what is allowed. */
export class FaultRuleError extends Error {
  constructor(what: string, value: unknown, allowed: string) {
    super(`${what} is ${JSON.stringify(value) ?? 'missing'}, allowed ${allowed}`);
    this.name = 'FaultRuleError';
  }
}

const DELAY_MAX_MS = 600_000;
const API_NAMES = new Set(apiTable.map(({ name }) => name));
const FROM = ['clients', 'brokers', 'anybody'];
const SILENT_KINDS = ['drop-request', 'drop-answer', 'cut', 'cut-after'] as const;
const KINDS = ['error', 'delay', ...SILENT_KINDS];

const CHECKS: Readonly<Record<keyof FaultRule, (value: unknown, name: string) => void>> = {
  apis: (value) =>
    checkEach('apis', value, (api) => API_NAMES.has(api as string), "are names of Kafka's APIs"),
  topic: checkText,
  group: checkText,
  clientId: checkText,
  brokers: (value) => checkEach('brokers', value, isCount, 'are broker ids, 0 or more'),
  from: (value) => check('from', value, FROM.includes(value as string), `is one of ${FROM.join(', ')}`),
  skip: (value) => check('skip', value, isCount(value), 'is a whole number, 0 or more'),
  times: (value) => check('times', value, isCount(value) && value > 0, 'is a whole number, 1 or more'),
  probability: (value) =>
    check(
      'probability',
      value,
      typeof value === 'number' && value > 0 && value <= 1,
      'is above 0 and up to 1',
    ),
  effect: checkEffect,
};

/**
 * A rule from outside, as JSON has it.
 *
 * @throws FaultRuleError for a name that is not known, a value that is not allowed, or no effect
 */
export function readFaultRule(value: unknown): FaultRule {
  if (!isObject(value)) throw new FaultRuleError('the rule', value, 'is an object');
  for (const [name, part] of Object.entries(value)) {
    if (!Object.hasOwn(CHECKS, name)) {
      throw new FaultRuleError('a part of the rule', name, `is one of ${Object.keys(CHECKS).join(', ')}`);
    }
    if (part !== undefined) CHECKS[name as keyof FaultRule](part, name);
  }
  checkEffect(value['effect']);
  return value as unknown as FaultRule;
}

function checkEffect(effect: unknown): void {
  check('effect', effect, isObject(effect), `is an object whose kind is one of ${KINDS.join(', ')}`);
  const { kind, error, delayMs } = effect as Partial<Record<'kind' | 'error' | 'delayMs', unknown>>;
  check('effect.kind', kind, KINDS.includes(kind as FaultEffect['kind']), `is one of ${KINDS.join(', ')}`);
  if (kind === 'error') {
    const isKnown =
      typeof error === 'string' && error !== 'NONE' && ErrorCode[error as ErrorName] !== undefined;
    check('effect.error', error, isKnown, 'is the name of one of Kafka’s errors, as NOT_LEADER_OR_FOLLOWER');
  }
  if (kind === 'delay') {
    const isKnown = typeof delayMs === 'number' && delayMs >= 0 && delayMs <= DELAY_MAX_MS;
    check('effect.delayMs', delayMs, isKnown, `is 0 to ${DELAY_MAX_MS} milliseconds`);
  }
}

function checkText(value: unknown, name: string): void {
  check(name, value, typeof value === 'string' && value !== '', 'is a text that is not empty');
}

function checkEach(name: string, value: unknown, isGood: (item: unknown) => boolean, allowed: string): void {
  check(name, value, Array.isArray(value) && value.length > 0 && value.every(isGood), allowed);
}

function check(name: string, value: unknown, isGood: boolean, allowed: string): void {
  if (!isGood) throw new FaultRuleError(name, value, allowed);
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
